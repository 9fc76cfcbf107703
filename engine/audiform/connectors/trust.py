"""Which of a project's own connector types may be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from audiform.connectors.signing import problem_of
from audiform.diagnostics import Diagnostic

Policies = Literal["signed", "allowed", "forbidden"]


@dataclass(frozen=True, slots=True)
class Trust:
    """`custom`: all of them, those that one of the `keys` has signed, or none."""

    custom: Policies = "allowed"
    keys: frozenset[str] = frozenset()

    def problem(self, folder: Path) -> Diagnostic | None:
        """Return why the project's own type in `folder` is not used, or None."""
        match self.custom:
            case "allowed":
                return None
            case "signed":
                return problem_of(folder, self.keys)
            case "forbidden":
                return _forbidden(folder.name)


ANYBODY = Trust()
"""For commands that only look at types, and outside of a project."""


def _forbidden(name: str) -> Diagnostic:
    text = (
        f"`{name}` is one of the project's own connector types, and `policy.custom_connectors` in audiform.yaml is "
        "`forbidden`. Use a shipped type, or let an owner of the project change the policy."
    )
    return Diagnostic("custom-connector-forbidden", text)
