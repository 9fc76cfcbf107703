"""How event connectors are: what was applied, put together with what running processes say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """One event connector. What nobody knows, because nothing runs, is None: never a 0."""

    connector: str
    type: str
    state: str
    in_per_second: float | None = None
    out_per_second: float | None = None
    lag: int | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    retrying: int | None = None
    dead: int = 0
    breaker: str | None = None
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """All of them. `processes` counts those that run; `sources` are those that take nothing in, and why."""

    processes: int
    connectors: Sequence[ConnectorStatus]
    taken: Mapping[str, int]
    not_served: Mapping[str, str]


def status(
    records: Mapping[str, Mapping[str, Any]], processes: Mapping[str, Mapping[str, Any]], dead: Sequence[str]
) -> Status:
    """Put records (of event connectors), what processes say, and the connectors of dead letters together."""
    said = {each["connector"]: each for body in processes.values() for each in body["connectors"]}
    failed = {name: why for body in processes.values() for name, why in body["not_started"].items()}
    letters = Counter(dead)
    found = [
        _one(name, body, said.get(name), failed, letters[name]) for name, body in sorted(records.items())
    ]
    taken = Counter[str]()
    for body in processes.values():
        taken.update(body["sources"]["taken"])
    not_served = {
        name: why for body in processes.values() for name, why in body.get("not_served", {}).items()
    }
    return Status(len(processes), found, dict(taken), not_served)


def _one(
    name: str,
    body: Mapping[str, Any],
    said: Mapping[str, Any] | None,
    failed: Mapping[str, str],
    dead: int,
) -> ConnectorStatus:
    if not body["enabled"]:
        return ConnectorStatus(name, body["type"], "paused", dead=dead)
    if name in failed:
        return ConnectorStatus(name, body["type"], "not started", dead=dead, last_error=failed[name])
    if said is None:
        return ConnectorStatus(name, body["type"], "not running", dead=dead)
    same = (
        "in_per_second",
        "out_per_second",
        "lag",
        "p50",
        "p95",
        "p99",
        "retrying",
        "breaker",
        "last_error",
    )
    return ConnectorStatus(name, body["type"], "running", dead=dead, **{key: said[key] for key in same})


def as_json(found: Status) -> dict[str, Any]:
    """Return it as JSON data; latencies are in seconds."""
    return asdict(found)
