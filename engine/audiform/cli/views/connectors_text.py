"""Connector types and connectors as text: what a type needs, what it can do, and what it cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audiform.cli.output import Style, paint
from audiform.cli.views.table import table
from audiform.connectors.catalog import Capabilities, ConnectorType
from audiform.connectors.manifest import Manifest, SignalOperation
from audiform.connectors.template import as_text
from audiform.credentials import Checked

_WORD = {True: "yes", False: "-", None: "set"}
LEGEND = (
    "destination: c create, r read, u update, d delete. set: the connector's settings decide. "
    "* a type of the project's own."
)


def configured(items: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of a project's connectors."""
    rows = [
        (item["name"], item["type"], item["title"], "" if item["enabled"] else "off", f"{item['bindings']:,}")
        for item in items
    ]
    return "\n".join(table([("connector", "type", "title", "", "bindings"), *rows], left=4))


def matrix(kinds: Sequence[ConnectorType]) -> str:
    """Return the catalogue with what each type can do."""
    heads = ("type", "title", "category", "destination", "add", "remove", "modify", "variables")
    rows = [
        (
            f"{kind.name}{' *' if kind.custom else ''}",
            kind.manifest.title,
            kind.manifest.category,
            _crud(kind.capabilities),
            *(_WORD[value] for value in _signals(kind.capabilities)),
        )
        for kind in kinds
    ]
    return "\n".join([*table([heads, *rows], left=len(heads)), "", LEGEND])


def detail(kind: ConnectorType, example: str, *, colour: bool) -> str:
    """Return everything that a user of the type has to know; `example` is YAML."""
    manifest = kind.manifest
    facts = [
        ("type", f"{kind.name}{' (of this project)' if kind.custom else ''}"),
        ("category", manifest.category),
        ("API version", f"{manifest.api_version}, compared with its documentation on {manifest.checked}"),
        ("documentation", manifest.documentation),
        *_abilities(kind),
    ]
    sections = [
        ("Settings", _schema(manifest.settings)),
        ("Credentials", _schema(manifest.credentials)),
        ("Destination of a binding", _schema(manifest.destination.attributes)),
        (f"Identifiers: {_identity(manifest)}", _identifiers(manifest)),
        ("Limits", _limits(manifest)),
        ("What cannot be done there", [f"- {note}" for note in manifest.notes]),
        ("Example", example.rstrip().split("\n")),
    ]
    parts = [paint(manifest.title, Style.BOLD, colour=colour), "\n".join(table(facts, left=2, indent="  "))]
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


def _signals(can: Capabilities) -> tuple[bool | None, ...]:
    return can.add, can.remove, can.modify, can.variables


def _crud(can: Capabilities) -> str:
    pairs = (("c", can.create), ("r", can.read), ("u", can.update), ("d", can.delete))
    return "".join(letter if able else "-" for letter, able in pairs)


def _abilities(kind: ConnectorType) -> Iterator[tuple[str, str]]:
    can = kind.capabilities
    names = ("add", "remove", "modify")
    signals = dict(zip(names, (can.add, can.remove, can.modify), strict=True))
    sends = [
        f"{name}{' (if its settings say how)' if able is None else ''}"
        for name, able in signals.items()
        if able is not False
    ]
    yield "sends", ", ".join(sends) or "nothing"
    objects = {"create": can.create, "read": can.read, "update": can.update, "delete": can.delete}
    yield "destinations", ", ".join(name for name, able in objects.items() if able) or "exist already"
    variables = kind.manifest.variables
    most = f", at most {variables.max}" if variables.max is not None else ""
    words = {"none": "none", "free": f"any{most}", "fixed": ", ".join(variables.names) + most}
    yield "variables", words[variables.allowed]


def _schema(schema: Mapping[str, Any], indent: str = "") -> list[str]:
    """Return two lines a key: what it is, and what it means. Maps in maps are indented below it."""
    lines: list[str] = []
    required: Sequence[str] = schema.get("required", ())
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    for name, body in properties.items():
        lines.append(f"{indent}{name}  ({', '.join(_facts(name, body, required))})")
        if "description" in body:
            lines.append(f"{indent}    {body['description']}")
        if not indent:
            lines += _schema(body, "    ")
    return lines


def _facts(name: str, body: Mapping[str, Any], required: Sequence[str]) -> Iterator[str]:
    yield "required" if name in required else "optional"
    if "enum" in body:
        yield "one of " + ", ".join(map(str, body["enum"]))
    elif "type" in body:
        yield str(body["type"])
    if "default" in body:
        yield f"default {as_text(body['default']) or 'empty'}"
    if "examples" in body:
        yield f"such as {body['examples'][0]}"


def _identity(manifest: Manifest) -> str:
    if manifest.identity == "each":
        return "each of them that identifies finds the person"
    if manifest.identity.startswith("from_setting:"):
        return f"the setting `{manifest.identity.removeprefix('from_setting:')}` says what names a member"
    return f"`{manifest.identity}` names a member"


def _identifiers(manifest: Manifest) -> list[str]:
    rows = [
        (
            name,
            item.field,
            "in clear" if item.hash == "none" else item.hash,
            "identifies" if item.identifies else "helps to match",
            item.description or "",
        )
        for name, item in manifest.identifiers.items()
    ]
    return table(rows, left=5)


def _limits(manifest: Manifest) -> list[str]:
    limits = manifest.limits
    found = [f"{limits.rows_per_request:,} people per request"]
    found += [
        f"{part.rows_per_request:,} people per request for {name}"
        for name, part in manifest.signals.items()
        if isinstance(part, SignalOperation) and part.rows_per_request is not None
    ]
    if limits.bytes_per_request is not None:
        found.append(f"{limits.bytes_per_request:,} bytes per request")
    if limits.requests_per_second is not None:
        found.append(f"{limits.requests_per_second:g} requests per second")
    found.append(f"{limits.concurrency} requests at the same time")
    if limits.min_members is not None:
        found.append(f"a list below {limits.min_members:,} members is not served")
    return found
