"""Reads the sections `imports`, `moved` and `removed`: lists of small maps, merged over all files.

What is wrong with an entry by itself, or with the project beside it, is said here, at its place. Whether it still means
anything is a question to the state, and is asked by a plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import ValidationError

from audiform.address import Address, Kind, parse_address
from audiform.config.declared import Written
from audiform.config.evolution import Entry, Evolution, Importing, Moving, Removing
from audiform.config.kinds import Import, Moved, Removed
from audiform.config.models import Model
from audiform.config.places import Places
from audiform.config.references import Names
from audiform.config.schema import problems_of
from audiform.config.template import Scope, TemplateError, render
from audiform.diagnostics import Diagnostic, did_you_mean
from audiform.shapes import is_list, is_map

_MODELS: Final[Mapping[str, type[Model]]] = {"imports": Import, "moved": Moved, "removed": Removed}
_KEPT_BY_NAME: Final = frozenset({Kind.EVENT_SOURCE, Kind.EVENT_TYPE, Kind.EVENT_CONNECTOR})
_EXAMPLES: Final[Mapping[str, str]] = {
    "imports": "`{to: binding.lapsed_on_ads, id: Lapsed buyers}`",
    "moved": "`{from: binding.lapsed, to: binding.lapsed_on_ads}`",
    "removed": "`{from: binding.lapsed_on_ads, on_delete: keep}`",
}


@dataclass(slots=True)
class _Reading:
    """What was read so far. `at`: the file of each entry, for what is found later."""

    names: Names
    scope: Scope
    environment: str
    places: Places
    imports: list[Importing] = field(default_factory=list[Importing])
    moved: list[Moving] = field(default_factory=list[Moving])
    removed: list[Removing] = field(default_factory=list[Removing])
    at: dict[str, Written] = field(default_factory=dict[str, Written])
    problems: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def say(self, entry: Entry, code: str, text: str, *path: str | int, hint: str | None = None) -> None:
        item = Diagnostic(code, text, hint=hint, path=(*entry.path, *path))
        self.problems.append(self.places.in_file(self.at[entry.file].text, item))


def read_evolution(
    written: Iterable[Written], names: Names, scope: Scope, environment: str, places: Places, *, whole: bool
) -> tuple[Evolution, list[Diagnostic]]:
    """Return what the sections say for one environment, and what is wrong with them.

    `whole`: all that the project declares could be read, so that something may be said not to be there.
    """
    reading = _Reading(names, scope, environment, places)
    for one in written:
        reading.at[one.text.file] = one
        _read_section(reading, one)
    _check_moves(reading)
    if whole:
        _check_declared(reading)
    _check_twice(reading)
    evolution = Evolution(tuple(reading.imports), tuple(reading.moved), tuple(reading.removed))
    return evolution, reading.problems


def _read_section(reading: _Reading, one: Written) -> None:
    if one.value is None:
        return
    if not is_list(one.value):
        text = f"The section `{one.section}` must be a list: each entry begins with a hyphen."
        item = Diagnostic("not-a-list", text, path=(one.section,), on_key=True)
        reading.problems.append(reading.places.in_file(one.text, item))
        return
    for index, body in enumerate(one.value):
        _read_entry(reading, one, Entry(one.text.file, (one.section, index)), body)


def _read_entry(reading: _Reading, one: Written, entry: Entry, body: Any) -> None:
    model = _MODELS[one.section]
    if not is_map(body):
        reading.say(
            entry, "wrong-type", f"An entry of `{one.section}` is a map, such as {_EXAMPLES[one.section]}."
        )
        return
    before = len(reading.problems)
    rendered = _rendered(reading, entry, body)
    if len(reading.problems) > before:
        return
    try:
        found = model.model_validate(rendered)
    except ValidationError as error:
        for item in problems_of(error, model, None):
            moved = replace(item, path=(*entry.path, *item.path))
            reading.problems.append(reading.places.in_file(one.text, moved))
        return
    _take(reading, entry, found)


def _take(reading: _Reading, entry: Entry, found: Model) -> None:
    """Keep what an entry says, as far as its addresses are some."""
    match found:
        case Import():
            address = _address(reading, entry, "to", found.to)
            here = found.environments is None or reading.environment in found.environments
            if address is not None and here and _is_binding(reading, entry, address):
                reading.imports.append(Importing(address, str(found.id), entry))
        case Moved():
            old, new = _address(reading, entry, "from", found.from_), _address(reading, entry, "to", found.to)
            if old is not None and new is not None:
                reading.moved.append(Moving(old, new, entry))
        case Removed():
            address = _address(reading, entry, "from", found.from_)
            if address is not None and _is_decided(reading, entry, address, found.on_delete):
                reading.removed.append(Removing(address, found.on_delete, entry))
        case _:
            raise TypeError(found)  # pragma: no cover - `_MODELS` has no other


def _rendered(reading: _Reading, entry: Entry, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Render the texts of an entry; what stands in it is flat."""
    found: dict[str, Any] = {}
    for key, value in body.items():
        try:
            found[key] = render(value, reading.scope, None) if isinstance(value, str) else value
        except TemplateError as error:
            item = Diagnostic(
                error.code, error.detail, hint=error.hint, path=(*entry.path, key), part=error.part
            )
            reading.problems.append(reading.places.in_file(reading.at[entry.file].text, item))
    return found


def _address(reading: _Reading, entry: Entry, key: str, text: str) -> Address | None:
    try:
        return parse_address(text)
    except ValueError as error:
        reading.say(entry, "invalid-address", f"{error}.", key)
        return None


