"""Several bindings on one audience, of several types, over a sandbox: all in one run, or each in a run of its own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from audiform.address import Address, Kind
from audiform.cases.clock import still_clock
from audiform.config.kinds import Connector, Source
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.measure import Measurable, measure, readings_of
from audiform.memory import Memory
from audiform.outcome import Request, Response
from audiform.plan.plan import Impact
from audiform.plan.records import record_of
from audiform.runtime import Runtime
from audiform.sandbox.serve import Sandbox, serve
from audiform.sql import literal
from audiform.state.ledger import Ledger, LedgerSession, destination_key, tombstone_text
from audiform.state.naming import is_kept
from audiform.state.store import Tombstone
from audiform.sync import SyncOptions, sync
from audiform.transport import HttpTransport
from delivery.deliveries import COUNTED, CREDENTIALS, KEYS, NAMED, NOON, SETTINGS, Shop

KINDS = (KEYS, NAMED, COUNTED)
BINDINGS: Mapping[str, Mapping[str, Any]] = {
    "all_keys": {"connector": KEYS},
    "same_keys": {"connector": KEYS},
    "addresses": {"connector": KEYS, "identifiers": ["email"]},
    "named": {"connector": NAMED},
    "plain": {"connector": NAMED, "variables": []},
    "counted": {"connector": COUNTED},
}
Sent = tuple[str, str, str]
"""Method, path and body. People whom Python has looked at stand last, of whichever binding it was for: the order says nothing."""


def in_order(value: Any) -> str:
    """Return JSON data as text, with the entries of each list in one order."""
    if isinstance(value, dict):
        return str({name: in_order(item) for name, item in value.items()})
    return str(sorted(map(in_order, value))) if isinstance(value, list) else str(value)


@dataclass
class Recorded:
    """A transport that keeps what it sends; not how it asks for the end of a job, whose number the platform makes."""

    requests: list[Sent] = field(default_factory=list)
    inner: HttpTransport = field(default_factory=HttpTransport)

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - as the Protocol has it
        if request.body:
            self.requests.append(
                (request.method, urlsplit(request.url).path, in_order(orjson.loads(request.body)))
            )
        return await self.inner.send(request, timeout)

    async def close(self) -> None:
        await self.inner.close()
        self.inner = HttpTransport()


@dataclass
class Silent:
    """A transport to a platform that never answers."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - as the Protocol has it
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class Counted:
    """A ledger that keeps beside what its sessions were opened."""

    inner: Ledger
    opened: list[LedgerSession | None]

    def open(self, *, write: bool, beside: LedgerSession | None = None) -> LedgerSession:
        self.opened.append(beside)
        return self.inner.open(write=write, beside=beside)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@dataclass
