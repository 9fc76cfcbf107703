"""Messages to Kafka brokers: each request is a batch, and is answered when the brokers have all of it.

    POST kafka://HOST:PORT,HOST:PORT/topics/TOPIC   {"records": [{"key": TEXT, "value": TEXT, "headers": {...}}, ...]}
                                                    -> {"offsets": [{"partition", "offset", "error_code", "error"}, ...]}
    GET  kafka://HOST:PORT,HOST:PORT/topics/TOPIC   -> {"name": TOPIC, "partitions": COUNT}

The connection is encrypted and verified, except to this machine itself. `authorization: Basic` is SASL's user name
and password, `sasl-mechanism` its mechanism.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from audiform.connectors.ways import is_local
from audiform.outcome import Request, Response
from audiform.transports.answers import (
    BAD_REQUEST,
    FORBIDDEN,
    NOT_FOUND,
    OK,
    UNAUTHORIZED,
    RefusedError,
    answer,
    answered,
    body_of,
    header,
    login,
    refusal,
)
from audiform.transports.library import library

_POLL_SECONDS = 0.05
_UNKNOWN_TOPIC = "UNKNOWN_TOPIC_OR_PART"
_STATUS = {
    _UNKNOWN_TOPIC: (NOT_FOUND, "the topic does not exist"),
    "_UNKNOWN_TOPIC": (NOT_FOUND, "the topic does not exist"),
    "TOPIC_EXCEPTION": (NOT_FOUND, "the topic's name is not valid"),
    "TOPIC_AUTHORIZATION_FAILED": (FORBIDDEN, "the user may not write to the topic"),
    "CLUSTER_AUTHORIZATION_FAILED": (FORBIDDEN, "the user may not write with idempotence"),
    "SASL_AUTHENTICATION_FAILED": (UNAUTHORIZED, "the brokers do not accept the user name and password"),
    "_AUTHENTICATION": (UNAUTHORIZED, "the brokers do not accept the user name and password"),
}
"""What librdkafka calls an error -> status, and what is said of it."""
_NO_ANSWER = ("_MSG_TIMED_OUT", "_TIMED_OUT", "_TRANSPORT", "_ALL_BROKERS_DOWN", "REQUEST_TIMED_OUT")
"""Whether a message has arrived is not known: it is sent again."""


@dataclass(slots=True)
class _Connection:
    """One producer, and the last error that was about the connection as a whole."""

    producer: Any
    trouble: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class KafkaTransport:
    """Producers by place and user, kept open. librdkafka does the work on threads of its own."""

    _connections: dict[tuple[object, ...], _Connection] = field(
        default_factory=dict[tuple[object, ...], _Connection], repr=False
    )

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - as the Protocol has it
        """Send the messages of `request`; `timeout` in seconds, for all of them."""
        return await answered(self._send, request, timeout)

    async def close(self) -> None:
        """Let go of the brokers. A transport that was closed may be used again."""
        connections, self._connections = self._connections, {}
        for connection in connections.values():
            await asyncio.to_thread(connection.producer.flush, 1.0)

    def _send(self, request: Request, timeout: float) -> Response:
        topic = _topic_of(request.url)
        connection = self._connection(request, timeout)
        if request.method == "GET":
            return _described(connection, topic, timeout)
        return _produced(connection, topic, body_of(request)["records"], timeout)

    def _connection(self, request: Request, timeout: float) -> _Connection:
        key = (urlsplit(request.url).netloc, login(request), header(request, "sasl-mechanism"), timeout)
        if key not in self._connections:
            trouble: list[str] = []

            def keep(error: Any) -> None:
                trouble.append(error.name())

            settings = _settings(request, timeout) | {"error_cb": keep}
            producer = library("confluent_kafka", "kafka").Producer(settings)
            self._connections[key] = _Connection(producer, trouble)
        return self._connections[key]


def _settings(request: Request, timeout: float) -> dict[str, Any]:
    """Return librdkafka's settings: every message exactly once per producer, in order, acknowledged by all replicas."""
    user = login(request)
    local = is_local(request.url)
    protocol = (
        ("PLAINTEXT" if local else "SSL") if user is None else ("SASL_PLAINTEXT" if local else "SASL_SSL")
    )
    settings: dict[str, Any] = {
        "bootstrap.servers": urlsplit(request.url).netloc,
        "client.id": "audiform",
        "security.protocol": protocol,
        "enable.idempotence": True,
        "allow.auto.create.topics": False,
        "message.timeout.ms": int(timeout * 1000),
        "topic.metadata.propagation.max.ms": 1000,
        "linger.ms": 5,
        "log_level": 0,
    }
    if user is not None:
        settings |= {
            "sasl.mechanism": header(request, "sasl-mechanism") or "PLAIN",
            "sasl.username": user[0],
            "sasl.password": user[1],
        }
    return settings


