"""How bindings stand, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.schedules.agenda import Standing
from audiform.watch.watcher import Watcher

_LABEL = ["binding"]


@contextmanager
def served(watcher: Watcher, host: str, port: int, clock: Callable[[], datetime]) -> Iterator[int]:
    """Serve the figures at `/metrics` while the block runs; yield the port.

    Raises:
        DiagnosticError: nothing can be served there (`address-in-use`).
    """
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.registry import Collector

    class Now(Collector):
        def collect(self) -> Iterator[Any]:
            return families(watcher, clock())

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Now())
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        detail = f"Metrics cannot be served at {host}:{port}: {error.strerror}. Nothing was sent."
        raise DiagnosticError([Diagnostic("address-in-use", detail)]) from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def families(watcher: Watcher, now: datetime) -> Iterator[Any]:
    """Yield the figures."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    gauges = {
        "started": GaugeMetricFamily(
            "audiform_binding_last_run_timestamp_seconds", "When it was sent last", labels=_LABEL
        ),
        "due": GaugeMetricFamily(
            "audiform_binding_next_run_timestamp_seconds", "When it is due", labels=_LABEL
        ),
        "overdue": GaugeMetricFamily(
            "audiform_binding_overdue_seconds", "Time since it was due and not sent", labels=_LABEL
        ),
        "failures": GaugeMetricFamily(
            "audiform_binding_failures", "Runs in a row that failed", labels=_LABEL
        ),
    }
    for each in watcher.seen:
        for name, value in _values(each, now):
            gauges[name].add_metric([each.binding], value)
    yield from gauges.values()
    runs = CounterMetricFamily(
        "audiform_binding_runs", "Runs since the start by what came of them", labels=[*_LABEL, "result"]
    )
    for (binding, result), count in sorted(watcher.ended.items()):
        runs.add_metric([binding, result], count)
    yield runs


def _values(each: Standing, now: datetime) -> Iterator[tuple[str, float]]:
    if each.last is not None:
        yield "started", each.last.started.timestamp()
        yield "failures", each.last.failures
    if each.due.at is not None:
        yield "due", each.due.at.timestamp()
        yield "overdue", (now - each.due.missed).total_seconds() if each.due.missed else 0.0
