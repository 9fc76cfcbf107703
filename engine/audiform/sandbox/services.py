"""The services of one sandbox, and the pages under `/_sandbox/` that show what they hold: pure, no web server."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from audiform.connectors.catalog import ConnectorType
from audiform.sandbox.faults import Faults
from audiform.sandbox.platform import Platform, Watcher
from audiform.sandbox.wire import Answer, Call, answer_json
from audiform.sandbox.world import World

_KEPT = 1_000
INDEX = """\
Audiform sandbox: stands in for the platforms of the connector types, as their manifests describe them.

GET    /_sandbox/destinations                        what there is: id, attributes, members counted
GET    /_sandbox/destinations/<type>/<id>/members    the members, as they were sent
GET    /_sandbox/events                              how many events each service got, and how many of them twice
GET    /_sandbox/events/<service>                    its last events, as they were sent
GET    /_sandbox/requests                            the last requests: operation, rows, bytes, status
POST   /_sandbox/faults                              {"fault": "status", "status": 429, "retry_after": 1, "times": 2}
GET    /_sandbox/faults                              the faults that wait
DELETE /_sandbox/faults                              forget them
DELETE /_sandbox/                                    forget everything

Faults: error (category), status (status, retry_after), slow (seconds), reset_before_body, reset_after_body,
reset_in_answer, garbage, partial_failure (rows), expired_token, small_list; each with type, operation, times or probability.

Services:
"""


@dataclass(frozen=True, slots=True)
class Logged:
    """One request as the list of requests shows it: never a body, a query or a value."""

    number: int
    service: str
    method: str
    operation: str
    rows: int
    bytes: int
    status: int


@dataclass(slots=True)
class Services:
    """Everything behind one port. Only one thread at a time may call its methods."""

    types: Mapping[str, ConnectorType]
    polls: int = 0
    watcher: Watcher | None = None
    world: World = field(default_factory=World)
    faults: Faults = field(default_factory=Faults)
    log: deque[Logged] = field(default_factory=lambda: deque(maxlen=_KEPT))
    count: int = 0
    platforms: dict[str, Platform] = field(init=False)

    def __post_init__(self) -> None:
        self.platforms = {
            name: Platform(name, kind, self.world, self.faults, self.polls, self.watcher)
            for name, kind in self.types.items()
        }

    def note(self, service: str, call: Call, answer: Answer) -> None:
        """Add a request to the list; status 0: the connection was lost before an answer."""
        self.count += 1
        size = len(call.body)
        self.log.append(
            Logged(self.count, service, call.method, answer.operation, answer.rows, size, answer.status)
        )

    def unknown(self, service: str) -> Answer:
        """Answer for a prefix that no service has."""
        return answer_json(404, {"sandbox": f"no service `{service}`", "services": sorted(self.platforms)})

    def page(self, call: Call) -> Answer:
        """Answer a request below `/_sandbox`; `call.path` starts after it."""
        match (call.method, call.path.strip("/").split("/")):
            case ("GET", [""]):
                services = "".join(f"/{name}\n" for name in sorted(self.platforms))
                return Answer(200, (INDEX + services).encode(), {"content-type": "text/plain; charset=utf-8"})
            case ("GET", ["destinations"]):
                return answer_json(200, self.destinations())
            case ("GET", ["destinations", service, identity, "members"]):
                return self._members(service, identity)
            case ("GET", ["events"]):
                return answer_json(200, self.events())
            case ("GET", ["events", service]):
                return answer_json(200, [*self.world.account(service).events.last])
            case ("GET", ["requests"]):
                return answer_json(200, {"count": self.count, "last": [_shown(entry) for entry in self.log]})
            case (method, ["faults"]):
                return self._faults(method, call.body)
            case ("DELETE", [""]):
                self.clear()
                return Answer(204)
            case _:
                return Answer(404, INDEX.encode(), {"content-type": "text/plain; charset=utf-8"})

    def destinations(self) -> dict[str, list[dict[str, Any]]]:
        """Return service -> its destinations with their members counted."""
        return {
            service: [
                {"id": one.id, "attributes": one.attributes, "members": one.members.counts()}
                for one in account.destinations.values()
            ]
            for service, account in sorted(self.world.accounts.items())
        }

    def events(self) -> dict[str, dict[str, int]]:
        """Return service -> how many events it holds, and how many it got again."""
        types = {name: kind for name, kind in self.types.items() if kind.manifest.kind == "event"}
        held = {name: self.world.account(name).events for name in sorted(types)}
        return {name: {"events": one.count, "doubled": one.doubled} for name, one in held.items()}

    def clear(self) -> None:
        """Forget destinations, members, events, faults and requests."""
        self.world.clear()
        self.faults.clear()
        self.log.clear()
        self.count = 0

    def _members(self, service: str, identity: str) -> Answer:
        account = self.world.accounts.get(service)
        destination = account.destinations.get(identity) if account else None
        if destination is None:
            return answer_json(404, {"sandbox": "no such destination"})
        return answer_json(200, destination.members.as_json())

    def _faults(self, method: str, body: bytes) -> Answer:
        import orjson

        match method:
            case "POST":
                try:
                    self.faults.add_all(orjson.loads(body))
                except (orjson.JSONDecodeError, ValidationError) as problem:
                    return answer_json(400, {"sandbox": str(problem)})
            case "DELETE":
                self.faults.clear()
            case _:
                pass
        waiting = [fault.model_dump(mode="json", exclude_unset=True) for fault in self.faults.waiting]
        return answer_json(200, waiting)


def _shown(entry: Logged) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in Logged.__slots__}
