"""A state and a connector over a sandbox in this process: what remote objects are made with, without people."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from audiform.address import Address, Kind
from audiform.client import ConnectorClient
from audiform.connectors.catalog import Catalog
from audiform.execution.destinations import Destinations
from audiform.execution.journal import Creation, Journal
from audiform.plan.records import record_of
from audiform.runtime import Runtime
from audiform.sandbox.serve import Sandbox, serve
from audiform.state.local.store import local_store
from audiform.state.store import Record
from audiform.state.tables.store import TableStore
from audiform.transport import HttpTransport
from audiform.wire import Timing
from plan.world import BINDING, project

Result = TypeVar("Result")
BUYERS = Address(Kind.BINDING, "buyers_on_ads")
MARKED = "meta_custom_audiences"
NAMED = "klaviyo_lists"
SETTINGS: Mapping[str, Mapping[str, Any]] = {MARKED: {"ad_account_id": "1"}, NAMED: {}}
CREDENTIALS = {MARKED: "access_token", NAMED: "private_key"}


class NoLedger:
    """People are no matter of these tests."""

    def open(self, *, write: bool, beside: Any = None) -> Any:
        raise AssertionError("nobody asked for people")

    def verify_key(self) -> None:
        """Nothing is encrypted."""

    def rekey(self) -> Iterator[int]:
        raise AssertionError("nobody asked for people")

    def destinations(self) -> tuple[str, ...]:
        return ()


async def at_once(seconds: float) -> None:
    """Wait for nothing."""


@dataclass
class Platform:
    """One connector `ads` of a type, whose sandbox answers; state in a folder."""

    kind: str
    folder: Path
    sandbox: Sandbox
    notes: list[str] = field(default_factory=list)

    @property
    def objects(self) -> list[Mapping[str, Any]]:
        """Return the attributes of what the platform has."""
        return [one.attributes for one in self.sandbox.destinations(self.kind)]

    def runtime(self) -> Runtime:
        """Return what a new process would work with."""
        connector = {
            "type": self.kind,
            "settings": SETTINGS[self.kind],
            "credentials": {CREDENTIALS[self.kind]: {"from_env": "PATH"}},
            "endpoint": self.sandbox.endpoint(self.kind),
        }
        binding = {**BINDING, "destination": {"name": "Buyers"}}
        desired = project(connectors={"ads": connector}, bindings={"buyers_on_ads": binding})
        store: TableStore = local_store(self.folder, "audiform state unlock")
        timing = Timing(sleep=at_once)
        return Runtime(desired, Catalog(), store, NoLedger(), HttpTransport(), timing=timing)

    def destinations(self, runtime: Runtime) -> Destinations:
        """Return what makes remote objects."""
        return Destinations(
            runtime, runtime.store.create().lineage, Journal(runtime.store), self.notes.append
        )

    def create(self) -> Record:
        """Create the binding's object, in a process of its own."""
        runtime = self.runtime()
        return self.run(
            runtime,
            self.destinations(runtime).create(runtime.client("ads"), creation(runtime), (), lambda: ()),
        )

    def run(self, runtime: Runtime, work: Coroutine[Any, Any, Result]) -> Result:
        """Return what `work` returns; the process ends with it."""

        async def whole() -> Result:
            try:
                return await work
            finally:
                await runtime.transport.close()

        try:
            return asyncio.run(whole())
        finally:
            runtime.store.close()

    def recorded(self) -> dict[str, str]:
        """Return binding -> id of its object, as the state has it."""
        store = local_store(self.folder, "")
        found = {
            address.name: record.body["destination_id"] for address, record in store.read().records.items()
        }
        store.close()
        return found

    def pending(self) -> list[str]:
        """Return the actions that are open in the journal."""
        store = local_store(self.folder, "")
        found = [intent.action for intent in store.pending()]
        store.close()
        return found


def creation(runtime: Runtime) -> Creation:
    """Return what is to be created."""
    record = record_of(runtime.project, BUYERS, type_digests={}, secret_digests={})
    connector = runtime.project.connectors["ads"].model_dump(mode="json")
    return Creation(record, connector)


def client(runtime: Runtime) -> ConnectorClient:
    """Return the connector's client."""
    return runtime.client("ads")


@contextmanager
def platform(kind: str, folder: Path) -> Iterator[Platform]:
    """Yield a platform of a connector type that nobody used yet."""
    with serve({kind: Catalog().get(kind).configured(SETTINGS[kind])}) as sandbox:
        yield Platform(kind, folder, sandbox)
