"""What a command works with: the project, the catalogue, the recorded state and the way out, made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from audiform.client import ConnectorClient
from audiform.config.kinds import Connector
from audiform.config.project import Project
from audiform.config.secret_references import SecretReference
from audiform.connectors.catalog import Catalog
from audiform.diagnostics import DiagnosticError
from audiform.hashing import canonical
from audiform.marker import marker
from audiform.memory import Memory
from audiform.secret_stores.stores import SecretStores
from audiform.state.ledger import Ledger
from audiform.state.store import StateStore
from audiform.transport import Transport
from audiform.wire import Timing


def utc_now() -> datetime:
    """Return the present time, the clock of every real run."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Runtime:
    """One project in one environment. Clients and secrets are kept for the life of the command only.

    The same connector has one client, so that its limits hold for all that is sent through it. `memory` is the ledger's too.
    """

    project: Project
    catalog: Catalog
    store: StateStore
    ledger: Ledger
    transport: Transport
    clock: Callable[[], datetime] = utc_now
    timing: Timing = field(default_factory=Timing, repr=False)
    memory: Memory = field(default_factory=Memory)
    _clients: dict[str, ConnectorClient] = field(default_factory=dict[str, ConnectorClient], repr=False)
    _secrets: dict[SecretReference, str] = field(default_factory=dict[SecretReference, str], repr=False)
    _stores: SecretStores = field(default_factory=SecretStores, repr=False)

    def client(self, name: str) -> ConnectorClient:
        """Return the client of the project's connector `name`; its secrets are resolved when a request is sent.

        Raises:
            DiagnosticError: its type is not in the catalogue or is wrong.
        """
        return self._client(name, self.project.connectors[name])

    def recorded_client(self, name: str, body: Mapping[str, Any]) -> ConnectorClient:
        """Return a client for what was made with the connector that a record's `body` describes.

        Type and settings are the recorded ones: they say where the objects are. Credentials and endpoint are
        the project's where it still has the connector: they say how to get there today.

        Raises:
            DiagnosticError: as for `client`.
        """
        recorded = Connector.model_validate(
            {key: body[key] for key in ("type", "settings", "credentials", "endpoint")}
        )
        present = self.project.connectors.get(name)
        if present is None or present.type != recorded.type:
            return self._client(name, recorded)
        return self._client(name, present.model_copy(update={"settings": recorded.settings}))

    def scope(self, binding: str, lineage: str, destination: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the templates of a destination's operations may name.

        `destination`: its attributes, with the marker where the platform has a field for it, and its `id` once
        it exists. `lineage`: the state's.
        """
        project, environment = self.project.name, self.project.environment.name
        return {
            "project": project,
            "environment": environment,
            "binding": binding,
            "marker": marker(project, environment, binding, lineage),
            "destination": dict(destination),
        }

    def secret_digests(self, name: str) -> dict[str, str]:
        """Return credential -> keyed digest, of those of the project's connector `name` that can be resolved."""
        return self.digests(self.project.connectors[name].credentials)

    def digests(self, references: Mapping[str, SecretReference]) -> dict[str, str]:
        """Return name -> keyed digest, of those secrets that can be resolved."""
        found: dict[str, str] = {}
        for credential, reference in references.items():
            try:
                found[credential] = self.store.secret_digest(self._secret(reference))
            except DiagnosticError:
                # A review without access to the secrets still plans; whoever sends gets the message.
                continue
        return {credential: digest for credential, digest in found.items() if digest}

    def _client(self, name: str, connector: Connector) -> ConnectorClient:
        key = f"{name} {connector.type} {connector.endpoint} {canonical(connector.settings)}"
        if key not in self._clients:
            self._clients[key] = ConnectorClient(
                self.catalog.get(connector.type).configured(connector.settings),
                connector.settings,
                lambda credential: self._secret(connector.credentials[credential]),
                self.transport,
                endpoint=connector.endpoint,
                timing=replace(self.timing, clock=self.clock),
            )
        return self._clients[key]

    def _secret(self, reference: SecretReference) -> str:
        """Resolve a reference once: a password manager's command may ask a person, and takes its time."""
        if reference not in self._secrets:
            self._secrets[reference] = self._stores.resolve(reference, self.project.root)
        return self._secrets[reference]