class Sharing(Shop):
    """A shop whose bindings have one audience, each on the connector that it names."""

    endpoints: Mapping[str, str] = field(default_factory=dict)
    wanted: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: BINDINGS)
    source: Mapping[str, Any] | None = None
    memory: Memory | None = None
    opened: list[LedgerSession | None] = field(default_factory=list)

    def project(self) -> Project:
        """Return the project as it is written now."""
        self.bindings = {body.get("audience", "buyers"): {} for body in self.wanted.values()}
        made = super().project()
        sources = made.sources if self.source is None else {"shop": Source.model_validate(self.source)}
        connectors = {kind: self._connector(kind) for kind in self.endpoints}
        bindings = {
            name: self._binding(name, {"audience": "buyers", **body}) for name, body in self.wanted.items()
        }
        addresses = [Address(Kind.SOURCE, "shop"), *(Address(Kind.AUDIENCE, name) for name in made.audiences)]
        addresses += [Address(Kind.CONNECTOR, kind) for kind in connectors]
        addresses += [Address(Kind.BINDING, name) for name in bindings]
        return replace(
            made,
            sources=sources,
            connectors=connectors,
            bindings=bindings,
            digests=dict.fromkeys(addresses, ""),
        )

    def applied(self) -> None:
        """Record everything, each destination by the name that it has at the platform."""
        with self._runtime() as runtime:
            known = runtime.store.create().records
            for address in runtime.project.digests:
                old = known.get(address)
                identity = old.body.get("destination_id") if old else None
                if address.kind is Kind.BINDING and identity is None:
                    identity = self._run(runtime, self._made(runtime, address.name))
                digests = {kind: runtime.catalog.get(kind).digest for kind in self.endpoints}
                runtime.store.put(
                    record_of(
                        runtime.project,
                        address,
                        type_digests=digests,
                        secret_digests={},
                        destination_id=identity,
                    )
                )

    def synced(self, *names: str, **options: Any) -> tuple[Any, list[Sent]]:
        """Sync the named bindings, or all; return the report and what was sent, sorted."""
        self.transport = recorded = Recorded()
        self.opened.clear()
        approved = [f"{name}.max_removed" for name in self.wanted]
        report = self.ask(lambda runtime: sync(runtime, names, SyncOptions(approved=approved, **options)))
        return report, sorted(recorded.requests)

    def measured(self) -> dict[str, Impact]:
        """Return what a plan counts of each binding, all of them together."""

        async def count(runtime: Runtime) -> dict[str, Impact]:
            records = runtime.store.read().records
            measurable = [Measurable(name, records[Address(Kind.BINDING, name)]) for name in self.wanted]

            async def one(binding: Measurable) -> Impact:
                async with readings.turn(binding.binding):
                    return (await measure(runtime, binding, readings)).impact

            async with readings_of(runtime, measurable) as readings:
                found = await asyncio.gather(*map(one, measurable))
            return dict(zip(self.wanted, found, strict=True))

        return self.ask(count)

    def ledger(self, binding: str) -> list[tuple[Any, ...]]:
        """Return the rows of a binding's members: who, what else, and each identifier as it is kept."""
        body = self.record(binding).body
        with self._runtime() as runtime, closing(runtime.ledger.open(write=False)) as session:
            members = session.members(destination_key(body["connector"], body["destination_id"]))
            found = session.connection.execute(f"SELECT * FROM {members} WHERE binding = $1", [binding])
            names = [column[0] for column in found.description]
            kept = [
                index
                for index, name in enumerate(names)
                if is_kept(name) or name in {"identity", "variables", "unsure"}
            ]
            return sorted((tuple(row[index] for index in kept) for row in found.fetchall()), key=str)

    def entomb(self, email: str) -> None:
        """Let somebody have asked to be forgotten, by the plain form of an address."""
        with self._runtime() as runtime, closing(runtime.ledger.open(write=True)) as session:
            text = session.digest(tombstone_text("email", literal(email)))
            found = session.connection.execute(f"SELECT CAST({text} AS VARCHAR)").fetchall()
            runtime.store.entomb([Tombstone(found[0][0], "email", "request", NOON)])

    @contextmanager
    def copied(self, root: Path) -> Iterator[Sharing]:
        """Yield a copy with the same people, state and key, over platforms of its own with the same objects."""
        shutil.copytree(self.root, root)
        with serving() as (sandbox, endpoints):
            copy = replace(self, root=root, sandbox=sandbox, endpoints=endpoints)
            with copy._runtime() as runtime:
                for name in runtime.project.bindings:
                    made = copy._run(runtime, copy._made(runtime, name))
                    assert self.record(name).body["destination_id"] == made
            yield copy

    @contextmanager
    def _runtime(self) -> Iterator[Runtime]:
        """Open everything; nobody waits for the limits of a platform."""
        with super()._runtime() as runtime:
            yield replace(
                runtime,
                timing=still_clock(),
                ledger=Counted(runtime.ledger, self.opened),
                memory=self.memory or runtime.memory,
            )

    def _connector(self, kind: str) -> Connector:
        return Connector.model_validate(
            {
                "type": kind,
                "settings": SETTINGS[kind],
                "credentials": {CREDENTIALS[kind]: {"from_env": "PATH"}},
                "endpoint": self.endpoints[kind],
            }
        )

    async def _made(self, runtime: Runtime, binding: str) -> str:
        declared = runtime.project.bindings[binding]
        client = runtime.client(declared.connector)
        create = client.connector_type.manifest.destination.create
        assert create is not None
        scope = runtime.scope(binding, "lineage", dict(declared.destination))
        outcome = await client.call(create, scope)
        return str(outcome.extracted["destination.id"])


@contextmanager
def serving() -> Iterator[tuple[Sandbox, Mapping[str, str]]]:
    """Yield a sandbox with the endpoint of each type."""
    types = {kind: Catalog().get(kind).configured(SETTINGS[kind]) for kind in KINDS}
    with serve(types) as sandbox:
        yield sandbox, {kind: sandbox.endpoint(kind) for kind in KINDS}


@contextmanager
def sharing(root: Path, **options: Any) -> Iterator[Sharing]:
    """Open such a shop, with variables."""
    root.mkdir(exist_ok=True)
    audience = {"variables": {"value": "ltv"}, **options.pop("audience", {})}
    with serving() as (sandbox, endpoints):
        yield Sharing(root, KEYS, endpoints[KEYS], sandbox, audience, endpoints=endpoints, **options)


def left_out(report: Any) -> dict[str, Mapping[str, int]]:
    """Return whom each binding left out."""
    return {one.binding: one.left_out for one in report.delivered}


def each(shop: Sharing, names: Sequence[str]) -> tuple[dict[str, Any], list[Sent]]:
    """Sync one binding after the other, each in a run of its own."""
    found: dict[str, Any] = {}
    requests: list[Sent] = []
    for name in names:
        report, sent = shop.synced(name)
        found |= left_out(report)
        requests += sent
    return found, sorted(requests)
