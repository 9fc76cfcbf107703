"""The truth about what a project may say: one pydantic model per section entry and per project file.

`make schemas` writes `schemas/*.schema.json` from these. A field's `description` is its documentation
in the editor. Places in files are never kept here: they are computed late, for problems only.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, StrictBool, StrictInt, Tag

from audiform.config.engine import Engine
from audiform.config.models import Duration, Model, is_text
from audiform.config.query_kinds import DbtModel, Query, QueryFile
from audiform.config.schedule import Scheduled
from audiform.config.secret_references import CheckedSecretReference
from audiform.config.source_settings import SourceSettings, SourceType, as_settings
from audiform.config.watermarks import Reconcile, Watermarked
from audiform.memory import PATTERN
from audiform.outcome import Signal

Percent = Annotated[str, Field(pattern=r"^\d+(\.\d+)?\s?%$", examples=["20%"])]
Limit = Annotated[
    Annotated[StrictInt, Field(ge=0), Tag("<other>")] | Annotated[Percent, Tag("<text>")],
    Discriminator(is_text),
]
"""A number of people, or a share of the destination's members."""


LabelKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,62}$", examples=["team"])]
LabelValue = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$", examples=["crm"])
]
Labels = Annotated[
    dict[LabelKey, LabelValue],
    Field(description="Names for a choice of resources (`--target label:team=crm`, `policies`); never sent"),
]
Owner = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        description="Who answers for it, best a team; never sent",
        examples=["CRM team"],
    ),
]


class Guards(Model):
    """Limits that stop an apply or a sync before anything is sent."""

    max_removed: Limit | None = Field(
        default=None, description="Most people removed at once (default 20%, from 100 members)"
    )
    max_added: Limit | None = Field(default=None, description="Most people added at once")
    min_members: StrictInt | None = Field(default=None, ge=0, description="Fewest people that must remain")
    allow_empty: StrictBool | None = Field(
        default=None, description="Go on when the source returns nobody (default false)"
    )
    max_source_age: Duration | None = Field(default=None, description="Oldest that the source's data may be")


Protected = Annotated[
    StrictBool,
    Field(
        description="Prevents its deletion, also that of its block: `false` must be applied first (default false)"
    ),
]


class Source(Model):
    """Where profiles are read from."""

    type: SourceType
    settings: Annotated[SourceSettings, BeforeValidator(as_settings)]
    credentials: dict[str, CheckedSecretReference] = Field(
        default_factory=dict, description="How a database or a storage is reached"
    )
    description: str | None = None
    labels: Labels = Field(default_factory=dict)
    owner: Owner | None = None
    protected: Protected = False
    enabled: StrictBool = True


class Connector(Model):
    """A configured instance of a connector type; `settings` is checked against the type's manifest."""

    type: str
    settings: dict[str, Any] = Field(default_factory=dict)
    credentials: dict[str, CheckedSecretReference] = Field(default_factory=dict)
    endpoint: str | None = Field(
        default=None, description="Replaces the type's base URL, for a sandbox or a proxy"
    )
    description: str | None = None
    labels: Labels = Field(default_factory=dict)
    owner: Owner | None = None
    protected: Protected = False
    enabled: StrictBool = True


class IdentifierColumn(Model):
    """A column that holds an identifier, with what is known about its values."""

    column: str
    already_hashed: StrictBool = Field(
        default=False, description="The column holds hashes of normalised values"
    )
    region: str | None = Field(
        default=None, pattern="^[A-Z]{2}$", description="Country of phone numbers without a prefix"
    )


Column = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[IdentifierColumn, Tag("<other>")], Discriminator(is_text)
]
"""The name of a column, or the column with what is known about its values."""


class Audience(Model):
    """The profiles that meet a definition now."""

    source: str
    query: Query
    profile_key: str
    identifiers: dict[str, Column] = Field(min_length=1)
    variables: dict[str, str] = Field(default_factory=dict)
    consent: str | None = Field(default=None, description="Boolean column; false or null = left out, counted")
    watermark: Watermarked | None = Field(
        default=None,
        description="Column that grows when a row changes: a sync reads what is at or above the highest value that was read",
    )
    member: str | None = Field(
        default=None,
        description="With a watermark: boolean column; only true meets the definition, and whoever it is not true of leaves",
    )
    deleted: str | None = Field(
        default=None, description="With a watermark: boolean column; true = the profile is gone, and leaves"
    )
    reconcile: Reconcile | None = Field(
        default=None, description="With a watermark: how often everything is read (default: every 1d)"
    )
    description: str | None = None
    labels: Labels = Field(default_factory=dict)
    owner: Owner | None = None
    protected: Protected = False
    enabled: StrictBool = True

    @property
    def sql(self) -> str:
        """Its SQL: a loaded project holds the text, whatever the query was given as."""
        match self.query:
            case str() as text:
                return text
            case QueryFile(file=file):
                return file
            case DbtModel(dbt_model=model):
                return model


