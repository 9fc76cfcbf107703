"""How a connector is, for whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How a connector is. Rates are events a second over the last minute; latencies from ingest to accepted."""

    connector: str
    lag: int | None
    in_per_second: float
    out_per_second: float
    p50: float | None
    p95: float | None
    p99: float | None
    holding: int
    retrying: int
    breaker: str
    last_error: str
    totals: Mapping[str, int]
    seconds: float
