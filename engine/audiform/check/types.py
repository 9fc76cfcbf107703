"""Connector types as a check needs them: opened once, their schemas compiled once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.connectors.manifest import FromSetting, Manifest
from audiform.diagnostics import Diagnostic, DiagnosticError

IsValid = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Opened:
    """One type. `generic`: a part of it is taken from each connector's settings."""

    kind: ConnectorType
    generic: bool
    settings_are_valid: IsValid = field(repr=False)
    attributes_are_valid: IsValid = field(repr=False)


@dataclass(slots=True)
class Types:
    """The types of a project. What is wrong with one is told once, to the first connector that asks."""

    catalog: Catalog
    _opened: dict[str, Opened | None] = field(default_factory=dict[str, "Opened | None"], repr=False)

    def open(self, name: str) -> tuple[Opened | None, tuple[Diagnostic, ...]]:
        """Return the type, or None and why it cannot be used."""
        if name in self._opened:
            return self._opened[name], ()
        try:
            kind = self.catalog.get(name)
        except DiagnosticError as error:
            if all(item.location is not None for item in error.diagnostics):
                self._opened[name] = None
            return None, error.diagnostics
        self._opened[name] = _opened(kind)
        return self._opened[name], ()


def validator(schema: Any) -> IsValid:
    """Return the function that decides fast whether a value is what a JSON Schema says."""
    import jsonschema_rs

    return jsonschema_rs.validator_for(schema).is_valid


def _opened(kind: ConnectorType) -> Opened:
    manifest = kind.manifest
    return Opened(
        kind, _is_generic(manifest), validator(manifest.settings), validator(manifest.destination.attributes)
    )


def _is_generic(manifest: Manifest) -> bool:
    parts = (manifest.auth, *manifest.signals.values())
    return (
        bool(manifest.from_settings)
        or manifest.identity.startswith("from_setting:")
        or any(isinstance(part, FromSetting) for part in parts)
    )
