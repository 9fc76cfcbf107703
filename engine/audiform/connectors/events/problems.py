"""What is wrong with a manifest as one of its kind: what an event type must say, and what only the others may."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audiform.connectors.events.fields import Deduplication, EventField
from audiform.connectors.events.paths import PathError, compile_path
from audiform.connectors.events.transformations import StepError, compile_steps
from audiform.connectors.manifest import Manifest
from audiform.connectors.normalizers import NORMALIZERS, VALIDATORS
from audiform.connectors.scopes import Problem
from audiform.diagnostics import did_you_mean

_OF_PEOPLE = ("identity", "identifiers", "destination", "signals")
_ONLY_OF_PEOPLE = ("identity", "identifiers", "destination", "variables", "read_back")
_OF_EVENTS = ("fields", "deduplication", "signals")
_ONLY_OF_EVENTS = ("fields", "free_fields", "one_of", "deduplication")
_MISSING = "this is missing, and it must be there"


def check_kind(manifest: Manifest, data: Any) -> Iterator[Problem]:
    """Yield what the manifest lacks, or has too much, for its kind; and what is wrong with the fields of an event."""
    is_event = manifest.kind == "event"
    needed, foreign = (_OF_EVENTS, _ONLY_OF_PEOPLE) if is_event else (_OF_PEOPLE, _ONLY_OF_EVENTS)
    yield from (Problem((key,), _MISSING) for key in needed if key not in data)
    for key in foreign:
        if key in data:
            yield Problem((key,), f"a type of the kind `{manifest.kind}` has no `{key}`")
    if not is_event:
        return
    for signal in manifest.signals:
        if signal != "add":
            yield Problem(("signals", signal), "an event is added, and never removed or changed: `add` only")
    for name, field in manifest.fields.items():
        yield from _check_field(("fields", name), field)
    yield from _check_names(manifest)


def _check_names(manifest: Manifest) -> Iterator[Problem]:
    for number, group in enumerate(manifest.one_of):
        for name in group:
            if name not in manifest.fields:
                yield Problem(
                    ("one_of", number), f"`{name}` is no field", did_you_mean(name, manifest.fields)
                )
    by = manifest.deduplication
    if isinstance(by, Deduplication) and by.field not in manifest.fields:
        hint = did_you_mean(by.field, manifest.fields)
        yield Problem(("deduplication", "field"), f"`{by.field}` is no field", hint)


def _check_field(path: tuple[str, ...], field: EventField) -> Iterator[Problem]:
    if field.paths and field.value is not None:
        yield Problem(path, "a field is filled `from` the event or with a `value`, and not with both")
    if field.max_length is not None and field.type not in ("text", "list"):
        yield Problem((*path, "max_length"), "only a text or a list has a length")
    for text in field.paths:
        yield from _check_path((*path, "from"), text, "event")
    if field.each is not None:
        if field.type != "list":
            yield Problem((*path, "each"), "`each` makes the entries of a field whose type is `list`")
        for key, text in field.each.items():
            yield from _check_path((*path, "each", key), text, "item")
    for steps, key in ((field.transform, "transform"), (field.convert, "convert")):
        try:
            compile_steps(steps)
        except StepError as error:
            yield Problem((*path, key), str(error), error.hint)
    yield from _check_primitives(path, "normalize", field.normalize, NORMALIZERS)
    yield from _check_primitives(path, "valid", (field.valid,) if field.valid else (), VALIDATORS)


def _check_primitives(
    path: tuple[str, ...], key: str, texts: Sequence[str], known: Mapping[str, Any]
) -> Iterator[Problem]:
    for text in texts:
        name = text.partition(":")[0]
        if name not in known:
            yield Problem((*path, key), f"there is no `{name}`", did_you_mean(name, known))


def _check_path(path: tuple[str, ...], text: str, root: str) -> Iterator[Problem]:
    try:
        compile_path(text, root)
    except PathError as error:
        yield Problem(path, str(error))
