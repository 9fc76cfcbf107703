"""What is recorded of a resource: pure functions from the project to the bodies of state records.

Plan compares a new body with the recorded one, apply writes it: the same function makes both, so that
`apply; plan` is empty. A body holds no secret (a reference and a keyed digest), no SQL text (its digest:
a query may name people) and no person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from audiform.address import Address, Kind
from audiform.config.event_kinds import EventConnector, EventSource, EventType, MappedField
from audiform.config.kinds import Audience, Binding, Connector, Guards, IdentifierColumn, Source
from audiform.config.policies import NamedPolicy
from audiform.config.project import Project
from audiform.config.schedule import Schedule, merged
from audiform.config.secret_references import SecretReference
from audiform.hashing import digest_text
from audiform.state.store import Record

PUT_BACK = "inverse:"
"""How the digest of a record begins that is none of a project's."""


def record_of(
    project: Project,
    address: Address,
    *,
    type_digests: Mapping[str, str],
    secret_digests: Mapping[str, str],
    destination_id: str | None = None,
) -> Record:
    """Return the record of the project's resource at `address`, as apply writes it; shapes stand in `prior.py`.

    `type_digests`: connector type -> digest of its folder. `secret_digests`: credential -> keyed digest
    (of this connector's, only those that could be resolved). `destination_id`: the remote id of a binding's destination, None before it exists.

    Raises:
        KeyError: the project has no such resource.
    """
    body = body_of(project, address, type_digests, secret_digests, destination_id)
    return Record(address, project.digests[address], body, protected=project.environment.file.protected)


def put_back(record: Record, entry: str) -> Record:
    """Return the record of a binding whose people an inverse has put back: no sync sends it before the next apply."""
    return replace(record, digest=f"{PUT_BACK}{entry}")


def is_put_back(record: Record | None) -> bool:
    """Whether an inverse was the last that changed the binding."""
    return record is not None and record.digest.startswith(PUT_BACK)


def dependencies_of(project: Project, address: Address) -> tuple[Address, ...]:
    """Return the addresses that the resource names directly."""
    if address.kind is Kind.AUDIENCE and (audience := project.audiences.get(address.name)):
        return (Address(Kind.SOURCE, audience.source),)
    if address.kind is Kind.BINDING and (binding := project.bindings.get(address.name)):
        return (Address(Kind.AUDIENCE, binding.audience), Address(Kind.CONNECTOR, binding.connector))
    if address.kind is Kind.EVENT_CONNECTOR and (events := project.event_connectors.get(address.name)):
        return tuple(Address(Kind.EVENT_SOURCE, source) for source in events.events.sources or ())
    return ()


def secrets_of(resource: Connector | EventConnector | EventSource) -> Mapping[str, SecretReference]:
    """Return the secrets that a resource refers to, by the names under which their digests are recorded."""
    if isinstance(resource, EventSource):
        keys = {f"write_keys.{name}": reference for name, reference in resource.write_keys.items()}
        return {**resource.credentials, **keys}
    return resource.credentials


def effective_guards(project: Project, binding: Binding) -> Guards:
    """Return the binding's guards; what it leaves open is the environment's."""
    return _effective((project.environment.file.guards, binding.guards))[0]


def effective_schedule(project: Project, binding: Binding) -> Schedule | None:
    """Return when the binding is sent by itself; what it leaves open is the environment's."""
    return merged(project.environment.file.schedule, binding.schedule)


def recorded_schedule(project: Project, binding: Binding) -> Mapping[str, Any] | None:
    """Return what is recorded of the schedule: None where there is none, as in records from before there were any."""
    schedule = effective_schedule(project, binding)
    return None if schedule is None else schedule.model_dump(mode="json", exclude_none=True)


@lru_cache
def _effective(both: tuple[Guards, Guards]) -> tuple[Guards, Mapping[str, Any]]:
    """Return the guards, and them as JSON data: thousands of bindings have the same ones."""
    given, own = (guards.model_dump(exclude_none=True) for guards in both)
    guards = Guards.model_validate(given | own)
    return guards, guards.model_dump(mode="json", exclude_none=True)


def body_of(
    project: Project,
    address: Address,
    type_digests: Mapping[str, str],
    secret_digests: Mapping[str, str],
    destination_id: str | None = None,
) -> dict[str, Any]:
    """Return the body of the record that `record_of` returns, where nothing else of it is asked for.

    Raises:
        KeyError: the project has no such resource.
    """
    match project.get(address):
        case Source() as source:
            return _source(source)
        case Connector() as connector:
            return _connector(connector, type_digests, secret_digests)
        case Audience() as audience:
            return _audience(audience)
        case Binding() as binding:
            return _binding(project, binding, destination_id)
        case NamedPolicy() as policy:
            return _policy(policy)
        case EventConnector() as event_connector:
            return _event_connector(event_connector, type_digests, secret_digests)
        case EventSource() as event_source:
            return event_source.model_dump(mode="json") | {
                "secrets": dict(secret_digests),
                "dependencies": [],
            }
        case EventType() as event_type:
            return event_type.model_dump(mode="json", by_alias=True) | {"dependencies": []}
        case None:
            raise KeyError(address)


