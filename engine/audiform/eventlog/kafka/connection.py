"""How the brokers of Kafka are reached, and what is said of what they say."""

from __future__ import annotations

from typing import Any

from audiform.eventlog.log import LogUnavailableError
from audiform.eventlog.place import Place

SAID = {
    "UNKNOWN_TOPIC_OR_PART": "the topic does not exist",
    "TOPIC_EXCEPTION": "the topic's name is not valid",
    "TOPIC_AUTHORIZATION_FAILED": "the user may not use the topic",
    "GROUP_AUTHORIZATION_FAILED": "the user may not read as this consumer group",
    "SASL_AUTHENTICATION_FAILED": "the brokers do not accept the user name and password",
    "_AUTHENTICATION": "the brokers do not accept the user name and password",
    "_ALL_BROKERS_DOWN": "no connection to any of the brokers (host name, network or certificate)",
    "_MSG_TIMED_OUT": "the brokers did not keep the event in time",
    "NOT_ENOUGH_REPLICAS": "too few of the topic's replicas are there",
    "NOT_ENOUGH_REPLICAS_AFTER_APPEND": "too few of the topic's replicas are there",
    "KAFKA_STORAGE_ERROR": "the disk of a broker is full, or broken",
}
"""What librdkafka calls what goes wrong -> what is said of it. Other errors it overcomes by itself."""


def configured(place: Place, mechanism: str = "PLAIN") -> dict[str, Any]:
    """Return librdkafka's settings for a client, without those of what it does."""
    way = "SSL" if place.encrypted else "PLAINTEXT"
    found: dict[str, Any] = {
        "bootstrap.servers": ",".join(place.servers),
        "client.id": "audiform",
        "security.protocol": way if place.user is None else f"SASL_{way}",
        "log_level": 0,
    }
    if place.user is not None:
        found |= {
            "sasl.mechanism": mechanism,
            "sasl.username": place.user,
            "sasl.password": place.password or "",
        }
    return found


def unavailable(error: Any) -> LogUnavailableError:
    """Return what is said of an error of librdkafka; `error` is its `KafkaError`, or what holds one."""
    name = (error.args[0] if isinstance(error, Exception) else error).name()
    return LogUnavailableError(SAID.get(name, f"Kafka did not answer ({name})"))
