"""Connector types and connectors as text: what a type needs, what it can do, and what it cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audiform.cli.output import Style, paint
from audiform.cli.views.connectors_sheet import Key, Sheet
from audiform.cli.views.table import table
from audiform.credentials import Checked


def configured(items: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of a project's connectors."""
    rows = [
        (
            item["name"],
            item["type"],
            item["title"],
            "" if item["enabled"] else "off",
            "events" if item["kind"] == "event" else f"{item['bindings']:,}",
        )
        for item in items
    ]
    return "\n".join(table([("connector", "type", "title", "", "bindings"), *rows], left=4))


def detail(sheet: Sheet, *, colour: bool) -> str:
    """Return everything that a user of the type has to know."""
    sections = [
        ("Settings", _keys(sheet.settings)),
        ("Credentials", _keys(sheet.credentials)),
        ("How to get the credentials", _lines(sheet.guide.credentials)),
        ("Destination of a binding", _keys(sheet.destination)),
        (f"Identifiers: {sheet.identity}", table(sheet.identifiers, left=5) if sheet.identifiers else []),
        ("Fields of an event (`map`)", table(sheet.fields, left=6) if sheet.fields else []),
        ("Limits", sheet.limits),
        ("What cannot be done there", [f"- {note}" for note in sheet.cannot]),
        ("Errors, and what to do", _lines(sheet.guide.errors)),
        ("Example", _lines(sheet.example)),
        ("Verified", _lines(sheet.guide.verified)),
    ]
    facts = table(sheet.facts, left=2, indent="  ")
    parts = [paint(sheet.title, Style.BOLD, colour=colour), "\n".join(facts)]
    parts += [
        "\n".join([paint(title, Style.BOLD, colour=colour), *(f"  {line}".rstrip() for line in lines)])
        for title, lines in sections
        if lines
    ]
    return "\n\n".join(parts)


def checked(found: Sequence[Checked], *, colour: bool) -> str:
    """Return a line for each connector, with what to do below it where its credentials do not work."""
    return "\n".join(line for item in found for line in _checked(item, colour=colour))


def _checked(item: Checked, *, colour: bool) -> Iterator[str]:
    word, style, text = _verdict(item)
    yield f"{paint(word, style, colour=colour)}  {item.connector} ({item.type}): {text}"
    if item.remedy:
        yield f"  {paint('hint', Style.HINT, colour=colour)}: {item.remedy}"


def _verdict(item: Checked) -> tuple[str, Style, str]:
    match item.status:
        case "works":
            return "works", Style.CREATE, "the platform accepts the credentials"
        case "resolved":
            text = "the credentials are there; the type has no request that shows whether they work"
            return "resolved", Style.WARNING, text
        case "failed":
            return "failed", Style.ERROR, f"{item.category}: {item.message}"


def _keys(keys: Sequence[Key]) -> list[str]:
    """Return two lines a key: what it is, and what it means. Maps in maps are indented below it."""
    lines: list[str] = []
    for key in keys:
        indent = "    " if key.parent else ""
        lines.append(f"{indent}{key.name}  ({', '.join(key.facts)})")
        if key.description:
            lines.append(f"{indent}    {key.description}")
    return lines


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []
