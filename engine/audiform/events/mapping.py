"""Fills the fields of a record from an event: what the type takes by itself, and what a connector's `map` says.

Everything is compiled once. What is wrong with a map is found by compiling it, so that `validate` and `run` agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from audiform.config.event_kinds import Fill, MappedField
from audiform.connectors.events.fields import EventField
from audiform.connectors.events.identifying import identifier_of
from audiform.connectors.events.moments import UnfitError
from audiform.connectors.events.paths import Getter, PathError, compile_path
from audiform.connectors.events.rows import compile_row
from audiform.connectors.events.transformations import (
    Function,
    StepError,
    as_boolean,
    as_integer,
    as_number,
    as_text,
    compile_steps,
)
from audiform.connectors.identifiers import normalize
from audiform.connectors.manifest import Identifier, Manifest, SignalOperation
from audiform.connectors.template import MISSING, references
from audiform.diagnostics import did_you_mean
from audiform.events.route import NotSent, Reason
from audiform.shapes import is_list, is_map

FREE = EventField(type="any")


@dataclass(frozen=True, slots=True)
class MapProblem:
    """What is wrong at `path` below a connector's `map`; one sentence or several."""

    path: tuple[str | int, ...]
    text: str
    hint: str | None = None
    code: str = "invalid-mapping"
    on_key: bool = False


@dataclass(frozen=True, slots=True)
class Filled:
    """One field: `make` returns its value for an event's scope, None where there is none, or raises an UnfitError."""

    name: str
    make: Callable[[Any], Any]
    required: bool
    where: str


@dataclass(frozen=True, slots=True)
class CompiledMap:
    """A connector's map, compiled. `problems`: what could not be; then it must not be used."""

    fields: tuple[Filled, ...]
    one_of: tuple[tuple[str, ...], ...]
    problems: tuple[MapProblem, ...] = field(default=())

    def record(self, scope: Any) -> dict[str, Any] | NotSent:
        """Return field -> value of one event, or why it cannot be sent."""
        values: dict[str, Any] = {}
        for one in self.fields:
            try:
                value = one.make(scope)
            except UnfitError as error:
                return _invalid(one, str(error))
            except (ValueError, TypeError, LookupError, ArithmeticError):
                # Whatever somebody sends, one event never stops those behind it; such messages may hold the value.
                return _invalid(one, "it is nothing that can be worked with")
            if value is not None:
                _put(values, one.name, value)
            elif one.required:
                return NotSent(
                    Reason.MISSING_FIELD, f"`{one.name}` is required, and there is nothing at {one.where}"
                )
        for group in self.one_of:
            if values.keys().isdisjoint(group):
                names = ", ".join(f"`{name}`" for name in group)
                return NotSent(Reason.MISSING_FIELD, f"one of {names} is required, and none is there")
        return values


def _invalid(one: Filled, why: str) -> NotSent:
    return NotSent(Reason.INVALID_FIELD, f"`{one.name}` cannot be filled from {one.where}: {why}")


def compile_map(manifest: Manifest, given: Mapping[str, Fill]) -> CompiledMap:
    """Return how the fields of a record are filled, and everything that is wrong with `given`."""
    problems: list[MapProblem] = []
    fields: list[Filled] = []
    for name, known in manifest.fields.items():
        fill = given[name] if name in given else _default(known)
        if name in given and fill is None and known.required:
            text = f"`{name}` is required there, so it cannot be left out."
            problems.append(MapProblem((name,), text))
        if fill is not None:
            fields += _compiled(name, known, fill, problems)
        elif known.required and name not in given:
            problems.append(_unfilled(name, known))
    for name, fill in given.items():
        if name in manifest.fields:
            continue
        known, problem = _other(name, manifest)
        if problem is not None:
            problems.append(problem)
        elif fill is not None:
            fields += _compiled(name, known, fill, problems)
    problems += _one_of(manifest, {one.name for one in fields})
    if not problems:
        problems += _nothing_left(manifest, fields)
    fields.sort(key=lambda one: one.name.count("."))  # an object before what is put into it
    return CompiledMap(tuple(fields), manifest.one_of, tuple(problems))


def _default(known: EventField) -> MappedField | None:
    """Return what fills a field by itself."""
    if not known.paths and known.value is None:
        return None
    each = None if known.each is None else dict(known.each)
    steps = [step if isinstance(step, str) else dict(step) for step in known.transform]
    return MappedField.model_validate(
        {"from": known.paths or None, "value": known.value, "each": each, "transform": steps}
    )