def _source(source: Source) -> dict[str, Any]:
    body = source.model_dump(mode="json", by_alias=True, exclude={"credentials"})
    # Of a source that has none, nothing is said of them: records from before there were any stay as they are.
    credentials = {
        name: item.model_dump(mode="json", exclude_none=True) for name, item in source.credentials.items()
    }
    return body | ({"credentials": credentials} if credentials else {}) | {"dependencies": []}


def _connector(
    connector: Connector, type_digests: Mapping[str, str], secret_digests: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "type": connector.type,
        "type_digest": type_digests[connector.type],
        "settings": connector.settings,
        "credentials": {
            name: item.model_dump(mode="json", exclude_none=True)
            for name, item in connector.credentials.items()
        },
        "secrets": dict(secret_digests),
        "endpoint": connector.endpoint,
        "description": connector.description,
        "labels": dict(connector.labels),
        "owner": connector.owner,
        "protected": connector.protected,
        "enabled": connector.enabled,
        "dependencies": [],
    }


def _audience(audience: Audience) -> dict[str, Any]:
    return {
        "source": audience.source,
        "query": digest_text(audience.sql),
        "profile_key": audience.profile_key,
        "identifiers": {name: _column(column) for name, column in audience.identifiers.items()},
        "variables": dict(audience.variables),
        "consent": audience.consent,
        **_reading(audience),
        "description": audience.description,
        "labels": dict(audience.labels),
        "owner": audience.owner,
        "protected": audience.protected,
        "enabled": audience.enabled,
        "dependencies": [f"source.{audience.source}"],
    }


def _reading(audience: Audience) -> dict[str, Any]:
    """Return how an audience with a watermark is read; of another one nothing is said, as in records of before."""
    body = audience.model_dump(mode="json", include={"member", "deleted", "reconcile"}, exclude_none=True)
    if audience.watermark is None:
        return body
    if isinstance(audience.watermark, str):
        return {"watermark": {"column": audience.watermark}, **body}
    return {"watermark": audience.watermark.model_dump(mode="json", exclude_none=True), **body}


_PLAIN = IdentifierColumn(column="").model_dump(mode="json")


def _column(column: str | IdentifierColumn) -> dict[str, Any]:
    """Both ways of writing a column mean the same record."""
    return {**_PLAIN, "column": column} if isinstance(column, str) else column.model_dump(mode="json")


def _event_connector(
    connector: EventConnector, type_digests: Mapping[str, str], secret_digests: Mapping[str, str]
) -> dict[str, Any]:
    """Return what is recorded of an event connector; of a `map` only what is said, because most of it is nothing."""
    body = connector.model_dump(mode="json", by_alias=True)
    filled = {
        name: fill.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        if isinstance(fill, MappedField)
        else fill
        for name, fill in connector.map.items()
    }
    return {
        **body,
        "map": filled,
        "type_digest": type_digests[connector.type],
        "secrets": dict(secret_digests),
        "dependencies": [f"event_source.{source}" for source in connector.events.sources or ()],
    }


def _policy(policy: NamedPolicy) -> dict[str, Any]:
    """Return what is recorded of a policy: of what it looks at, only what is given."""
    always = {"labels", "owner", "protected", "enabled"}
    given: dict[str, Any] = policy.model_dump(mode="json", exclude_defaults=True, exclude=always)
    return {
        **given,
        "effect": policy.effect,
        "labels": dict(policy.labels),
        "owner": policy.owner,
        "protected": policy.protected,
        "enabled": policy.enabled,
        "dependencies": [],
    }


def _binding(project: Project, binding: Binding, destination_id: str | None) -> dict[str, Any]:
    schedule = recorded_schedule(project, binding)
    return {
        "audience": binding.audience,
        "connector": binding.connector,
        "destination": dict(binding.destination),
        "destination_id": destination_id,
        "signals": None if binding.signals is None else list(binding.signals),
        "identifiers": None if binding.identifiers is None else list(binding.identifiers),
        "variables": None if binding.variables is None else list(binding.variables),
        "guards": dict(_effective((project.environment.file.guards, binding.guards))[1]),
        **({"schedule": schedule} if schedule else {}),
        "on_delete": binding.on_delete,
        "description": binding.description,
        "labels": dict(binding.labels),
        "owner": binding.owner,
        "protected": binding.protected,
        "enabled": binding.enabled,
        "dependencies": [f"audience.{binding.audience}", f"connector.{binding.connector}"],
    }
