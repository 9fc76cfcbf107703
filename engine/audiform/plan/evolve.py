"""What `moved` and `removed` mean for the state as it is now: the state as it will be called, and what ends how. Pure.

A plan compares the project with the state after the moves, so that a renamed resource is one that did not change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from audiform.address import Address
from audiform.config.evolution import Entry, Evolution, Importing, Moving
from audiform.config.kinds import ADOPT
from audiform.config.project import Project
from audiform.diagnostics import Diagnostic
from audiform.plan.taken import Taken
from audiform.state.renaming import renamed
from audiform.state.store import Record, StateView


@dataclass(frozen=True, slots=True)
class Conflict:
    """What keeps an entry from being done; `path` leads on from the entry."""

    entry: Entry
    problem: Diagnostic


@dataclass(frozen=True, slots=True)
class Evolved:
    """The state after the moves, and what entries do to it.

    `origins`: address after the moves -> the record as it is kept now. `removals`: recorded address -> the decision of
    its entry. `imports`: entries whose binding the state does not have. `done`: entries that mean nothing any more.
    `taken`: what is known of the objects of `imports`, once they are looked up; they are in `recorded` then.
    """

    recorded: StateView
    moves: tuple[Moving, ...] = ()
    removals: Mapping[Address, str | None] = field(default_factory=dict[Address, "str | None"])
    imports: tuple[Importing, ...] = ()
    done: tuple[Entry, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    origins: Mapping[Address, Record] = field(default_factory=dict[Address, Record])
    taken: Mapping[Address, Taken] = field(default_factory=dict[Address, Taken])

    @property
    def renamed(self) -> frozenset[Address]:
        """The addresses that something is moved to."""
        return frozenset(move.new for move in self.moves)


def evolve(project: Project, recorded: StateView) -> Evolved:
    """Return what the project's entries do to the state."""
    evolution = project.evolution
    if not evolution:
        return Evolved(recorded, origins=recorded.records)
    moves, conflicts = _moves(evolution, recorded)
    records: Mapping[Address, Record] = recorded.records
    origins = dict(recorded.records)
    for move in moves:
        records = renamed(records, move.old, move.new)
        origins[move.new] = origins.pop(move.old)
    after = replace(recorded, records=records)
    removals = {one.address: one.on_delete for one in evolution.removed if one.address in records}
    return Evolved(
        after,
        tuple(moves),
        removals,
        tuple(one for one in evolution.imports if one.address not in records),
        tuple(_done(evolution, recorded, after)) if recorded.lineage else (),
        (*conflicts, *_wrong_ends(evolution, after)),
        origins,
    )


def at_entry(conflict: Conflict) -> tuple[str, Diagnostic]:
    """Return the file of a conflict's entry, and the problem with the path to it there."""
    entry, problem = conflict.entry, conflict.problem
    return entry.file, replace(problem, path=(*entry.path, *problem.path))


def _wrong_ends(evolution: Evolution, after: StateView) -> Iterator[Conflict]:
    for one in evolution.removed:
        record = after.records.get(one.address)
        if record and one.on_delete == "delete_destination" and ADOPT in record.body["destination"]:
            text = (
                f"`on_delete: delete_destination` would delete an object that Audiform did not make: `{one.address}` took it "
                "over. Write `keep`, `freeze` or `remove_members`."
            )
            yield Conflict(one.entry, Diagnostic("invalid-removed", text, path=("on_delete",)))


def _moves(evolution: Evolution, recorded: StateView) -> tuple[list[Moving], list[Conflict]]:
    """Return the moves of recorded addresses, each to where its chain ends; and those that would overwrite."""
    moves: list[Moving] = []
    conflicts: list[Conflict] = []
    taken = {address for address in recorded.records if _end_of(evolution, address) == address}
    for address in recorded.records:
        last = _end_of(evolution, address)
        if last == address:
            continue
        entry = _entry_of(evolution, address)
        if last in taken:
            conflicts.append(_conflict(entry, address, last))
        else:
            taken.add(last)
            moves.append(Moving(address, last, entry))
    return moves, conflicts


def _end_of(evolution: Evolution, address: Address) -> Address:
    """Return what a recorded address is called after the moves; a repeated resource keeps its key."""
    last = evolution.last(address)
    name, dot, key = address.name.partition(".")
    if last != address or not dot:
        return last
    base = Address(address.kind, name)
    moved = evolution.last(base)
    return address if moved == base else Address(address.kind, f"{moved.name}.{key}")


def _entry_of(evolution: Evolution, address: Address) -> Entry:
    names = (address, Address(address.kind, address.name.partition(".")[0]))
    return next(one.entry for name in names for one in evolution.moved if one.old == name)


def _conflict(entry: Entry, old: Address, new: Address) -> Conflict:
    text = (
        f"`{old}` cannot become `{new}`: the state has both, and a move never overwrites: whoever one of them added would be "
        f"forgotten. End one of the two first, such as with `removed: [{{from: {old}, on_delete: ...}}]`, or choose another name."
    )
    return Conflict(entry, Diagnostic("moved-target-exists", text, path=("to",)))


def _done(evolution: Evolution, recorded: StateView, after: StateView) -> Iterator[Entry]:
    waiting = {step for address in recorded.records for step in _way_of(evolution, address)}
    yield from (one.entry for one in evolution.moved if one.old not in waiting)
    yield from (one.entry for one in evolution.removed if one.address not in after.records)
    yield from (one.entry for one in evolution.imports if one.address in recorded.records)


def _way_of(evolution: Evolution, address: Address) -> Iterator[Address]:
    """Yield every old name that a record still passes on its way to its last one."""
    following = {one.old: one.new for one in evolution.moved}
    base = Address(address.kind, address.name.partition(".")[0])
    at, seen = (address if address in following else base), set[Address]()
    while at in following and at not in seen:
        yield at
        seen.add(at)
        at = following[at]