def _unfilled(name: str, known: EventField) -> MapProblem:
    about = f" {known.description.rstrip('.')}." if known.description else ""
    text = f"The type requires `{name}`, and nothing fills it.{about}"
    return MapProblem(
        (), text, f"map: {{{name}: event.properties.{name}}}", code="missing-mapping", on_key=True
    )


def _other(name: str, manifest: Manifest) -> tuple[EventField, MapProblem | None]:
    """Return what is known of a field that the type does not name: a key of an object, or a free one."""
    base, dot, _ = name.partition(".")
    holder = manifest.fields.get(base)
    if dot and holder is not None and holder.type in ("object", "any"):
        return FREE, None
    if manifest.free_fields and not dot:
        return FREE, None
    takes = ", ".join(f"`{item}`" for item in manifest.fields)
    text = f"The type has no field `{name}`; it has {takes}."
    return FREE, MapProblem((name,), text, did_you_mean(name, manifest.fields), "unknown-field", on_key=True)


def _one_of(manifest: Manifest, filled: set[str]) -> Iterator[MapProblem]:
    for group in manifest.one_of:
        if filled.isdisjoint(group):
            names = ", ".join(f"`{name}`" for name in group)
            text = f"The type needs at least one of {names}, and nothing fills any of them."
            yield MapProblem(
                (), text, f"map: {{{group[0]}: event.traits.{group[0]}}}", "missing-mapping", on_key=True
            )


def _nothing_left(manifest: Manifest, fields: Sequence[Filled]) -> Iterator[MapProblem]:
    """Yield a problem where nothing of what a record would say is filled by anything."""
    add = manifest.signals.get("add")
    if not isinstance(add, SignalOperation) or not references(add.row):
        return
    record: dict[str, Any] = {}
    for one in fields:
        known = manifest.fields.get(one.name, FREE)
        _put(record, one.name, {"key": "value"} if known.type == "object" else "value")
    if compile_row(add.row, {})(record) is MISSING:
        names = ", ".join(sorted(f"`{name.removeprefix('row.')}`" for name in references(add.row)))
        text = f"Nothing would be left of a record: what is sent of an event is {names}, and nothing fills any of it."
        yield MapProblem((), text, None, "missing-mapping", on_key=True)


def _compiled(
    name: str, known: EventField, fill: str | MappedField, problems: list[MapProblem]
) -> Iterator[Filled]:
    """Yield the field, if nothing is wrong with it."""
    entry = MappedField.model_validate({"from": fill}) if isinstance(fill, str) else fill
    inner = "from" if not isinstance(fill, str) else None
    found = list(_entry_problems(name, known, entry, inner))
    problems += found
    if found:
        return
    steps = compile_steps((*entry.transform, *known.convert))
    finish = _finisher(name, known, entry)
    paths = (entry.source,) if isinstance(entry.source, str) else entry.source or ()
    if not paths:
        yield Filled(
            name, partial(_constant, _made(entry.value, steps, finish)), known.required, "its `value`"
        )
        return
    getters = [compile_path(path) for path in paths]
    each = {key: compile_path(path, "item") for key, path in (entry.each or {}).items()}
    where = " or ".join(f"`{path}`" for path in paths)
    make = _Maker(getters, each, steps, finish)
    yield Filled(name, make, known.required, where)


def _entry_problems(
    name: str, known: EventField, entry: MappedField, inner: str | None
) -> Iterator[MapProblem]:
    place = (name,) if inner is None else (name, inner)
    if (entry.source is None) is (entry.value is None):
        yield MapProblem(
            (name,), "A field is filled `from` a path of the event or with a `value`: one of the two."
        )
        return
    paths = (entry.source,) if isinstance(entry.source, str) else entry.source or ()
    for text in paths:
        yield from _path_problems(place, text, "event")
    for key, text in (entry.each or {}).items():
        yield from _path_problems((name, "each", key), text, "item")
    try:
        steps = compile_steps(entry.transform)
    except StepError as error:
        yield MapProblem((name, "transform"), f"In `transform` of `{name}`, {error}.", error.hint)
        return
    if entry.already_hashed and known.hash == "none":
        text = f"The type takes `{name}` in clear: a hash cannot be turned back, so it would find nobody."
        yield MapProblem((name, "already_hashed"), text)
    elif entry.source is None:
        yield from _constant_problems(name, known, entry, steps)


