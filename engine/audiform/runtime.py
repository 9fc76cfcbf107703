"""What a command works with: the project, the catalogue, the recorded state and the way out, made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from audiform.client import ConnectorClient
from audiform.config.project import Project
from audiform.config.secrets import resolve
from audiform.connectors.catalog import Catalog
from audiform.state.ledger import Ledger
from audiform.state.store import StateStore
from audiform.transport import Transport


def utc_now() -> datetime:
    """Return the present time, the clock of every real run."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Runtime:
    """One project in one environment. `client` gives one client per connector, so that its limits hold for all."""

    project: Project
    catalog: Catalog
    store: StateStore
    ledger: Ledger
    transport: Transport
    clock: Callable[[], datetime] = utc_now
    _clients: dict[str, ConnectorClient] = field(default_factory=dict[str, ConnectorClient])

    def client(self, name: str) -> ConnectorClient:
        """Return the client of the connector `name`; its secrets are resolved when a request is sent."""
        if name not in self._clients:
            connector = self.project.connectors[name]
            kind = self.catalog.get(connector.type).configured(connector.settings)
            self._clients[name] = ConnectorClient(
                kind,
                connector.settings,
                lambda credential: resolve(connector.credentials[credential], self.project.root),
                self.transport,
                endpoint=connector.endpoint,
            )
        return self._clients[name]
