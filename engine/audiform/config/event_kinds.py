"""What a project may say about events: where they come from, what they hold, and where they are sent at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StrictBool, StrictInt, Tag

from audiform.config.kinds import Labels, Owner, Protected
from audiform.config.models import Duration, Model
from audiform.config.secret_references import CheckedSecretReference

Path = Annotated[str, Field(examples=["event.properties.total"])]
Step = str | dict[str, Any]


class HttpSettings(Model):
    """Events that clients send to `audiform run`: Segment's tracking API, CloudEvents, or plain JSON."""

    allowed_origins: tuple[str, ...] = Field(
        default=(), description="Origins of web pages that may send, such as https://shop.example.com"
    )
    events_per_second: float | None = Field(
        default=None, gt=0, description="Most events a second for each write key (default: no limit)"
    )
    max_body_bytes: StrictInt = Field(default=1_000_000, ge=1_000, description="Largest body of a request")
    max_event_bytes: StrictInt = Field(default=64_000, ge=1_000, description="Largest single event")
    max_batch: StrictInt = Field(default=1_000, ge=1, description="Most events in a request")
    max_depth: StrictInt = Field(default=20, ge=1, description="Deepest nesting of an event")
    max_clock_skew: Duration = Field(
        default="1h", description="How far in the future an event may have happened"
    )


class NatsSettings(Model):
    """Events on a JetStream stream, one a message."""

    url: str = Field(
        pattern="^nats://[^/@]+/[^/]+$",
        description="Servers and stream",
        examples=["nats://nats1.example.com:4222,nats2.example.com:4222/EVENTS"],
    )
    consumer: str = Field(default="audiform", description="Name of the durable consumer; workers share it")


class KafkaSettings(Model):
    """Events on a topic of Kafka, one a message."""

    url: str = Field(
        pattern="^kafka://[^/@]+/[^/]+$",
        description="Brokers and topic",
        examples=["kafka://broker1.example.com:9093,broker2.example.com:9093/events"],
    )
    group: str = Field(default="audiform", description="The consumer group; workers share it")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="PLAIN", description="How `user` and `password` of `credentials` are proved"
    )


class FilesSettings(Model):
    """Events in files, for back-fills: JSON lines or Parquet, one a line or row."""

    path: str = Field(description="File, folder or glob, inside of the project", examples=["events/*.jsonl"])
    format: Literal["jsonl", "parquet"] | None = Field(
        default=None, description="Default: by the file's name"
    )


SOURCE_SETTINGS: Mapping[str, type[Model]] = {
    "http": HttpSettings,
    "nats": NatsSettings,
    "kafka": KafkaSettings,
    "files": FilesSettings,
}
"""Type of an event source -> the model of its `settings`."""


class EventSource(Model):
    """Where events come from."""

    type: Literal["http", "nats", "kafka", "files"]
    settings: dict[str, Any] = Field(default_factory=dict)
    write_keys: dict[str, CheckedSecretReference] = Field(
        default_factory=dict,
        description="Name -> key that a client of a source of type `http` proves itself with",
    )
    credentials: dict[str, CheckedSecretReference] = Field(
        default_factory=dict, description="How a broker is reached, such as `user` and `password`"
    )
    description: str | None = None
    labels: Labels = Field(default_factory=dict)
    owner: Owner | None = None
    protected: Protected = False
    enabled: StrictBool = True


class EventType(Model):
    """What events of one name must look like."""

    event: str | None = Field(
        default=None,
        description="The event's name (default: the name in this file)",
        examples=["Order Completed"],
    )
    json_schema: dict[str, Any] = Field(
        alias="schema",
        description="JSON Schema of its properties (traits of `identify` and `group`, data of a CloudEvent)",
    )
    on_violation: Literal["refuse", "flag"] = Field(
        default="refuse", description="Refuse an event that is otherwise, or take it and say so"
    )
    description: str | None = None
    labels: Labels = Field(default_factory=dict)
    owner: Owner | None = None
    protected: Protected = False
    enabled: StrictBool = True


class EventSelection(Model):
    """Which events are sent. What is not given is not asked."""

    sources: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="Names of event sources (default: all)"
    )
    types: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="Such as track, identify, page", examples=[["track"]]
    )
    names: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Names of events; `*` stands for any text",
        examples=[["Order *"]],
    )
    filter: str | None = Field(
        default=None,
        description="Expression that must hold of the event",
        examples=["event.properties.total > 20 and not event.properties.is_test"],
    )


class MappedField(Model):
    """What fills one field of a record."""

    source: str | tuple[str, ...] | None = Field(
        default=None, alias="from", description="Path in the event, or several: the first that is there"
    )
    value: Any = Field(default=None, description="The same in every record, instead of a path")
    each: dict[str, str] | None = Field(
        default=None,
        description="Of a list of objects: key -> path in the entry",
        examples=[{"id": "item.sku", "quantity": "item.quantity"}],
    )
    transform: tuple[Step, ...] = Field(
        default=(), description="Named steps, in order", examples=[["trim", "lower", {"default": "unknown"}]]
    )
    region: str | None = Field(
        default=None, pattern="^[A-Z]{2}$", description="Country of phone numbers without a prefix"
    )
    already_hashed: StrictBool = Field(default=False, description="It is the hash of a normalised value")


def _form(value: Any) -> str:
    if value is None:
        return "<none>"
    return "<text>" if isinstance(value, str) else "<other>"


Fill = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[None, Tag("<none>")] | Annotated[MappedField, Tag("<other>")],
    Discriminator(_form),
]
"""A path, what else fills the field, or null: it is left out, whatever the type would take."""


class Retry(Model):
    """How long an event that cannot be delivered is tried again."""

    window: Duration = Field(default="24h", description="After that it becomes a dead letter")


class BatchLimits(Model):
    """When a request is full; never more than the type allows."""

    max_records: StrictInt | None = Field(default=None, ge=1)
    max_bytes: StrictInt | None = Field(default=None, ge=1)
    max_seconds: float = Field(
        default=0.05, ge=0, le=600, description="Longest that an event waits for others"
    )


class EventConnector(Model):
    """A configured event connector type. It sends as soon as it is applied, and nothing from before."""

    type: str
    settings: dict[str, Any] = Field(default_factory=dict)
    credentials: dict[str, CheckedSecretReference] = Field(default_factory=dict)
    endpoint: str | None = Field(
        default=None, description="Replaces the type's base URL, for a sandbox or a proxy"
    )
    events: EventSelection = EventSelection()
    map: dict[str, Fill] = Field(
        default_factory=dict,
        description="Field of the type -> path, `{from: ..., transform: [...]}`, `{value: ...}` or null",
    )
    consent: Path | None = Field(default=None, description="Path of a boolean; what is not true is not sent")
    order_by: Path | None = Field(
        default=None, description="Events with the same value there are sent in the order in which they came"
    )
    on_resume: Literal["skip", "replay"] = Field(
        default="skip", description="What happens to events of a pause: nothing, or they are sent"
    )
    retry: Retry = Retry()
    batch: BatchLimits = BatchLimits()
    description: str | None = None
    labels: Labels = Field(default_factory=dict)
    owner: Owner | None = None
    protected: Protected = False
    enabled: StrictBool = True