def _constant_problems(
    name: str, known: EventField, entry: MappedField, steps: Function | None
) -> Iterator[MapProblem]:
    """Yield why the same value in every record is none that the type takes: it is known now."""
    try:
        made = _made(entry.value, steps, _finisher(name, known, entry))
    except UnfitError as error:
        yield MapProblem((name, "value"), f"`{name}` cannot be that: {error}.")
    else:
        if made is None:
            yield MapProblem(
                (name, "value"), f"Nothing is left of the `value` of `{name}` as the type wants it."
            )


def _path_problems(place: tuple[str, ...], text: str, root: str) -> Iterator[MapProblem]:
    try:
        compile_path(text, root)
    except PathError as error:
        wrong_root = not text.startswith(f"{root}.")
        constant = f", or for the same text in every record `{{value: {text}}}`" if root == "event" else ""
        hint = f"write `{root}.{text}`{constant}" if wrong_root else None
        yield MapProblem(place, f"In `{place[0]}`, {error}.", hint)


def _constant(value: Any, _scope: Any) -> Any:
    return value


def _made(value: Any, steps: Function | None, finish: Function) -> Any:
    if steps is not None:
        value = steps(value)
    return None if value is None else finish(value)


class _Maker:
    """Takes the first value that is there, and makes of it what the field wants."""

    __slots__ = ("_each", "_finish", "_getters", "_steps")

    def __init__(
        self, getters: Sequence[Getter], each: Mapping[str, Getter], steps: Function | None, finish: Function
    ) -> None:
        self._getters = getters
        self._each = each
        self._steps = steps
        self._finish = finish

    def __call__(self, scope: Any) -> Any:
        value = None
        for getter in self._getters:
            value = getter(scope)
            if value is not None and value != "":
                break
        if value is not None and self._each:
            value = self._entries(value)
        if self._steps is not None:
            value = self._steps(value)
        return None if value is None or value == "" else self._finish(value)

    def _entries(self, value: Any) -> list[dict[str, Any]]:
        if not is_list(value):
            raise UnfitError("it is no list")
        made = ({key: getter(item) for key, getter in self._each.items()} for item in value)
        return [kept for item in made if (kept := {key: one for key, one in item.items() if one is not None})]


def _finisher(name: str, known: EventField, entry: MappedField) -> Function:
    """Return the last step: the form in which the platform wants the field, or an UnfitError."""
    if known.identifies:
        identifier = identifier_of(name, known)
        return partial(_identified, identifier, entry.region, entry.already_hashed)
    typed = _TYPES[known.type]
    return partial(_checked, typed, known) if known.values or known.max_length else typed


def _identified(identifier: Identifier, region: str | None, already_hashed: bool, value: Any) -> Any:
    """Return a key of a person; None where it is not valid, because the record may find the person without it."""
    if is_list(value):
        made = [_identified(identifier, region, already_hashed, item) for item in value]
        return [item for item in made if item is not None] or None
    return normalize(identifier, as_text(value), region=region, already_hashed=already_hashed)


def _checked(typed: Function, known: EventField, value: Any) -> Any:
    made = typed(value)
    if known.values and made not in known.values:
        listed = ", ".join(map(str, known.values))
        raise UnfitError(f"it is none of {listed}")
    if known.max_length is not None and len(made) > known.max_length:
        raise UnfitError(f"it has more than {known.max_length:,} characters")
    return made


def _object(value: Any) -> Any:
    if not is_map(value):
        raise UnfitError("it is no object")
    return value


def _entries_of(value: Any) -> Any:
    return value if is_list(value) else [value]


def _as_it_is(value: Any) -> Any:
    return value


_TYPES: Mapping[str, Function] = {
    "text": as_text,
    "integer": as_integer,
    "number": as_number,
    "boolean": as_boolean,
    "object": _object,
    "list": _entries_of,
    "any": _as_it_is,
}


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    """Put a value in its place; of `properties.plan` that is in the object, which is copied: it may be the event's own."""
    base, dot, key = name.partition(".")
    if dot:
        held = values.get(base)
        values[base] = {**(held if is_map(held) else {}), key: value}
    else:
        values[name] = value
