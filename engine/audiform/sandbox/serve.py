"""The sandbox in this process, on a thread of its own: what tests use."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from audiform.connectors.catalog import ConnectorType
from audiform.sandbox.faults import Faults
from audiform.sandbox.platform import Watcher
from audiform.sandbox.server import listening
from audiform.sandbox.services import Services
from audiform.sandbox.world import Destination, World


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox. Look at `world` and add to `faults` between requests, not during them."""

    url: str
    services: Services = field(repr=False)

    @property
    def world(self) -> World:
        """What the platforms hold."""
        return self.services.world

    @property
    def faults(self) -> Faults:
        """The faults that wait."""
        return self.services.faults

    def endpoint(self, service: str) -> str:
        """Return what a connector's `endpoint` must be to reach a service."""
        return f"{self.url}/{service}"

    def destinations(self, service: str) -> tuple[Destination, ...]:
        """Return what there is, oldest first."""
        return tuple(self.world.account(service).destinations.values())

    def members(self, service: str, name: str) -> Any:
        """Return the members (as JSON data) of the only destination whose name attribute is `name`.

        Raises:
            LookupError: there is none, or more than one.
        """
        found = [one for one in self.destinations(service) if one.attributes.get("name") == name]
        if len(found) != 1:
            raise LookupError(f"{len(found)} destinations of {service} are named `{name}`")
        return found[0].members.as_json()


@contextmanager
def serve(
    types: Mapping[str, ConnectorType], *, port: int = 0, polls: int = 0, watcher: Watcher | None = None
) -> Iterator[Sandbox]:
    """Serve configured connector types by name until the block is left.

    `polls`: how often a job is still running when it is asked about. `watcher` sees each accepted batch.

    Raises:
        OSError: the port is taken.
    """
    services = Services(types, polls, watcher)
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    started: threading.Event = threading.Event()
    outcome: list[str | BaseException] = []

    async def run() -> None:
        try:
            async with listening(services, port) as url:
                outcome.append(url)
                started.set()
                await stop.wait()
        except BaseException as problem:  # noqa: BLE001 - whoever waits for the start is told, whatever it was
            outcome.append(problem)
            started.set()

    thread = threading.Thread(target=_run, args=(loop, run()), name="sandbox", daemon=True)
    thread.start()
    started.wait()
    try:
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        yield Sandbox(outcome[0], services)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def _run(loop: asyncio.AbstractEventLoop, main: Any) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(main)
    finally:
        loop.close()
