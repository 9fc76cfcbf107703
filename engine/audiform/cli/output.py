"""What goes where: data to stdout, everything else to stderr; quiet, verbose and colour are decided here."""

from __future__ import annotations

import os
import re
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


_STEERING = re.compile(
    r"(\x1b\[(?:0|(?:1|2|31|32|33|36)(?:;(?:1|2|31|32|33|36))*)m)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
"""What `paint` writes, or a character that a terminal obeys, or that turns the order of letters around."""


def harmless(text: str, *, colour: bool) -> str:
    """Return `text` with what could steer a terminal written as JSON escapes; own colours stay.

    Names of files, columns and platforms' objects are chosen by others, and a reviewer believes what is on the screen.
    """
    # What can be printed steers nothing, and asking that takes a tenth of the time of looking for what does.
    if text.replace("\n", "").isprintable():
        return text
    return _STEERING.sub(lambda found: found[0] if colour and found[1] else _escaped(found[0]), text)


def _escaped(text: str) -> str:
    return f"\\u{ord(text[0]):04x}{text[1:]}"


def _write(text: str, stream: TextIO) -> None:
    """Print a line, or a few. Where the reader went away (`| head`), the command goes on, and its code is its own."""
    try:
        print(text, file=stream)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


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
        _write(harmless(text, colour=self.colour), sys.stdout)

    def json(self, value: Any) -> None:
        """Print `value` as indented JSON, non-ASCII kept."""
        import json

        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
        _write(harmless(text, colour=False), sys.stdout)

    def note(self, text: str) -> None:
        """Say something that --quiet leaves out."""
        if not self.quiet:
            _write(harmless(text, colour=self.error_colour), sys.stderr)

    def detail(self, text: str) -> None:
        """Say something that only --verbose shows."""
        if self.verbose and not self.quiet:
            _write(harmless(text, colour=self.error_colour), sys.stderr)

    def problem(self, text: str) -> None:
        """Say what stopped the command; never left out."""
        _write(harmless(text, colour=self.error_colour), sys.stderr)
