"""What planning has to know of a connector type: a few facts of its manifest, taken out once per connector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audiform.config.kinds import ADOPT
from audiform.connectors.catalog import ConnectorType
from audiform.connectors.template import references
from audiform.outcome import Signal


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """`fixed`: destination attributes that cannot change once it exists. `sends`: the signals it can carry.

    `updates`: an existing destination's attributes can be written. `locating`: settings that say where
    destinations are (an account's id in the path of `create`): with another value they are other objects.
    `secret_settings`: never shown.
    """

    title: str
    digest: str
    fixed: frozenset[str]
    updates: bool
    sends: frozenset[Signal]
    variables: bool
    locating: frozenset[str] = frozenset()
    secret_settings: frozenset[str] = frozenset()


def facts_of(kind: ConnectorType) -> TypeFacts:
    """Return the facts of a configured connector type."""
    target, able = kind.manifest.destination, kind.capabilities
    named = {Signal.ADD: able.add, Signal.REMOVE: able.remove, Signal.MODIFY: able.modify}
    own_id: set[str] = {target.external} if target.external else set()
    return TypeFacts(
        title=kind.manifest.title,
        digest=kind.digest,
        fixed=frozenset(target.read_only) | own_id | {ADOPT},
        updates=able.update,
        sends=frozenset(signal for signal, can in named.items() if can),
        variables=able.variables,
        locating=frozenset(_locating(kind)),
        secret_settings=frozenset(_secret(kind)),
    )


def _locating(kind: ConnectorType) -> list[str]:
    create = kind.manifest.destination.create
    named = references(create.request.path) if create else frozenset[str]()
    return [name.split(".")[1] for name in named if name.startswith("settings.")]


def _secret(kind: ConnectorType) -> list[str]:
    properties: Mapping[str, Any] = kind.manifest.settings.get("properties", {})
    return [name for name, schema in properties.items() if schema is not True and schema.get("writeOnly")]
