"""The pages of the catalogue in Markdown: the matrix, a page per type, and what was verified. Same data as the command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audiform.cli.views.catalogue import WORD
from audiform.cli.views.connectors_sheet import Key, Sheet, batch_of
from audiform.connectors.catalog import ConnectorType
from audiform.connectors.events.identifying import identifiers_of
from audiform.connectors.readme import read_readme

_GENERATED = "<!-- Written by `make docs` from connectors/: do not edit. -->"
_INDEX = (
    "What each connector type can do, derived from what its manifest defines. *set*: the connector's settings decide. "
    "*destination*: whether it can be created, read, updated, deleted, and found by name (c, r, u, d, f). *batch*: people "
    "or events in one request. *checked*: the day on which the type was compared with the platform's documentation; "
    "[what was verified against what](verified.md) says how. `audiform connectors show TYPE` prints a type's page. "
    "A project can have [types of its own](../custom_connectors.md)."
)
_VERIFIED = (
    "A type is only as right as what it was held to. The strongest is a vendor's machine-readable specification, to which "
    "every request is held on each run of the tests; then answers that somebody recorded from the platform; then the "
    "documentation's words. Each type says here what it has, and what it has not."
)
_HEADS = (
    "type",
    "kind",
    "Add",
    "Remove",
    "Variables",
    "Modify",
    "destination",
    "read-back",
    "dry run",
    "batch",
    "limits",
    "identifiers",
    "API version",
    "checked",
)


def index(kinds: Sequence[ConnectorType]) -> str:
    """Return the page of the whole catalogue: what each type can do."""
    lines = [
        "# The catalogue",
        "",
        _GENERATED,
        "",
        _INDEX,
    ]
    for category in dict.fromkeys(sorted(kind.manifest.category for kind in kinds)):
        rows = [_row(kind) for kind in kinds if kind.manifest.category == category]
        lines += ["", f"## {category[:1].upper()}{category[1:]}", "", *_table(_HEADS, rows)]
    return "\n".join(lines) + "\n"


def page(sheet: Sheet) -> str:
    """Return the page of one type."""
    guide = sheet.guide
    sections: list[tuple[str, Sequence[str]]] = [
        ("Settings", _keys(sheet.settings) or ["None."]),
        ("Credentials, and how to get them", [*_keys(sheet.credentials), "", guide.credentials]),
        ("Destination of a binding", _keys(sheet.destination)),
        ("Identifiers", _identifiers(sheet)),
        ("Fields of an event", _fields(sheet)),
        ("Example", ["```yaml", sheet.example, "```"]),
        ("Limits", [*(f"- {item}" for item in sheet.limits), "", guide.limits]),
        ("Errors, and what to do", [guide.errors]),
        ("What Audiform cannot do there", _cannot(sheet)),
        ("Verified", [guide.verified]),
    ]
    lines = [f"# {sheet.title}", "", _GENERATED, ""]
    lines += [guide.intro, ""] if guide.intro else []
    lines += _table(("", ""), [(name, _linked(text)) for name, text in sheet.facts])
    for title, body in sections:
        text = "\n".join(body).strip()
        if text:
            lines += ["", f"## {title}", "", text]
    return "\n".join(lines) + "\n"


def verified(kinds: Sequence[ConnectorType]) -> str:
    """Return the page that says of each type what was verified, and against what."""
    lines = [
        "# What was verified against what",
        "",
        _GENERATED,
        "",
        _VERIFIED,
    ]
    for kind in kinds:
        text = read_readme(kind.folder).verified or "Nothing is written down."
        lines += ["", f"## [{kind.manifest.title}]({kind.name}.md)", "", text]
    return "\n".join(lines) + "\n"


def _row(kind: ConnectorType) -> tuple[str, ...]:
    manifest, can = kind.manifest, kind.capabilities
    return (
        f"[{manifest.title}]({kind.name}.md)<br>`{kind.name}`",
        manifest.kind.replace("_", "-"),
        WORD[can.add],
        WORD[can.remove],
        WORD[can.variables],
        WORD[can.modify],
        _operations(kind),
        can.read_back,
        WORD[can.dry_run],
        f"{batch_of(manifest):,}",
        _limits(kind),
        ", ".join(identifiers_of(manifest)),
        manifest.api_version,
        manifest.checked.isoformat(),
    )


def _operations(kind: ConnectorType) -> str:
    can = kind.capabilities
    pairs = (("c", can.create), ("r", can.read), ("u", can.update), ("d", can.delete), ("f", can.find))
    return " ".join(letter for letter, able in pairs if able) or "-"


def _limits(kind: ConnectorType) -> str:
    limits = kind.manifest.limits
    found = [f"{limits.requests_per_second:g}/s"] if limits.requests_per_second is not None else []
    found.append(f"{limits.concurrency} at once")
    found += [f"from {limits.min_members:,} members"] if limits.min_members is not None else []
    return ", ".join(found)


def _keys(keys: Sequence[Key]) -> list[str]:
    if not keys:
        return []
    rows = [
        (
            f"`{key.parent}.{key.name}`" if key.parent else f"`{key.name}`",
            ", ".join(key.facts),
            key.description,
        )
        for key in keys
    ]
    return _table(("key", "", "what it is"), rows)


def _identifiers(sheet: Sheet) -> list[str]:
    if not sheet.identifiers:
        return []
    rows = [(f"`{name}`", f"`{field}`", *rest) for name, field, *rest in sheet.identifiers]
    return [
        f"{_sentence(sheet.identity)}.",
        "",
        *_table(("identifier", "there", "sent", "use", ""), rows),
    ]


def _fields(sheet: Sheet) -> list[str]:
    if not sheet.fields:
        return []
    rows = [
        (f"`{name}`", kind, need, form, f"`{source}`" if source.startswith("event") else source, words)
        for name, kind, need, form, source, words in sheet.fields
    ]
    return [
        "What a `map` may fill. What it does not name is filled from the event as the table says.",
        "",
        *_table(("field", "type", "", "sent", "filled from", ""), rows),
    ]


def _cannot(sheet: Sheet) -> list[str]:
    """Return what a person wrote of it; the manifest's notes where nobody did."""
    return [sheet.guide.cannot] if sheet.guide.cannot else [f"- {note}" for note in sheet.cannot]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_line(heads), _line(["---"] * len(heads)), *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_cells(cells)) + " |"


def _cells(cells: Sequence[str]) -> Iterator[str]:
    return (" ".join(cell.split()).replace("|", "\\|") for cell in cells)


def _linked(text: str) -> str:
    return f"<{text}>" if text.startswith("https://") else text


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