def _is_binding(reading: _Reading, entry: Entry, address: Address) -> bool:
    if address.kind is Kind.BINDING:
        return True
    text = (
        f"`{address}` has nothing at a platform that could be imported; the object of a destination belongs to a binding. "
        "What else the project declares is recorded by an apply."
    )
    reading.say(entry, "invalid-import", text, "to")
    return False


def _is_decided(reading: _Reading, entry: Entry, address: Address, on_delete: str | None) -> bool:
    is_binding = address.kind is Kind.BINDING
    if is_binding and on_delete is None:
        text = (
            f"What becomes of the people of `{address}` is a decision: write `on_delete: keep`, `freeze`, `remove_members` or "
            "`delete_destination`."
        )
        reading.say(entry, "invalid-removed", text)
    elif not is_binding and on_delete is not None:
        text = f"`{address}` has no people: only a binding has an `on_delete`. Leave it out; the record is forgotten."
        reading.say(entry, "invalid-removed", text, "on_delete")
    return is_binding is (on_delete is not None)


def _check_moves(reading: _Reading) -> None:
    for one in reading.moved:
        if one.old.kind in _KEPT_BY_NAME:
            text = (
                f"`{one.old}` cannot be moved: how far the events of each have got is kept under their names, in the log. Keep the "
                "name; or declare the new one beside it, apply, and delete the old one when it has caught up."
            )
            reading.say(one.entry, "invalid-moved", text, "from")
        elif one.old.kind is not one.new.kind:
            text = f"`{one.old}` and `{one.new}` are of different kinds, and a record keeps its kind."
            reading.say(one.entry, "invalid-moved", text, "to")
        elif _is_ring(reading, one):
            text = f"The moves lead from `{one.old}` back to itself, so nobody can tell what it is called in the end."
            reading.say(one.entry, "invalid-moved", text, "to")


def _is_ring(reading: _Reading, one: Moving) -> bool:
    following = {move.old: move.new for move in reading.moved}
    address, seen = one.new, set[Address]()
    while address in following and address not in seen:
        if address == one.old:
            return True
        seen.add(address)
        address = following[address]
    return address == one.old


def _check_declared(reading: _Reading) -> None:
    """Say where an entry and what the project declares do not go together."""
    ended = {one.address for one in reading.removed}
    passed = {one.old for one in reading.moved}
    for moved in reading.moved:
        if _has(reading, moved.old):
            text = f"`{moved.old}` is still declared, so it cannot have become `{moved.new}`. Rename it, or take this entry out."
            reading.say(moved.entry, "invalid-moved", text, "from")
        if not (_has(reading, moved.new) or moved.new in passed or moved.new in ended):
            reading.say(moved.entry, "invalid-moved", *_nowhere(reading, moved))
    for removed in reading.removed:
        if _has(reading, removed.address):
            text = f"`{removed.address}` is still declared, so it cannot be removed. Delete its block, or take this entry out."
            reading.say(removed.entry, "invalid-removed", text, "from")
    for imported in reading.imports:
        if not reading.names.has(Kind.BINDING, imported.address.name):
            hint = did_you_mean(imported.address.name, reading.names.declared[Kind.BINDING])
            text = (
                f"No file declares `{imported.address}`, and an import needs to know what it becomes. "
                "`audiform import --generate CONNECTOR` prints a block to start from."
            )
            reading.say(imported.entry, "unknown-reference", text, "to", hint=hint)


def _has(reading: _Reading, address: Address) -> bool:
    """Whether the project declares the address, or repetitions (`for_each`) of that name."""
    declared: Collection[str] = reading.names.declared[address.kind]
    return address.name in declared or any(name.startswith(f"{address.name}.") for name in declared)


def _nowhere(reading: _Reading, one: Moving) -> tuple[str, str]:
    near = did_you_mean(one.new.name, reading.names.declared[one.new.kind])
    also = f" ({near})" if near else ""
    text = (
        f"No file declares `{one.new}`{also}, so the next plan would delete what is moved there. Declare it, name another "
        "one, or say in `removed` how it ends."
    )
    return text, "to"


def _check_twice(reading: _Reading) -> None:
    _once(reading, "invalid-moved", "moved", [(one.old, one.entry) for one in reading.moved], "from")
    _once(reading, "invalid-moved", "a move's target", [(one.new, one.entry) for one in reading.moved], "to")
    ended = [(one.address, one.entry) for one in reading.removed]
    _once(reading, "invalid-removed", "removed", ended, "from")
    _once(reading, "invalid-import", "imported", [(one.address, one.entry) for one in reading.imports], "to")
    passed = {one.old for one in reading.moved}
    for address, entry in ended:
        if address in passed:
            text = f"`{address}` is moved and removed at once. Remove what it is called after the move."
            reading.say(entry, "invalid-removed", text, "from")


def _once(reading: _Reading, code: str, what: str, entries: list[tuple[Address, Entry]], key: str) -> None:
    counts = Counter(address for address, _ in entries)
    for address, entry in _repeated(entries, counts):
        text = f"`{address}` is {what} in more than one entry, and only one of them can be meant. Leave one."
        reading.say(entry, code, text, key)


def _repeated(
    entries: list[tuple[Address, Entry]], counts: Counter[Address]
) -> Iterator[tuple[Address, Entry]]:
    """Yield the entries after the first of those whose address stands in several."""
    seen: set[Address] = set()
    for address, entry in entries:
        if counts[address] > 1 and address in seen:
            yield address, entry
        seen.add(address)
