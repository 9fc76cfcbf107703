"""The project as a value: what `load` returns and what every later layer reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from audiform.address import Address, Kind
from audiform.config.dbt import BuiltModel
from audiform.config.engine import Engine
from audiform.config.event_kinds import EventConnector, EventSource, EventType
from audiform.config.evolution import Evolution
from audiform.config.kinds import (
    Audience,
    Binding,
    Connector,
    EnvironmentFile,
    EventLogPlace,
    Policy,
    Source,
    State,
)
from audiform.config.policies import NamedPolicy

Resource = Source | Connector | Audience | Binding | NamedPolicy | EventSource | EventType | EventConnector
"""What a project declares, of any kind."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A named set of values and overrides; `name` is `default` where the project has no environments."""

    name: str
    file: EnvironmentFile


@dataclass(frozen=True, slots=True)
class Project:
    """A rendered and checked project. Maps are by resource name; `enabled: false` resources are in them.

    An audience's `query` is always the SQL text here (a `{file: ...}` is already read and rendered, a `{dbt_model: ...}`
    found in its manifest); `built` says of those that are dbt's where and when it was built.
    `digests` has one content digest per resource, over its rendered body (and SQL), never over a secret.
    `query_files` are those that SQL was read from. `evolution` is what `imports`, `moved` and `removed` say.
    """

    root: Path
    name: str
    environment: Environment
    state: State
    policy: Policy
    sources: Mapping[str, Source]
    connectors: Mapping[str, Connector]
    audiences: Mapping[str, Audience]
    bindings: Mapping[str, Binding]
    digests: Mapping[Address, str]
    query_files: frozenset[str] = field(default=frozenset(), compare=False)
    evolution: Evolution = field(default_factory=Evolution)
    policies: Mapping[str, NamedPolicy] = field(default_factory=dict[str, NamedPolicy])
    event_sources: Mapping[str, EventSource] = field(default_factory=dict[str, EventSource])
    event_types: Mapping[str, EventType] = field(default_factory=dict[str, EventType])
    event_connectors: Mapping[str, EventConnector] = field(default_factory=dict[str, EventConnector])
    event_log: EventLogPlace = field(default_factory=EventLogPlace)
    memory_limit: str | None = None
    built: Mapping[str, BuiltModel] = field(default_factory=dict[str, BuiltModel], compare=False)
    engine: Engine = field(default_factory=Engine)

    def get(self, address: Address) -> Resource | None:
        """Return the resource at `address`, or None."""
        match address.kind:
            case Kind.SOURCE:
                return self.sources.get(address.name)
            case Kind.CONNECTOR:
                return self.connectors.get(address.name)
            case Kind.AUDIENCE:
                return self.audiences.get(address.name)
            case Kind.BINDING:
                return self.bindings.get(address.name)
            case Kind.POLICY:
                return self.policies.get(address.name)
            case Kind.EVENT_SOURCE:
                return self.event_sources.get(address.name)
            case Kind.EVENT_TYPE:
                return self.event_types.get(address.name)
            case Kind.EVENT_CONNECTOR:
                return self.event_connectors.get(address.name)