ADOPT = "adopt"
"""The key of a `destination` that takes over an existing object by its name or id, instead of creating one."""

OnDelete = Literal["keep", "freeze", "remove_members", "delete_destination"]


class Binding(Model):
    """Audience -> connector. `destination` is checked against the type's manifest."""

    audience: str
    connector: str
    destination: dict[str, Any] = Field(
        description="Attributes of the object that is filled, or `{adopt: NAME OR ID}` for one that exists"
    )
    on_delete: OnDelete
    signals: tuple[Signal, ...] | None = Field(
        default=None, description="Default: all that the connector type supports"
    )
    identifiers: tuple[str, ...] | None = Field(
        default=None, description="Default: all that audience and type have in common"
    )
    variables: tuple[str, ...] | None = Field(
        default=None, description="Default: all of the audience's, where the type has variables"
    )
    guards: Guards = Guards()
    schedule: Scheduled | None = Field(
        default=None, description="When `audiform sync --watch` sends it (default: the environment's)"
    )
    description: str | None = None
    labels: Labels = Field(default_factory=dict)
    owner: Owner | None = None
    protected: Protected = False
    enabled: StrictBool = True


class Import(Model):
    """Takes an object that exists at a platform into the state, as the destination of a binding."""

    to: str = Field(description="The binding, such as `binding.lapsed_on_ads`; it must be declared")
    id: str | StrictInt = Field(
        description="The object's id at the platform, or its exact name; `audiform destinations CONNECTOR` lists them"
    )
    environments: tuple[str, ...] | None = Field(
        default=None, description="Environments in which it is imported (default: all)"
    )


class Moved(Model):
    """Says that a resource has another name from now on: its record and its people go along."""

    from_: str = Field(alias="from", description="The address that it had")
    to: str = Field(description="The address that it has now")


class Removed(Model):
    """Says how a resource ends that is declared no more."""

    from_: str = Field(alias="from", description="The address that it had")
    on_delete: OnDelete | None = Field(
        default=None,
        description="Of a binding: what becomes of its destination and its people; required there",
    )


class State(Model):
    """Where state, ledger, journal, lock and statistics live."""

    url: str = Field(
        default="file:.audiform",
        examples=["file:.audiform", "postgresql://db.example.com/audiform", "s3://bucket/prefix"],
        description="A folder, a database or a bucket; may be a template, and holds no password",
    )


class EventLogPlace(Model):
    """Where events are kept until they are delivered, and for some time after."""

    url: str | None = Field(
        default=None,
        pattern="^(nats|kafka)://[^/@]+/[^/]+$",
        description="Servers of NATS and a stream there, or brokers of Kafka and a topic, for more than one machine "
        "(default: a file beside the state)",
        examples=[
            "nats://nats1.example.com:4222,nats2.example.com:4222/SHOP",
            "kafka://broker1.example.com:9093,broker2.example.com:9093/shop-events",
        ],
    )
    credentials: dict[Literal["user", "password"], CheckedSecretReference] = Field(
        default_factory=dict[Literal["user", "password"], CheckedSecretReference],
        description="How the servers are reached",
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="PLAIN", description="How Kafka is proved `user` and `password`"
    )
    max_age: Duration = Field(default="7d", description="How long delivered events are kept, for replay")
    max_bytes: StrictInt = Field(
        default=10_737_418_240, ge=1_000_000, description="Room for all events; nothing is taken in beyond it"
    )


class Policy(Model):
    """What a project allows."""

    allowed_hosts: tuple[str, ...] = Field(default=(), description="Hosts that a URL in a setting may name")
    custom_connectors: Literal["signed", "allowed", "forbidden"] | None = Field(
        default=None,
        description="Which of the project's own connector types are used (default: `signed` in protected environments, "
        "else `allowed`)",
    )
    trusted_keys: tuple[Annotated[str, Field(pattern="^ed25519:")], ...] = Field(
        default=(), description="Public keys whose signatures of connector types are good"
    )
    switched_off: dict[str, Annotated[str, Field(min_length=1)]] = Field(
        default_factory=dict,
        description="Built-in policy -> why it is not looked at; each plan says so",
        examples=[{"consent_required": "The shop holds only people who agreed"}],
    )


