"""One resource's change together with the verbs that close it: made in one place, ordered in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiform.address import Address, Kind
from audiform.config.project import Project
from audiform.plan.evolve import Evolved
from audiform.plan.facts import TypeFacts
from audiform.plan.plan import Change, StepKind
from audiform.plan.prior import Refreshed
from audiform.state.store import Record, StateView


@dataclass(frozen=True, slots=True)
class Verb:
    """A step without its place in the order."""

    kind: StepKind
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Decision:
    """`verbs` run one after the other. `fresh`: the destination starts without members of this binding.

    `undone`: how many people the recorded binding's end concerns is to be counted.
    """

    change: Change
    verbs: tuple[Verb, ...]
    fresh: bool = False
    undone: bool = False

    @property
    def address(self) -> Address:
        """The address of the change."""
        return self.change.address


def key_of(address: Address) -> str:
    """Return the key under which types and secrets of a resource are known: of a connector its name."""
    return address.name if address.kind is Kind.CONNECTOR else f"{address.kind}/{address.name}"


Destination = tuple[str, str | None]
"""Name of the recorded connector and id of the remote object."""


@dataclass(frozen=True, slots=True)
class Situation:
    """The three states side by side, and what is known of the connectors' types and secrets.

    `types`: of the project's connectors and event connectors, by `key_of`. `secrets`: the same -> credential -> keyed digest,
    of those that could be resolved; a credential that is not there is not compared. `holders`: the recorded
    bindings of each destination. `moved`: connectors whose destinations are elsewhere from now on. `guards`: the
    environment's, as JSON data. `unsent`: bindings whose people an apply did not get to send. `evolved`: what entries
    of `moved`, `removed` and `imports` do; `recorded` is the state as it is called after the moves, with what is imported.
    """

    project: Project
    recorded: StateView
    observed: Refreshed
    types: Mapping[str, TypeFacts]
    secrets: Mapping[str, Mapping[str, str]]
    holders: Mapping[Destination, Sequence[Record]]
    moved: frozenset[str]
    guards: Mapping[str, Any]
    unsent: frozenset[Address]
    evolved: Evolved


def situation_of(
    project: Project,
    evolved: Evolved,
    observed: Refreshed,
    types: Mapping[str, TypeFacts],
    secrets: Mapping[str, Mapping[str, str]],
    unsent: frozenset[Address] = frozenset(),
) -> Situation:
    """Put the states side by side; what every binding asks for is worked out once."""
    recorded = evolved.recorded
    holders: dict[Destination, list[Record]] = {}
    for record in recorded.records.values():
        if record.address.kind is Kind.BINDING:
            holders.setdefault(destination_of(record), []).append(record)
    guards = project.environment.file.guards.model_dump(mode="json", exclude_none=True)
    moved = frozenset(name for name in project.connectors if _is_moved(name, project, recorded, types))
    return Situation(project, recorded, observed, types, secrets, holders, moved, guards, unsent, evolved)


def destination_of(record: Record) -> Destination:
    """Return which remote object a recorded binding fills."""
    return record.body["connector"], record.body["destination_id"]


def _is_moved(name: str, project: Project, recorded: StateView, types: Mapping[str, TypeFacts]) -> bool:
    record, connector = recorded.records.get(Address(Kind.CONNECTOR, name)), project.connectors[name]
    if record is None:
        return False
    before: Mapping[str, Any] = record.body["settings"]
    return record.body["type"] != connector.type or any(
        before.get(setting) != connector.settings.get(setting) for setting in types[name].locating
    )
