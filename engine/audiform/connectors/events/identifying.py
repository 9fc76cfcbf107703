"""The fields of an event by which a person is found, as the identifiers that they are."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.connectors.events.fields import EventField
from audiform.connectors.manifest import Identifier, Manifest


def identifier_of(name: str, field: EventField) -> Identifier:
    """Return how a field is normalised, checked and hashed."""
    return Identifier(
        field=name,
        normalize=field.normalize,
        valid=field.valid,
        hash=field.hash,
        encoding=field.encoding,
        description=field.description,
    )


def identifiers_of(manifest: Manifest) -> Mapping[str, Identifier]:
    """Return the identifiers of a type: those of a manifest of people, or fields of one of events."""
    found = {name: identifier_of(name, field) for name, field in manifest.fields.items() if field.identifies}
    return {**manifest.identifiers, **found}
