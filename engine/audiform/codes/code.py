"""What is known about one diagnostic code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """`summary` is the headline, always the same text; the others are Markdown for `docs/diagnostics.md`.

    `meaning` says what is wrong and why that matters, `remedy` what to do, `example` what causes it.
    """

    summary: str
    meaning: str
    remedy: str
    example: str = ""
