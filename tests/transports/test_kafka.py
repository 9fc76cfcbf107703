"""Messages to the mock cluster that librdkafka brings."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer

from audiform.connectors.auth.basic import basic_header
from audiform.outcome import Request, Response
from audiform.transports.kafka import KafkaTransport, _settings


@dataclass(frozen=True)
class Cluster:
    """A cluster with the topic `people`, and what can be read from it."""

    brokers: str

    def ask(self, *requests: Request, timeout: float = 10) -> list[Response]:
        """Send requests one after the other."""

        async def whole() -> list[Response]:
            transport = KafkaTransport()
            try:
                return [await transport.send(request, timeout) for request in requests]
            finally:
                await transport.close()

        return asyncio.run(whole())

    def url(self, topic: str = "people") -> str:
        """Return the URL of a topic."""
        return f"kafka://{self.brokers}/topics/{topic}"

    def written(self, count: int) -> list[Any]:
        """Read so many messages of the topic from its beginning."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.brokers,
                "group.id": f"test-{time.monotonic_ns()}",
                "auto.offset.reset": "earliest",
                "log_level": 0,
            }
        )
        consumer.subscribe(["people"])
        found: list[Any] = []
        until = time.monotonic() + 20
        while len(found) < count and time.monotonic() < until:
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                found.append(message)
        consumer.close()
        return found


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Run a cluster; it lives as long as the producer that made it."""
    maker = Producer({"test.mock.num.brokers": 2, "bootstrap.servers": "mock", "log_level": 0})
    maker.produce("people", b"first", partition=0)
    assert maker.flush(10) == 0
    brokers = maker.list_topics(timeout=10).brokers.values()
    yield Cluster(",".join(f"{broker.host}:{broker.port}" for broker in brokers))
    maker.purge()


def post(url: str, *records: dict[str, Any]) -> Request:
    """Return a request of some records."""
    return Request("POST", url, (), json.dumps({"records": list(records)}).encode())


def record(key: str, value: str = "{}") -> dict[str, Any]:
    """Return one message."""
    return {"key": key, "value": value, "headers": {"signal": "add"}}


def test_messages_arrive_with_key_and_headers(cluster):
    """What a request holds is in the topic afterwards, and the answer says where each message is."""
    (answer,) = cluster.ask(
        post(cluster.url(), *(record(f"u-{number}", f"v{number}") for number in range(3)))
    )

    offsets = json.loads(answer.body)["offsets"]
    assert [None] * 3 == [entry["error_code"] for entry in offsets]
    assert [("u-0", "v0"), ("u-1", "v1"), ("u-2", "v2")] == sorted(
        (message.key().decode(), message.value().decode())
        for message in cluster.written(4)
        if message.key() and message.headers() == [("signal", b"add")]
    )


def test_messages_of_one_person_are_in_one_partition_in_order(cluster):
    """The key decides the partition, over requests."""
    requests = [post(cluster.url(), record("u-1", str(number)), record("u-2")) for number in range(5)]
    answers = cluster.ask(*requests)

    partitions = {json.loads(answer.body)["offsets"][0]["partition"] for answer in answers}
    assert 1 == len(partitions)
    ordered = [m.value() for m in cluster.written(11) if m.key() == b"u-1"]
    assert [b"0", b"1", b"2", b"3", b"4"] == ordered


def test_a_message_that_is_too_large_is_told_by_itself(cluster):
    """The others of the request are written."""
    (answer,) = cluster.ask(post(cluster.url(), record("u-1"), record("u-2", "x" * 2_000_000)))

    taken, refused = json.loads(answer.body)["offsets"]
    assert (200, None, "MSG_SIZE_TOO_LARGE") == (answer.status, taken["error_code"], refused["error_code"])


def test_a_topic_is_described_and_never_made(cluster):
    """A topic that does not exist is missing, when it is looked at and when it is written to."""
    there, missing, lost = cluster.ask(
        Request("GET", cluster.url()),
        Request("GET", cluster.url("none")),
        post(cluster.url("none"), record("u-1")),
    )

    assert {"name": "people", "partitions": 4} == json.loads(there.body)
    assert (404, 404) == (missing.status, lost.status)


def test_brokers_that_are_not_there_are_no_answer():
    """Nobody knows what became of the messages, so they are sent again."""
    (answer,) = Cluster("127.0.0.1:1").ask(
        post("kafka://127.0.0.1:1/topics/people", record("u-1")), timeout=2
    )

    assert (0, True) == (answer.status, "no connection" in (answer.error or ""))


@pytest.mark.parametrize(
    ("url", "headers", "protocol"),
    [
        ("kafka://127.0.0.1:9092/topics/a", (), "PLAINTEXT"),
        ("kafka://b1.example.com:9093,b2.example.com:9093/topics/a", (), "SSL"),
        ("kafka://127.0.0.1:9092,b2.example.com:9093/topics/a", (basic_header("u", "p"),), "SASL_SSL"),
    ],
)
def test_what_leaves_this_machine_is_encrypted(url, headers, protocol):
    """Only where every broker is this machine itself, nothing is."""
    assert protocol == _settings(Request("POST", url, headers), 5)["security.protocol"]


def test_the_mechanism_is_the_settings():
    """User name, password and mechanism reach librdkafka."""
    headers = (basic_header("u", "p:1"), ("sasl-mechanism", "SCRAM-SHA-512"))
    settings = _settings(Request("POST", "kafka://b1.example.com:9093/topics/a", headers), 5)

    assert ("SCRAM-SHA-512", "u", "p:1") == tuple(
        settings[f"sasl.{name}"] for name in ("mechanism", "username", "password")
    )