def _topic_of(url: str) -> str:
    match urlsplit(url).path.strip("/").split("/"):
        case ["topics", topic]:
            return unquote(topic)
        case _:
            raise RefusedError(BAD_REQUEST, "the path is not /topics/NAME")


def _described(connection: _Connection, topic: str, timeout: float) -> Response:
    try:
        found = connection.producer.list_topics(topic, timeout=timeout).topics[topic]
    except library("confluent_kafka").KafkaException as error:
        return _failure([error.args[0].name()], connection)
    if found.error is not None:
        return _failure([found.error.name()], connection)
    return answer(OK, {"name": topic, "partitions": len(found.partitions)})


def _produced(
    connection: _Connection, topic: str, records: Sequence[Mapping[str, Any]], timeout: float
) -> Response:
    """Hand the messages to librdkafka and wait until it says what became of each."""
    results: list[dict[str, Any] | None] = [None] * len(records)
    until = time.monotonic() + timeout + 1
    connection.trouble.clear()
    for place, record in enumerate(records):
        _produce(connection.producer, topic, record, _keeper(results, place), until)
    while any(result is None for result in results) and time.monotonic() < until:
        connection.producer.poll(_POLL_SECONDS)
    names = {result["error_code"] for result in results if result is not None}
    names |= {"_MSG_TIMED_OUT"} if any(result is None for result in results) else set()
    known = names & {*_STATUS, *_NO_ANSWER}
    return _failure(sorted(known), connection) if known else answer(OK, {"offsets": results})


def _produce(
    producer: Any, topic: str, record: Mapping[str, Any], keep: Callable[[Any, Any], None], until: float
) -> None:
    headers = {name: text.encode() for name, text in record.get("headers", {}).items()}
    while True:
        try:
            producer.produce(
                topic, value=record["value"], key=record.get("key"), headers=headers, on_delivery=keep
            )
        except BufferError:  # librdkafka's queue is full: what is on its way makes room
            if time.monotonic() > until:
                return
            producer.poll(_POLL_SECONDS)
        except library("confluent_kafka").KafkaException as error:
            keep(error.args[0], None)
            return
        else:
            return


def _keeper(results: list[dict[str, Any] | None], place: int) -> Callable[[Any, Any], None]:
    """Return what is told of one message's end."""

    def keep(error: Any, message: Any) -> None:
        if error is None:
            where = {"partition": message.partition(), "offset": message.offset()}
            results[place] = {**where, "error_code": None, "error": None}
        else:
            results[place] = {"error_code": error.name(), "error": f"not taken ({error.name()})"}

    return keep


def _failure(names: Sequence[str], connection: _Connection) -> Response:
    """Return the answer to a batch that was not taken, or of which nobody knows; a refused login comes first."""
    for name in (*connection.trouble, *names):
        if name in _STATUS:
            return refusal(RefusedError(*_STATUS[name]))
    if "_ALL_BROKERS_DOWN" in (*connection.trouble, *names):
        return Response(0, error="no connection to any of the brokers (host name, network or certificate)")
    if any(name in _NO_ANSWER for name in names):
        return Response(0, error="timeout")
    return refusal(RefusedError(BAD_REQUEST, f"the brokers say {', '.join(names)}"))
