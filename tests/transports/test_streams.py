"""A stream of AWS as moto's server has it, through the manifest and the real client."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from audiform.client import ConnectorClient, Rows
from audiform.connectors.catalog import Catalog
from audiform.connectors.manifest import SignalOperation
from audiform.connectors.template import render
from audiform.outcome import Category, Outcome
from audiform.transports.routed import RoutedTransport
from audiform.wire import RetryPolicy

PLACE = {"project": "shop", "environment": "production", "binding": "lapsed_buyers"}


def ask(storage, do: str, stream: str, people: list[dict[str, Any]] | None = None) -> Outcome:
    """Send a signal, or read the stream."""

    async def whole() -> Outcome:
        settings = {"region": storage.region}
        kind = Catalog().get("amazon_kinesis_audience").configured(settings)
        secrets = {"access_key_id": "key", "secret_access_key": "secret"}
        client = ConnectorClient(
            kind,
            settings,
            secrets.__getitem__,
            RoutedTransport(),
            endpoint=storage.url,
            policy=RetryPolicy(attempts=1),
        )
        scope = {**PLACE, "destination": {"stream": stream, "id": stream}}
        try:
            if people is None:
                assert kind.manifest.destination.read is not None
                return await client.call(kind.manifest.destination.read, scope)
            signal = kind.manifest.signals[do]  # type: ignore[index]
            assert isinstance(signal, SignalOperation)
            rows = [render(signal.row, {**scope, "row": row}) for row in people]
            text = b",".join(json.dumps(row).encode() for row in rows)
            return await client.send_batch(signal, scope, Rows(text, len(rows)))
        finally:
            await client.transport.close()

    return asyncio.run(whole())


def test_records_arrive_in_the_shard_of_their_person(storage):
    """What was sent can be read from the stream, one person in one shard, in order."""
    people = [{"external_id": f"u-{number}", "variables": {"ltv": number}} for number in range(20)]
    assert ask(storage, "add", "audience-changes", people).ok
    assert ask(storage, "remove", "audience-changes", people[:10]).ok

    client = storage.client("kinesis")
    shards = client.list_shards(StreamName="audience-changes")["Shards"]
    found: dict[str, list[tuple[str, str]]] = {}
    for shard in shards:
        iterator = client.get_shard_iterator(
            StreamName="audience-changes", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        for entry in client.get_records(ShardIterator=iterator["ShardIterator"])["Records"]:
            message = json.loads(entry["Data"])
            signals = found.setdefault(message["identifiers"]["external_id"], [])
            signals.append((shard["ShardId"], message["signal"]))

    assert {f"u-{number}" for number in range(20)} == set(found)
    assert all(1 == len({shard for shard, _ in signals}) for signals in found.values())
    assert ["add", "remove"] == [signal for _, signal in found["u-0"]]
    assert ["add"] == [signal for _, signal in found["u-19"]]


def test_a_stream_is_read(storage):
    """A stream that exists is seen, and one that does not is missing."""
    assert ask(storage, "read", "audience-changes").ok
    assert Category.DESTINATION_MISSING is ask(storage, "read", "none").category
    assert Category.DESTINATION_MISSING is ask(storage, "add", "none", [{"external_id": "u-1"}]).category
