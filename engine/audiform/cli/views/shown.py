"""What the form of a shown plan may depend on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class Shown:
    """What a form may depend on. `command` takes approvals of guards; `file` is what a checker points to.

    `folder` is the project's, from where the command runs: a checker finds the lines of its files there.
    """

    colour: bool = False
    concise: bool = False
    command: str = "plan"
    file: str = "audiform.yaml"
    folder: PurePosixPath = field(default_factory=PurePosixPath)


def json_text(value: object) -> str:
    """Return data as JSON that people can read too."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
