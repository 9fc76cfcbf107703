"""A world to plan in: a project by its parts, and a model of state and platform that carries out a plan's steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from audiform.address import Address, Kind, parse_address
from audiform.config.kinds import Audience, Binding, Connector, EnvironmentFile, Policy, Source, State
from audiform.config.policies import NamedPolicy
from audiform.config.project import Environment, Project
from audiform.hashing import digest
from audiform.outcome import Signal
from audiform.plan.decision import Decision, Situation, situation_of
from audiform.plan.diff import diff
from audiform.plan.evolve import evolve
from audiform.plan.facts import TypeFacts
from audiform.plan.plan import Step, StepKind
from audiform.plan.prior import Observed, Presence
from audiform.plan.records import record_of
from audiform.plan.steps import steps_of
from audiform.state.renaming import renamed
from audiform.state.store import Record, StateView

FACTS = TypeFacts(
    title="Adverts",
    digest="type-1",
    fixed=frozenset({"kind"}),
    updates=True,
    sends=frozenset(Signal),
    variables=True,
    locating=frozenset({"account"}),
)

SOURCE: Mapping[str, Any] = {"type": "duckdb", "settings": {"tables": {"customers": "customers.parquet"}}}
CONNECTOR: Mapping[str, Any] = {
    "type": "adverts",
    "settings": {"account": "1", "language": "en"},
    "credentials": {"token": {"from_env": "TOKEN"}},
}
AUDIENCE: Mapping[str, Any] = {
    "source": "shop",
    "query": "SELECT * FROM customers",
    "profile_key": "customer_id",
    "identifiers": {"email": "email"},
    "consent": "marketing_ok",
}
BINDING: Mapping[str, Any] = {
    "audience": "buyers",
    "connector": "ads",
    "destination": {"name": "Buyers", "kind": "list"},
    "on_delete": "remove_members",
}
Bodies = Mapping[str, Mapping[str, Any]]


def project(
    *,
    sources: Bodies | None = None,
    connectors: Bodies | None = None,
    audiences: Bodies | None = None,
    bindings: Bodies | None = None,
    environment: Mapping[str, Any] | None = None,
    policies: Bodies | None = None,
    switched_off: Any = None,
) -> Project:
    """Return a project: one source, connector, audience and binding where nothing else is said."""
    bodies: dict[Kind, Bodies] = {
        Kind.SOURCE: {"shop": SOURCE} if sources is None else sources,
        Kind.CONNECTOR: {"ads": CONNECTOR} if connectors is None else connectors,
        Kind.AUDIENCE: {"buyers": AUDIENCE} if audiences is None else audiences,
        Kind.BINDING: {"buyers_on_ads": BINDING} if bindings is None else bindings,
        Kind.POLICY: policies or {},
    }
    return Project(
        root=Path(),
        name="shop",
        environment=Environment("production", EnvironmentFile.model_validate(environment or {})),
        state=State(),
        policy=Policy(switched_off=dict(switched_off or {})),
        sources={name: Source.model_validate(body) for name, body in bodies[Kind.SOURCE].items()},
        connectors={name: Connector.model_validate(body) for name, body in bodies[Kind.CONNECTOR].items()},
        audiences={name: Audience.model_validate(body) for name, body in bodies[Kind.AUDIENCE].items()},
        bindings={name: Binding.model_validate(body) for name, body in bodies[Kind.BINDING].items()},
        digests={
            Address(kind, name): digest(body)
            for kind, named in bodies.items()
            for name, body in named.items()
        },
        policies={name: NamedPolicy.model_validate(body) for name, body in bodies[Kind.POLICY].items()},
    )


@dataclass(slots=True)
class World:
    """What is recorded and what the platform has. `plan` looks, `apply` carries out; both as the engine does."""

    records: dict[Address, Record] = field(default_factory=dict[Address, Record])
    platform: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    types: dict[str, TypeFacts] = field(default_factory=dict[str, TypeFacts])
    secrets: dict[str, str] = field(default_factory=lambda: {"token": "secret-1"})
    ids: count[int] = field(default_factory=lambda: count(1))

    def view(self) -> StateView:
        """Return the recorded state."""
        return StateView("lineage", 1, dict(self.records))

    def situation(self, desired: Project) -> Situation:
        """Return the three states side by side."""
        types = {
            name: self.types.get(connector.type, FACTS) for name, connector in desired.connectors.items()
        }
        return situation_of(
            desired,
            evolve(desired, self.view()),
            self.observed(),
            types,
            dict.fromkeys(desired.connectors, self.secrets),
        )

    def observed(self) -> dict[Address, Observed]:
        """Return what a refresh would see."""
        seen: dict[Address, Observed] = {}
        for address, record in self.records.items():
            if address.kind is Kind.BINDING and record.body["destination_id"] is not None:
                found = self.platform.get(record.body["destination_id"])
                seen[address] = (
                    Observed(Presence.MISSING) if found is None else Observed(Presence.PRESENT, found)
                )
        return seen

    def plan(self, desired: Project) -> tuple[Decision, ...]:
        """Return what happens."""
        return diff(self.situation(desired))

    def steps(self, desired: Project) -> tuple[Step, ...]:
        """Return the steps of what happens."""
        return steps_of(self.plan(desired), desired, self.view())

    def apply(self, desired: Project) -> World:
        """Carry out the plan, each step only when those that it needs are done; return this world."""
        done: set[str] = set()
        for step in self.steps(desired):
            assert set(step.needs) <= done, f"{step.id} comes before {set(step.needs) - done}"
            self._carry_out(step, desired)
            done.add(step.id)
        return self

    def _carry_out(self, step: Step, desired: Project) -> None:
        recorded = self.records.get(step.address)
        known = recorded.body.get("destination_id") if recorded else None
        match step.kind:
            case StepKind.RECORD:
                self._record(step.address, desired, known)
            case StepKind.CREATE_DESTINATION:
                known = f"id-{next(self.ids)}"
                self.platform[known] = dict(step.data["attributes"])
                self._record(step.address, desired, known)
            case StepKind.UPDATE_DESTINATION:
                self.platform[step.data["id"]] |= step.data["attributes"]
                self._record(step.address, desired, known)
            case StepKind.DELETE_DESTINATION:
                del self.platform[step.data["id"]]
                assert recorded is not None
                self.records[step.address] = replace(recorded, body={**recorded.body, "destination_id": None})
            case StepKind.MOVE:
                self.records = renamed(self.records, parse_address(step.data["from"]), step.address)
            case StepKind.FORGET:
                del self.records[step.address]
            case StepKind.REMOVE_MEMBERS | StepKind.SYNC:
                assert recorded is not None
                assert recorded.body["destination_id"] is not None

    def _record(self, address: Address, desired: Project, destination_id: str | None) -> None:
        connector = desired.connectors.get(address.name) if address.kind is Kind.CONNECTOR else None
        digests = {connector.type: self.types.get(connector.type, FACTS).digest} if connector else {}
        self.records[address] = record_of(
            desired, address, type_digests=digests, secret_digests=self.secrets, destination_id=destination_id
        )
