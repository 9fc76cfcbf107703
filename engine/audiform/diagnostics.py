"""Diagnostics are values: collected, located late, rendered last.

`summary` is always the same text for the same code and holds no names of the user's; `detail` says in
full sentences what is wrong, why that matters and what to do; `hint` is one line, such as a near name.
Every code stands in `codes.py` with its summary and its section of `docs/diagnostics.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum

from audiform.address import Address


class Severity(StrEnum):
    """How bad it is: an error stops the command, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, order=True, slots=True)
class Location:
    """A place in a file of the project: 1-based line and column; `text` is the line itself.

    `file` is relative to the project's folder. `length` is the number of characters to underline.
    """

    file: str
    line: int
    column: int
    length: int = 1
    text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem. `path` is the route of keys inside the resource; it is made a location late.

    `on_key` points to the last key of `path` instead of its value; `part` to this text inside of it.
    """

    code: str
    detail: str
    severity: Severity = Severity.ERROR
    hint: str | None = None
    location: Location | None = None
    related: tuple[tuple[str, Location], ...] = ()
    address: Address | None = None
    path: tuple[str | int, ...] = ()
    on_key: bool = False
    part: str | None = None

    def at(self, location: Location | None) -> Diagnostic:
        """Return this diagnostic with its place made concrete."""
        return replace(self, location=location)


@dataclass(slots=True)
class Diagnostics:
    """A list that only grows; `has_errors` decides whether a command goes on."""

    items: list[Diagnostic] = field(default_factory=list["Diagnostic"])

    def add(self, diagnostic: Diagnostic) -> None:
        """Append one diagnostic."""
        self.items.append(diagnostic)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Append many diagnostics."""
        self.items.extend(diagnostics)

    @property
    def has_errors(self) -> bool:
        """Whether at least one of them is an error."""
        return any(item.severity is Severity.ERROR for item in self.items)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


class DiagnosticError(Exception):
    """Carries diagnostics out of a function that cannot go on; the CLI renders them, exit code 1."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(f"{item.code}: {item.detail}" for item in self.diagnostics))


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return a hint with the nearest known name, or None when none is near."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else None
