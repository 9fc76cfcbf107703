"""A small project over a sandbox in this process: people in a file, one connector, bindings with a destination."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson

from audiform.address import Address, Kind
from audiform.config.engine import Engine
from audiform.config.kinds import Audience, Binding, Connector, EnvironmentFile, Policy, Source, State
from audiform.config.project import Environment, Project
from audiform.connectors.catalog import Catalog
from audiform.delivery.deliver import deliver, withdraw
from audiform.delivery.report import Delivered
from audiform.measure import Measurable, Measured, measure
from audiform.plan.records import record_of
from audiform.runtime import Runtime
from audiform.sandbox.serve import Sandbox, serve
from audiform.state.ledger import destination_key
from audiform.state.open import open_ledger, open_store
from audiform.state.store import Count, DeadLetter, HistoryEntry, Record
from audiform.transport import HttpTransport, Transport
from audiform.wire import Timing

Result = TypeVar("Result")
KEYS = "meta_custom_audiences"
NAMED = "klaviyo_lists"
COUNTED = "sendgrid_lists"
SETTINGS: Mapping[str, Mapping[str, Any]] = {KEYS: {"ad_account_id": "1"}, NAMED: {}, COUNTED: {}}
CREDENTIALS = {KEYS: "access_token", NAMED: "private_key", COUNTED: "api_key"}
COLUMNS = {"id": "BIGINT", "email": "VARCHAR", "phone": "VARCHAR", "ltv": "INTEGER", "ok": "BOOLEAN"}
COLUMNS |= {"version": "BIGINT", "gone": "BOOLEAN"}
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


async def at_once(seconds: float) -> None:
    """Wait for nothing."""


@dataclass
class Shop:
    """A folder with people and state. Each call is a process of its own: everything is opened anew."""

    root: Path
    kind: str
    endpoint: str
    sandbox: Sandbox
    audience: dict[str, Any] = field(default_factory=dict)
    bindings: dict[str, dict[str, Any]] = field(default_factory=lambda: {"buyers": {}})
    transport: Transport | None = None
    now: datetime = NOON
    engine: Engine = field(default_factory=Engine)

    def people(self, *rows: Mapping[str, Any]) -> None:
        """Write the people who meet the definition; `id` is their number where they have none."""
        whole = [{"id": number, "ok": True, **row} for number, row in enumerate(rows, 1)]
        lines = (orjson.dumps({name: row.get(name) for name in (*COLUMNS, "audience")}) for row in whole)
        (self.root / "people.jsonl").write_bytes(b"\n".join(lines))

    def project(self) -> Project:
        """Return the project as it is written now."""
        columns = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in COLUMNS.items())
        given = {
            "source": "shop",
            "profile_key": "id",
            "identifiers": {"email": "email", "phone": {"column": "phone", "region": "US"}},
            "consent": "ok",
            **self.audience,
        }
        audiences = {
            name: Audience.model_validate({"query": self._query(name, columns), **given})
            for name in self.bindings
        }
        connector = Connector.model_validate(
            {
                "type": self.kind,
                "settings": SETTINGS[self.kind],
                "credentials": {CREDENTIALS[self.kind]: {"from_env": "PATH"}},
                "endpoint": self.endpoint,
            }
        )
        bindings = {name: self._binding(name, body) for name, body in self.bindings.items()}
        tables = {"people": "people.jsonl"}
        source = Source.model_validate({"type": "duckdb", "settings": {"tables": tables}})
        names = [("source", "shop"), ("connector", "ads")]
        names += [("audience", name) for name in audiences] + [("binding", name) for name in bindings]
        return Project(
            root=self.root,
            name="shop",
            environment=Environment("test", EnvironmentFile()),
            state=State(),
            policy=Policy(),
            sources={"shop": source},
            connectors={"ads": connector},
            audiences=audiences,
            bindings=bindings,
            digests={Address(Kind(kind), name): "" for kind, name in names},
            engine=self.engine,
        )

    def apply(self) -> None:
        """Record the project as an apply would; a binding's destination is made when it has none."""
        with self._runtime() as runtime:
            store, project = runtime.store, runtime.project
            known = store.create().records
            digests = {self.kind: "digest"}
            for address in project.digests:
                old = known.get(address)
                identity = old.body.get("destination_id") if old else None
                if address.kind is Kind.BINDING and identity is None:
                    identity = self._run(runtime, self._create(runtime, address.name))
                store.put(
                    record_of(
                        project,
                        address,
                        type_digests=digests,
                        secret_digests={},
                        destination_id=identity,
                    )
                )

    def deliver(self, binding: str = "buyers", **options: Any) -> Delivered:
        """Apply, then deliver one binding."""
        self.apply()
        with self._runtime() as runtime:
            return self._run(runtime, deliver(runtime, binding, **options))

    def measure(self, binding: str = "buyers", *, fresh: bool = False) -> Measured:
        """Measure one binding."""
        with self._runtime() as runtime:
            kept = None if fresh else runtime.store.read().records.get(Address(Kind.BINDING, binding))
            return self._run(runtime, measure(runtime, Measurable(binding, kept)))

    def ask(self, question: Callable[[Runtime], Coroutine[Any, Any, Result]]) -> Result:
        """Return what the engine answers in a runtime of its own."""
        with self._runtime() as runtime:
            return self._run(runtime, question(runtime))

    def remember(self, entry: HistoryEntry) -> None:
        """Write into the history."""
        with self._runtime() as runtime:
            runtime.store.remember(entry)

    def destination_key(self, binding: str = "buyers") -> str:
        """Return the name of the binding's destination in the ledger."""
        body = self.record(binding).body
        return destination_key(body["connector"], body["destination_id"])

    def withdraw(self, binding: str = "buyers") -> Delivered:
        """Withdraw one recorded binding."""
        with self._runtime() as runtime:
            record = runtime.store.read().records[Address(Kind.BINDING, binding)]
            return self._run(runtime, withdraw(runtime, binding, record))

    def members(self, binding: str = "buyers") -> Any:
        """Return what the platform holds, as JSON data."""
        record = self.record(binding)
        found = {one.id: one for one in self.sandbox.destinations(self.kind)}
        return found[record.body["destination_id"]].members.as_json()

    def ledger_count(self, binding: str = "buyers") -> int:
        """Return how many members the ledger has of a binding."""
        body = self.record(binding).body
        with self._runtime() as runtime:
            session = runtime.ledger.open(write=False)
            try:
                return session.count(destination_key("ads", body["destination_id"]), binding)
            finally:
                session.close()

    def record(self, binding: str) -> Record:
        """Return the record of a binding."""
        with self._runtime() as runtime:
            return runtime.store.read().records[Address(Kind.BINDING, binding)]

    def letters(self) -> list[DeadLetter]:
        """Return the dead letters."""
        with self._runtime() as runtime:
            return list(runtime.store.dead_letters())

    def counts(self) -> list[Count]:
        """Return the statistics."""
        with self._runtime() as runtime:
            return list(runtime.store.counts("2000-01-01"))

    def _query(self, name: str, columns: str) -> str:
        return f"SELECT {columns} FROM people WHERE audience IS NULL OR audience = '{name}'"

    def _binding(self, name: str, body: Mapping[str, Any]) -> Binding:
        given = {
            "audience": name,
            "connector": "ads",
            "destination": {"name": name},
            "on_delete": "remove_members",
        }
        return Binding.model_validate({**given, **body})

    async def _create(self, runtime: Runtime, binding: str) -> str:
        """Create a destination; one that another binding has by the same name is shared."""
        destination = dict(runtime.project.bindings[binding].destination)
        for record in runtime.store.read().records.values():
            if record.address.kind is Kind.BINDING and record.body["destination"] == destination:
                return str(record.body["destination_id"])
        client = runtime.client("ads")
        create = client.connector_type.manifest.destination.create
        assert create is not None
        outcome = await client.call(create, runtime.scope(binding, "lineage", destination))
        return str(outcome.extracted["destination.id"])

    @contextmanager
    def _runtime(self) -> Iterator[Runtime]:
        store = open_store("file:.audiform", self.root, "test")
        ledger = open_ledger("file:.audiform", self.root, "test")
        transport = self.transport or HttpTransport()
        timing = Timing(sleep=at_once)
        try:
            yield Runtime(
                self.project(), Catalog(), store, ledger, transport, clock=lambda: self.now, timing=timing
            )
        finally:
            store.close()

    def _run(self, runtime: Runtime, work: Coroutine[Any, Any, Result]) -> Result:
        async def whole() -> Result:
            try:
                return await work
            finally:
                await runtime.transport.close()

        return asyncio.run(whole())


@contextmanager
def shop(root: Path, kind: str, **options: Any) -> Iterator[Shop]:
    """Open a shop whose connector is of a type of the catalogue, over a sandbox."""
    configured = Catalog().get(kind).configured(SETTINGS[kind])
    with serve({kind: configured}) as sandbox:
        yield Shop(root, kind, sandbox.endpoint(kind), sandbox, **options)


def emails(*names: str) -> Sequence[Mapping[str, Any]]:
    """Return people with nothing but an e-mail address."""
    return [{"email": f"{name}@example.com"} for name in names]
