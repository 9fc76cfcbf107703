"""Diagnostics for people: what is wrong, where, the line itself, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audiform.cli.output import Style, paint
from audiform.codes import summary
from audiform.diagnostics import Diagnostic, Location, Severity

_WIDTH = 120
_STYLES = {Severity.ERROR: Style.ERROR, Severity.WARNING: Style.WARNING}


def render_text(diagnostics: Sequence[Diagnostic], *, colour: bool) -> str:
    """Return all of them, an empty line between two; errors keep the order in which they were found.

    error[unknown-field]: Unknown field
      --> bindings.yaml:4:5
       |
     4 |     conector: ads_eu
       |     ^^^^^^^^
      `conector` is not a field of a binding.
      hint: did you mean "connector"?
    """
    return "\n\n".join("\n".join(_lines(item, colour=colour)) for item in diagnostics)


def count_text(diagnostics: Sequence[Diagnostic]) -> str:
    """Return `2 errors, 1 warning`."""
    errors = sum(item.severity is Severity.ERROR for item in diagnostics)
    warnings = len(diagnostics) - errors
    parts = [_counted(errors, "error")] if errors else []
    return ", ".join([*parts, _counted(warnings, "warning")] if warnings else parts)


def printable(text: str) -> str:
    """Return `text` without what could steer a terminal: a file may hold anything."""
    return "".join(
        char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _lines(item: Diagnostic, *, colour: bool) -> Iterator[str]:
    style = _STYLES[item.severity]
    head = paint(f"{item.severity}[{item.code}]", style, Style.BOLD, colour=colour)
    yield f"{head}: {paint(summary(item.code), Style.BOLD, colour=colour)}"
    if item.location:
        yield from _place(item.location, style, colour=colour)
    elif item.address:
        yield f"  --> {item.address}"
    for line in printable(item.detail).rstrip("\n").split("\n"):
        yield f"  {line}".rstrip()
    for label, location in item.related:
        yield f"  note: {printable(label)}"
        yield from _place(location, Style.DIM, colour=colour)
    if item.hint:
        yield f"  {paint('hint', Style.HINT, colour=colour)}: {printable(item.hint)}"


def _place(location: Location, style: Style, *, colour: bool) -> Iterator[str]:
    yield f"  --> {printable(location.file)}:{location.line}:{location.column}"
    if not location.text.strip():
        return
    text, column = _clipped(printable(location.text.replace("\t", " ")), location.column)
    number = str(location.line)
    gutter = " " * len(number)
    length = max(1, min(location.length, len(text) - column + 1))
    yield f"  {gutter} |"
    yield f"  {number} | {text}".rstrip()
    yield f"  {gutter} | {' ' * (column - 1)}{paint('^' * length, style, Style.BOLD, colour=colour)}"


def _clipped(text: str, column: int) -> tuple[str, int]:
    """Return the part of a long line around `column`, and the column in it."""
    if len(text) <= _WIDTH:
        return text, column
    start = max(0, min(column - 1 - _WIDTH // 3, len(text) - _WIDTH))
    head, tail = "..." if start else "", "..." if start + _WIDTH < len(text) else ""
    return f"{head}{text[start : start + _WIDTH]}{tail}", column - start + len(head)