class ProjectFile(Model):
    """`audiform.yaml`."""

    project: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    requires: str | None = Field(default=None, examples=[">=0.1"])
    state: State = State()
    event_log: EventLogPlace = EventLogPlace()
    memory_limit: Annotated[str, Field(pattern=PATTERN, examples=["2GB"])] | None = Field(
        default=None,
        description="Most memory that a command takes; the rest goes to disk (default 1GB; `--memory-limit` wins)",
    )
    default_environment: str | None = None
    policy: Policy = Policy()
    engine: Engine = Engine()


class EnvironmentFile(Model):
    """`environments/<name>.yaml`."""

    values: dict[str, Any] = Field(default_factory=dict)
    overrides: dict[str, dict[str, dict[str, Any]]] = Field(
        default_factory=dict, description="section -> name -> fields to merge"
    )
    guards: Guards = Guards()
    schedule: Scheduled | None = Field(
        default=None, description="When `audiform sync --watch` sends bindings that do not say it themselves"
    )
    protected: StrictBool = False
    engine: Engine | None = Field(default=None, description="Instead of the project's")
    description: str | None = None


class ExpectedCall(Model):
    """A request that must be sent. What is not given is not compared."""

    method: str | None = Field(None, examples=["POST"])
    url: str | None = None
    body: Any = Field(None, description="As JSON; identifiers as they are sent, hashed where the type hashes")


People = Annotated[
    Annotated[StrictInt, Field(ge=0), Tag("<other>")] | Annotated[Literal["unknown"], Tag("<text>")],
    Discriminator(is_text),
]
"""A number of people, or that nobody knows it."""


class GivenField(Model):
    """A field of a resource before and after."""

    before: Any = None
    after: Any = None


class GivenChange(Model):
    """A change of a plan, for a test of a policy. What is not given is nothing."""

    address: str = Field(pattern=r"^[a-z_]+\..+$", examples=["binding.lapsed_on_ads"])
    action: Literal["create", "update", "replace", "delete", "forget", "sync"] = "update"
    fields: dict[str, GivenField] = Field(default_factory=dict, description="Path -> before and after")
    adds: People = 0
    removes: People = 0
    modifies: People = 0
    members_before: People = 0
    labels: Labels = Field(default_factory=dict)
    owner: Owner | None = None


class Expectation(Model):
    """What must come of a test's rows. What is not given is not compared."""

    members: tuple[StrictInt | str, ...] | None = Field(None, description="Profile keys, in any order")
    left_out: dict[str, StrictInt] | None = Field(
        None, description="Reason -> profiles, such as {no_consent: 1, invalid_identifier: 2}; all of them"
    )
    requests: tuple[ExpectedCall, ...] | None = Field(
        None, description="All requests of a first sync, or of the events, in order"
    )
    not_sent: dict[str, StrictInt] | None = Field(
        None, description="Reason -> events, such as {filtered: 1, no_consent: 1}; all of them"
    )
    denied: tuple[str, ...] | None = Field(
        None, description="Addresses that the policy denies, or `plan`; all of them, in any order"
    )
    warned: tuple[str, ...] | None = Field(None, description="As `denied`, of what it warns of")


class ProjectTest(Model):
    """A test case of the project, offline.

    Given rows, who shall be a member, who is left out, what is sent; or given resources and changes, what a policy denies.
    """

    audience: str | None = Field(
        None, description="The audience to test; or `binding`, `event_connector` or `policy`"
    )
    binding: str | None = Field(None, description="The binding to test, with its audience and connector type")
    event_connector: str | None = Field(None, description="The event connector to test, with `events`")
    events: tuple[dict[str, Any], ...] = Field(
        default=(),
        description="Events: name, type, user_id, properties, ...; what one does not say has a default",
    )
    policy: str | None = Field(
        None, description="The policy to test, as if in an environment that it is for; a built-in one too"
    )
    resources: dict[str, dict[str, dict[str, Any]]] = Field(
        default_factory=dict,
        description="Section -> name -> body that the policy is asked of; of a resource that the project has, what differs",
    )
    changes: tuple[GivenChange, ...] = Field(default=(), description="The plan that the policy is asked of")
    given: dict[str, tuple[dict[str, Any], ...]] = Field(
        default_factory=dict, description="Table of the audience's source -> rows instead of its own"
    )
    destination_id: str = Field("test", description="The destination's id in URLs, where a type makes it")
    expect: Expectation
    description: str | None = None
