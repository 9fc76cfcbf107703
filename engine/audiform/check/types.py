"""Connector types as a check needs them: opened once, their schemas compiled once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.connectors.manifest import FromSetting, Manifest
from audiform.diagnostics import Diagnostic, DiagnosticError, Location

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
            self._opened[name] = _opened(self.catalog.get(name))
        except DiagnosticError as error:
            if all(item.location is not None for item in error.diagnostics):
                self._opened[name] = None
            return None, error.diagnostics
        return self._opened[name], ()

    def known(self, name: str) -> Opened | None:
        """Return the type if it was opened, and is right."""
        return self._opened.get(name)


def validator(schema: Any) -> IsValid:
    """Return the function that decides fast whether a value is what a JSON Schema says.

    Raises:
        ValueError: it is no JSON Schema, or refers to another document: nothing is fetched.
    """
    import jsonschema_rs

    return jsonschema_rs.validator_for(schema, retriever=_nowhere).is_valid


def _nowhere(url: str) -> Any:
    raise ValueError(f"`{url}` is another document, and none is fetched")


def _opened(kind: ConnectorType) -> Opened:
    manifest = kind.manifest
    return Opened(
        kind,
        _is_generic(manifest),
        _compiled(kind.name, "settings", manifest.settings),
        _compiled(kind.name, "destination.attributes", manifest.destination.attributes),
    )


def _compiled(name: str, where: str, schema: Any) -> IsValid:
    try:
        return validator(schema)
    except ValueError as error:
        what = str(error).split("\n", 1)[0].rstrip(".")
        text = f"`{where}` of the connector type `{name}` is no JSON Schema that can be used: {what}."
        location = Location(f"connectors/{name}/manifest.yaml", 1, 1)
        raise DiagnosticError([Diagnostic("invalid-manifest", text, location=location)]) from None


def _is_generic(manifest: Manifest) -> bool:
    parts = (manifest.auth, *manifest.signals.values())
    return (
        bool(manifest.from_settings)
        or manifest.identity.startswith("from_setting:")
        or any(isinstance(part, FromSetting) for part in parts)
    )
