"""What bindings may ask of one configured connector: taken out of its manifest once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from audiform.check.types import IsValid, Opened
from audiform.connectors.catalog import ConnectorType
from audiform.connectors.manifest import SignalOperation
from audiform.connectors.template import references
from audiform.outcome import Signal


@dataclass(frozen=True, slots=True)
class Facts:
    """`hashes`: identifier -> its hash. `needed`: identifiers without which nobody can be sent, one of them or all.

    `kinds`: most kinds of identifier that a request takes; None: any number. `shared_by`: the attribute by which
    two bindings mean one destination; None where each makes its own. `adopts`: an existing one can be taken over.
    """

    type: str
    generic: bool
    sends: frozenset[Signal]
    deletes: bool
    hashes: Mapping[str, str]
    identifying: frozenset[str]
    needed: frozenset[str]
    kinds: int | None
    variables: Literal["none", "fixed", "free"]
    variable_names: frozenset[str]
    most_variables: int | None
    shared_by: str | None
    adopts: bool
    attributes: Mapping[str, Any] = field(repr=False)
    attributes_are_valid: IsValid = field(repr=False)

    def is_enough(self, names: frozenset[str]) -> bool:
        """Whether people known by these identifiers can be sent."""
        return self.needed <= names if self.needed else bool(self.identifying & names)


def facts_of(opened: Opened, kind: ConnectorType) -> Facts:
    """Return the facts of `kind`, which is the opened type with a connector's settings in it."""
    manifest = kind.manifest
    target = manifest.destination
    named = {Signal(name): part for name, part in manifest.signals.items()}
    lookups = {
        part.lookup.identifier
        for part in named.values()
        if isinstance(part, SignalOperation) and part.lookup is not None
    }
    own_key = set[str]() if manifest.identity == "each" else {manifest.identity}
    return Facts(
        type=kind.name,
        generic=opened.generic,
        sends=frozenset(named),
        deletes=target.delete is not None,
        hashes={name: item.hash for name, item in manifest.identifiers.items()},
        identifying=frozenset(name for name, item in manifest.identifiers.items() if item.identifies),
        needed=frozenset(own_key | lookups),
        kinds=manifest.limits.identifier_kinds,
        variables=manifest.variables.allowed,
        variable_names=frozenset(manifest.variables.names),
        most_variables=manifest.variables.max,
        shared_by=target.external or (None if target.marker else "name"),
        adopts=_adopts(kind),
        attributes=target.attributes,
        attributes_are_valid=opened.attributes_are_valid,
    )


def _adopts(kind: ConnectorType) -> bool:
    """Whether an existing object can be looked up, and people sent to it by nothing but its id."""
    target = kind.manifest.destination
    named = {
        name
        for part in kind.manifest.signals.values()
        if isinstance(part, SignalOperation)
        for name in references(part.model_dump())
    }
    attributes = {name for name in named if name.startswith("destination.")} - {"destination.id"}
    return target.external is None and (target.find or target.read) is not None and not attributes
