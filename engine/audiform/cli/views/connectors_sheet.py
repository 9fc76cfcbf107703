"""A connector type as what its reader has to know, in order: what `connectors show` prints and its page says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audiform.connectors.catalog import ConnectorType
from audiform.connectors.events.fields import Deduplication
from audiform.connectors.manifest import Manifest, SignalOperation
from audiform.connectors.overview import Capabilities
from audiform.connectors.readme import Readme, read_readme
from audiform.connectors.template import as_text

READ_BACK = {
    "count": "how many members there are",
    "members": "who is a member",
    "none": "nothing: what was sent is taken for what is there",
}


@dataclass(frozen=True, slots=True)
class Key:
    """A setting, credential or attribute. `parent`: the key in whose map it stands, or empty."""

    name: str
    facts: tuple[str, ...]
    description: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that is said of a type. `example` is YAML; `guide` is what a person wrote beside the manifest."""

    name: str
    title: str
    facts: Sequence[tuple[str, str]]
    settings: Sequence[Key]
    credentials: Sequence[Key]
    destination: Sequence[Key]
    identity: str
    identifiers: Sequence[tuple[str, ...]]
    fields: Sequence[tuple[str, ...]]
    limits: Sequence[str]
    cannot: Sequence[str]
    example: str
    guide: Readme


def sheet_of(kind: ConnectorType, example: str) -> Sheet:
    """Return the sheet of a type; `example` is used where its README has none."""
    manifest, guide = kind.manifest, read_readme(kind.folder)
    return Sheet(
        name=kind.name,
        title=manifest.title,
        facts=tuple(_facts(kind)),
        settings=tuple(_keys(manifest.settings)),
        credentials=tuple(_keys(manifest.credentials)),
        destination=tuple(_keys(manifest.destination.attributes)),
        identity=_identity(manifest),
        identifiers=tuple(_identifiers(manifest)),
        fields=tuple(_fields(manifest)),
        limits=tuple(_limits(manifest)),
        cannot=manifest.notes,
        example=guide.example or example.rstrip(),
        guide=guide,
    )


def _facts(kind: ConnectorType) -> Iterator[tuple[str, str]]:
    manifest, can = kind.manifest, kind.capabilities
    yield "type", f"{kind.name}{' (custom: of this project)' if kind.custom else ''}"
    yield "kind", manifest.kind.replace("_", "-")
    yield "category", manifest.category
    yield "API version", f"{manifest.api_version}, compared with its documentation on {manifest.checked}"
    yield "documentation", manifest.documentation
    if manifest.kind == "event":
        yield "sends", "add: events, as they happen"
        yield "sent twice", _deduplication(manifest)
    else:
        yield "sends", ", ".join(_sends(can)) or "nothing"
        yield "destinations", _destinations(can)
        yield "variables", _variables(manifest)
        yield "read-back", READ_BACK[can.read_back]
        yield "dry run", "yes: `plan --remote-validate`" if can.dry_run else "no"
    yield "batch", f"{batch_of(manifest):,} {_unit(manifest)} per request"


def _unit(manifest: Manifest) -> str:
    return "events" if manifest.kind == "event" else "people"


def _deduplication(manifest: Manifest) -> str:
    by = manifest.deduplication
    if not isinstance(by, Deduplication):
        return "the platform counts an event each time that it gets it"
    hours = f" for {by.window_hours:g} hours" if by.window_hours is not None else ""
    return f"the platform knows an event again by `{by.field}`{hours}"


def batch_of(manifest: Manifest) -> int:
    """Return how many people one request of `add` has at most."""
    add = manifest.signals.get("add")
    own = add.rows_per_request if isinstance(add, SignalOperation) else None
    return own or manifest.limits.rows_per_request


def _sends(can: Capabilities) -> Iterator[str]:
    for name, able in (("add", can.add), ("remove", can.remove), ("modify", can.modify)):
        if able is not False:
            yield f"{name}{' (if its settings say how)' if able is None else ''}"


def _destinations(can: Capabilities) -> str:
    objects = {"create": can.create, "read": can.read, "update": can.update, "delete": can.delete}
    found = ", ".join(name for name, able in objects.items() if able) or "exist already"
    return f"{found}; listed by `audiform destinations`" if can.find else found


def _variables(manifest: Manifest) -> str:
    variables = manifest.variables
    most = f", at most {variables.max}" if variables.max is not None else ""
    words = {"none": "none", "free": f"any{most}", "fixed": ", ".join(variables.names) + most}
    return words[variables.allowed]


def _keys(schema: Mapping[str, Any], parent: str = "") -> Iterator[Key]:
    """Yield the keys of a JSON Schema, and after a map those in it."""
    required: Sequence[str] = schema.get("required", ())
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    for name, body in properties.items():
        facts = tuple(_facts_of_key(name, body, required))
        yield Key(name, facts, str(body.get("description", "")), parent)
        if not parent:
            yield from _keys(body, name)


def _facts_of_key(name: str, body: Mapping[str, Any], required: Sequence[str]) -> Iterator[str]:
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


def _identifiers(manifest: Manifest) -> Iterator[tuple[str, ...]]:
    for name, item in manifest.identifiers.items():
        sent = "in clear" if item.hash == "none" else item.hash
        use = "identifies" if item.identifies else "helps to match"
        yield name, item.field, sent, use, item.description or ""


def _limits(manifest: Manifest) -> Iterator[str]:
    limits, unit = manifest.limits, _unit(manifest)
    yield f"{limits.rows_per_request:,} {unit} per request"
    for name, part in manifest.signals.items():
        if isinstance(part, SignalOperation) and part.rows_per_request is not None:
            yield f"{part.rows_per_request:,} {unit} per request for {name}"
    if limits.bytes_per_request is not None:
        yield f"{limits.bytes_per_request:,} bytes per request"
    if limits.requests_per_second is not None:
        yield f"{limits.requests_per_second:g} requests per second"
    yield f"{limits.concurrency} requests at the same time"
    if limits.min_members is not None:
        yield f"a list below {limits.min_members:,} members is not served"
    if limits.oldest_hours is not None:
        yield f"events that happened more than {limits.oldest_hours:g} hours ago are not taken"


def _fields(manifest: Manifest) -> Iterator[tuple[str, ...]]:
    """Yield what a `map` may fill: name, type, need, form, what fills it by itself, words."""
    groups = {name for group in manifest.one_of for name in group}
    for name, item in manifest.fields.items():
        need = "required" if item.required else "one of" if name in groups else "optional"
        form = item.hash if item.hash != "none" else "normalised" if item.normalize else "in clear"
        source = " or ".join(item.paths) if item.paths else _given(item.value)
        yield name, item.type, need, form, source, item.description or ""


def _given(value: Any) -> str:
    return "" if value is None else f"always {as_text(value)}"
