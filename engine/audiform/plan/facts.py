"""What planning has to know of a connector type: a few facts of its manifest, taken out once per connector."""

from __future__ import annotations

from dataclasses import dataclass

from audiform.connectors.catalog import ConnectorType
from audiform.outcome import Signal


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """`fixed`: destination attributes that cannot change once it exists. `sends`: the signals it can carry.

    `updates`: an existing destination's attributes can be written. `secret_settings`: never shown.
    """

    title: str
    digest: str
    fixed: frozenset[str]
    updates: bool
    sends: frozenset[Signal]
    variables: bool
    secret_settings: frozenset[str] = frozenset()


def facts_of(kind: ConnectorType) -> TypeFacts:
    """Return the facts of a configured connector type."""
    target, able = kind.manifest.destination, kind.capabilities
    named = {Signal.ADD: able.add, Signal.REMOVE: able.remove, Signal.MODIFY: able.modify}
    return TypeFacts(
        title=kind.manifest.title,
        digest=kind.digest,
        fixed=frozenset(target.read_only) | ({target.external} if target.external else frozenset()),
        updates=able.update,
        sends=frozenset(signal for signal, can in named.items() if can),
        variables=able.variables,
        secret_settings=frozenset(_secret(kind)),
    )


def _secret(kind: ConnectorType) -> list[str]:
    properties = kind.manifest.settings.get("properties", {})
    return [name for name, schema in properties.items() if isinstance(schema, dict) and schema.get("writeOnly")]
