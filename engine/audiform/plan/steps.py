"""Puts the verbs of all decisions into one order: what ends comes first, then what begins, then the sending.

    0  records of `moved` get their new addresses: all that follows knows them by these
    1  bindings     old destinations end (while the connectors that they were made with are still recorded)
    2  sources, connectors, audiences, bindings    are written and created
    3  bindings     are synced
    4  audiences, connectors, sources    that the project no longer has are forgotten

A step needs only what must have worked before it, so that a failure holds up nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from audiform.address import Address, Kind
from audiform.config.project import Project
from audiform.plan.decision import Decision, Verb, destination_of
from audiform.plan.plan import Step, StepKind
from audiform.plan.records import dependencies_of
from audiform.state.store import Record, StateView

_ENDS = (StepKind.REMOVE_MEMBERS, StepKind.DELETE_DESTINATION, StepKind.FORGET)


def steps_of(decisions: Sequence[Decision], project: Project, recorded: StateView) -> tuple[Step, ...]:
    """Return the steps of all decisions; each stands behind those that it needs."""
    chain = _Chain(project, recorded, _users(decisions, recorded))
    moves, ends, begins, syncs, forgets = _phases(decisions)
    for chosen, needs in (
        (moves, chain.before_move),
        (ends, chain.before_end),
        (begins, chain.before_begin),
        (syncs, chain.before_sync),
        (reversed(forgets), chain.before_forget),
    ):
        for address, verbs in chosen:
            chain.add(address, verbs, needs)
    return tuple(chain.steps)


_Phase = list[tuple[Address, list[Verb]]]


def _phases(decisions: Iterable[Decision]) -> tuple[_Phase, _Phase, _Phase, _Phase, _Phase]:
    """Return the verbs of each address by phase: moves, ends of bindings, beginnings, syncs, and what is forgotten last."""
    phases: tuple[_Phase, _Phase, _Phase, _Phase, _Phase] = ([], [], [], [], [])
    for decision in decisions:
        address = decision.change.address
        mine: dict[int, list[Verb]] = {}
        for verb in decision.verbs:
            mine.setdefault(_phase_of(verb.kind, address.kind), []).append(verb)
        for number, verbs in mine.items():
            phases[number].append((address, verbs))
    return phases


def _phase_of(verb: StepKind, kind: Kind) -> int:
    if verb is StepKind.SYNC:
        return 3
    if verb is StepKind.MOVE:
        return 0
    if verb not in _ENDS:
        return 2
    return 1 if kind is Kind.BINDING else 4


def _users(decisions: Iterable[Decision], recorded: StateView) -> dict[Address, list[Address]]:
    """Return address -> the addresses with a decision whose record names it."""
    users: dict[Address, list[Address]] = {}
    for decision in decisions:
        record = recorded.records.get(decision.address)
        if record is not None:
            for name in record.body["dependencies"]:
                users.setdefault(_address(name), []).append(decision.address)
    return users


def _address(text: str) -> Address:
    kind, _, name = text.partition(".")
    return Address(Kind(kind), name)


@dataclass(slots=True)
class _Chain:
    """The steps so far, and per address the last step that ended it, began it, and any."""

    project: Project
    recorded: StateView
    users: dict[Address, list[Address]]
    moved: list[str] = field(default_factory=list[str])
    steps: list[Step] = field(default_factory=list[Step])
    ended: dict[Address, str] = field(default_factory=dict[Address, str])
    begun: dict[Address, str] = field(default_factory=dict[Address, str])
    deleting: dict[tuple[str, str | None], list[str]] = field(
        default_factory=dict[tuple[str, str | None], list[str]]
    )

    def add(self, address: Address, verbs: Iterable[Verb], needs: Callable[[Address], Iterator[str]]) -> None:
        """Append the verbs of one address, one behind the other."""
        previous, written = None, str(address)
        for verb in verbs:
            identity = f"{written}/{verb.kind}"
            before = (previous,) if previous else tuple(dict.fromkeys(needs(address))) or (*self.moved[-1:],)
            self.steps.append(Step(identity, verb.kind, address, before, verb.data))
            self._note(address, verb.kind, identity)
            previous = identity

    def before_move(self, _: Address) -> Iterator[str]:
        """Yield the move before: they may name each other's records, so they go one by one."""
        yield from self.moved[-1:]

    def before_end(self, address: Address) -> Iterator[str]:
        """Yield the ends of the bindings on the same destination: who deletes it comes last by name."""
        record = self.recorded.records.get(address)
        if record is not None:
            yield from self.deleting.get(destination_of(record), ())

    def before_begin(self, address: Address) -> Iterator[str]:
        """Yield what this address depends on, its own end, and ends that still need its record as it was."""
        if address in self.begun:
            yield self.begun[address]  # an import, which needs what it depends on itself
            return
        if address in self.ended:
            yield self.ended[address]
        yield from self._below(address)
        if self.users:
            yield from (self.ended[user] for user in self.users.get(address, ()) if user in self.ended)

    def before_sync(self, address: Address) -> Iterator[str]:
        """Yield the binding's own beginning, or what it depends on."""
        if address in self.begun:
            yield self.begun[address]  # which needs what it depends on itself
            return
        yield from self._below(address)

    def before_forget(self, address: Address) -> Iterator[str]:
        """Yield the last steps of everything that used it."""
        for user in self.users.get(address, ()):
            last = self.begun.get(user) or self.ended.get(user)
            if last:
                yield last

    def _below(self, address: Address) -> Iterator[str]:
        """Yield, of each direct dependency, the step that begins it, or of what it depends on where it has none."""
        for dependency in dependencies_of(self.project, address):
            begun = self.begun.get(dependency)
            if begun is not None:
                yield begun
            else:
                yield from self._below(dependency)

    def _note(self, address: Address, kind: StepKind, identity: str) -> None:
        if kind is StepKind.MOVE:
            self.moved.append(identity)
        elif kind in _ENDS:
            self.ended[address] = identity
            record: Record | None = self.recorded.records.get(address)
            if record is not None and address.kind is Kind.BINDING:
                self.deleting.setdefault(destination_of(record), []).append(identity)
        elif kind is not StepKind.SYNC:
            self.begun[address] = identity
