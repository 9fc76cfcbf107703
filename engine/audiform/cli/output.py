"""What goes where: data to stdout, everything else to stderr; quiet, verbose and colour are decided here."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from enum import Enum
from typing import Any, TextIO


class Style(Enum):
    """Roles, not colours: a text must be understandable without any."""

    ERROR = "31"
    WARNING = "33"
    CREATE = "32"
    UPDATE = "33"  # noqa: PIE796 - a role of its own that looks like another
    DELETE = "31"  # noqa: PIE796 - as above
    HINT = "36"
    BOLD = "1"
    DIM = "2"


def wants_colour(stream: TextIO) -> bool:
    """Return whether `stream` is a terminal whose user did not set NO_COLOR."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


def paint(text: str, *styles: Style, colour: bool) -> str:
    """Return `text` in the styles, or as it is."""
    if not colour or not styles:
        return text
    codes = ";".join(style.value for style in styles)
    return f"\x1b[{codes}m{text}\x1b[0m"


@dataclass(frozen=True, slots=True)
class Output:
    """The two channels of one command. Streams are looked up late, so that a test can capture them."""

    quiet: bool = False
    verbose: bool = False

    @property
    def colour(self) -> bool:
        """Whether data on stdout may be coloured."""
        return wants_colour(sys.stdout)

    @property
    def error_colour(self) -> bool:
        """Whether messages on stderr may be coloured."""
        return wants_colour(sys.stderr)

    def data(self, text: str) -> None:
        """Print what the command was asked for."""
        print(text, file=sys.stdout)

    def json(self, value: Any) -> None:
        """Print `value` as indented JSON, non-ASCII kept."""
        import json

        print(json.dumps(value, indent=2, ensure_ascii=False, default=str), file=sys.stdout)

    def note(self, text: str) -> None:
        """Say something that --quiet leaves out."""
        if not self.quiet:
            print(text, file=sys.stderr)

    def detail(self, text: str) -> None:
        """Say something that only --verbose shows."""
        if self.verbose and not self.quiet:
            print(text, file=sys.stderr)

    def problem(self, text: str) -> None:
        """Say what stopped the command; never left out."""
        print(text, file=sys.stderr)
