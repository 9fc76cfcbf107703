"""Which services a sandbox offers, and how a project's connectors reach them."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.config.event_kinds import EventConnector
from audiform.config.kinds import Connector
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.connectors.manifest import FromSetting, Manifest


def offered(catalog: Catalog, project: Project | None = None) -> dict[str, ConnectorType]:
    """Return service name -> connector type: every type under its own name.

    A generic type is what its settings make of it, so it is served per connector of `project` instead,
    under the connector's name.

    Raises:
        DiagnosticError: a manifest or a connector's settings are wrong.
    """
    types = {name: catalog.get(name) for name in catalog.names()}
    found = {name: kind for name, kind in types.items() if not is_generic(kind.manifest)}
    if project is not None:
        configured: dict[str, Connector | EventConnector] = {**project.event_connectors, **project.connectors}
        for name, connector in configured.items():
            kind = types[connector.type]
            if is_generic(kind.manifest):
                found[name] = kind.configured(connector.settings)
    return found


def endpoints(
    catalog: Catalog, connectors: Mapping[str, Connector | EventConnector], url: str
) -> dict[str, str]:
    """Return connector -> the endpoint that leads it to the sandbox at `url`."""
    found: dict[str, str] = {}
    for name, connector in connectors.items():
        generic = is_generic(catalog.get(connector.type).manifest)
        found[name] = f"{url}/{name if generic else connector.type}"
    return found


def overrides_text(catalog: Catalog, project: Project, url: str) -> str:
    """Return the YAML for an environment's file that leads its connectors to the sandbox at `url`."""
    lines = ["overrides:"]
    for section, connectors in (
        ("connectors", project.connectors),
        ("event_connectors", project.event_connectors),
    ):
        found = endpoints(catalog, connectors, url)
        lines += [f"  {section}:"] if found else []
        lines += [f'    {name}: {{endpoint: "{endpoint}"}}' for name, endpoint in found.items()]
    return "\n".join(lines)


def is_generic(manifest: Manifest) -> bool:
    """Whether a part of the type is taken from the settings of each connector."""
    parts = (manifest.auth, *manifest.signals.values())
    return any(isinstance(part, FromSetting) for part in parts) or manifest.identity.startswith(
        "from_setting:"
    )
