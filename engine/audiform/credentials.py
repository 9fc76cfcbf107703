"""Asks platforms whether a project's credentials work, with the harmless request that a manifest names for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from audiform.address import Kind
from audiform.client import ConnectorClient
from audiform.config.event_kinds import EventConnector
from audiform.config.kinds import Connector
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.diagnostics import DiagnosticError
from audiform.outcome import Category
from audiform.secret_stores.stores import SecretStores
from audiform.transport import Transport
from audiform.wire import RetryPolicy, Timing

_POLICY = RetryPolicy(attempts=2, longest_wait=10)
"""Somebody waits in front of a terminal."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of it. `resolved`: the secrets are there, and the type has no request that could tell more."""

    connector: str
    type: str
    status: Literal["works", "resolved", "failed"]
    category: Category | None = None
    message: str = ""
    remedy: str = ""


def checkable(project: Project) -> Mapping[str, Connector | EventConnector]:
    """Return all that has credentials of a platform, by the names that a user may give."""
    named = {f"{Kind.EVENT_CONNECTOR}.{name}": item for name, item in project.event_connectors.items()}
    return {**named, **project.event_connectors, **project.connectors}


async def check_credentials(
    project: Project, catalog: Catalog, name: str, transport: Transport, timing: Timing | None = None
) -> Checked:
    """Return whether the credentials of the connector or event connector `name` work; nothing is changed there.

    Where both have the name, that of the connector's; `event_connector.NAME` is always the other.

    Raises:
        DiagnosticError: its type cannot be used.
    """
    connector, stores = checkable(project)[name], SecretStores()
    kind = catalog.get(connector.type).configured(connector.settings)
    try:
        secrets = {
            credential: stores.resolve(reference, project.root)
            for credential, reference in connector.credentials.items()
        }
    except DiagnosticError as error:
        detail = error.diagnostics[0].detail
        return Checked(name, connector.type, "failed", Category.INVALID_CREDENTIALS, detail)
    if kind.manifest.check is None:
        return Checked(name, connector.type, "resolved")
    client = ConnectorClient(
        kind,
        connector.settings,
        secrets.__getitem__,
        transport,
        endpoint=connector.endpoint,
        timing=timing or Timing(),
        policy=_POLICY,
    )
    outcome = await client.call(kind.manifest.check, {})
    if outcome.ok:
        return Checked(name, connector.type, "works")
    return Checked(name, connector.type, "failed", outcome.category, outcome.message, outcome.remedy)
