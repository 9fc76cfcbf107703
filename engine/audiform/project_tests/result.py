"""What became of a test."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a test; `problems` is empty when it passed."""

    name: str
    problems: tuple[str, ...]
