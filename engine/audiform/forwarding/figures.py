"""How a process is, for `audiform status` and for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from audiform.collector.answers import Figures
from audiform.forwarding.snapshot import Snapshot


def status_of(snapshots: Sequence[Snapshot], failed: Mapping[str, str], figures: Figures) -> dict[str, Any]:
    """Return JSON data; it holds counts, names and masked messages."""
    return {
        "connectors": [asdict(snapshot) for snapshot in snapshots],
        "not_started": dict(failed),
        "sources": {
            "taken": figures.taken,
            "flagged": figures.flagged,
            "refused": [[source, reason, count] for (source, reason), count in figures.refused.items()],
        },
    }


def metrics(snapshots: Sequence[Snapshot], failed: Mapping[str, str], figures: Figures) -> bytes:
    """Return the text that Prometheus reads."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.registry import Collector

    class Now(Collector):
        def collect(self) -> Iterator[Any]:
            yield from _of_sources(figures)
            yield from _of_connectors(snapshots, failed)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Now())
    return generate_latest(registry)


def _of_sources(figures: Figures) -> Iterator[Any]:
    from prometheus_client.core import CounterMetricFamily

    taken = CounterMetricFamily("audiform_events_taken", "Events that are in the log", labels=["source"])
    for source, count in figures.taken.items():
        taken.add_metric([source], count)
    flagged = CounterMetricFamily(
        "audiform_events_flagged", "Events that are not as their type says, and were taken", labels=["source"]
    )
    for source, count in figures.flagged.items():
        flagged.add_metric([source], count)
    refused = CounterMetricFamily(
        "audiform_events_refused", "Events and requests that were not taken", labels=["source", "reason"]
    )
    for (source, reason), count in figures.refused.items():
        refused.add_metric([source, reason], count)
    yield from (taken, flagged, refused)


def _of_connectors(snapshots: Sequence[Snapshot], failed: Mapping[str, str]) -> Iterator[Any]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily

    label = ["connector"]
    up = GaugeMetricFamily("audiform_connector_up", "Whether an event connector runs", labels=label)
    lag = GaugeMetricFamily(
        "audiform_connector_lag_events", "Events in the log that are not settled", labels=label
    )
    retrying = GaugeMetricFamily(
        "audiform_connector_retrying_events", "Events that wait for another try", labels=label
    )
    closed = GaugeMetricFamily(
        "audiform_connector_breaker_closed", "Whether the destination is asked", labels=label
    )
    events = CounterMetricFamily(
        "audiform_connector_events", "Events by what became of them", labels=["connector", "what"]
    )
    seconds = SummaryMetricFamily(
        "audiform_connector_latency_seconds",
        "From the receipt of an event until it was accepted",
        labels=label,
    )
    for missing in failed:
        up.add_metric([missing], 0)
    for each in snapshots:
        name = [each.connector]
        up.add_metric(name, 1)
        retrying.add_metric(name, each.retrying)
        closed.add_metric(name, each.breaker == "closed")
        if each.lag is not None:
            lag.add_metric(name, each.lag)
        for what, count in each.totals.items():
            events.add_metric([each.connector, what], count)
        seconds.add_metric(name, count_value=each.totals.get("sent", 0), sum_value=each.seconds)
    yield from (up, lag, retrying, closed, events, seconds)
