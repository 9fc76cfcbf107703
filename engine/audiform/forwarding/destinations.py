"""From an event connector as it was applied to where its worker sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from audiform.config.event_kinds import EventConnector
from audiform.config.secret_references import SecretReference
from audiform.connectors.catalog import Catalog
from audiform.connectors.events.fields import Deduplication
from audiform.diagnostics import DiagnosticError
from audiform.event_client import sender_of
from audiform.events.recorded import connector_of_record
from audiform.events.routing import UncompilableError, compile_route
from audiform.forwarding.destination import Destination
from audiform.plan.guard import seconds
from audiform.transport import Transport
from audiform.wire import Timing


class NotStartedError(Exception):
    """A connector cannot send as it was applied; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Makers:
    """What destinations are made of. Secrets are resolved when a connector starts, never kept elsewhere."""

    catalog: Catalog
    transport: Transport
    secret: Callable[[SecretReference], str]
    timing: Timing

    def destination(self, name: str, body: Mapping[str, Any]) -> Destination:
        """Return where the connector of a record sends.

        Raises:
            NotStartedError: its type, its map or a secret of it is not there.
        """
        try:
            return self._made(name, connector_of_record(body))
        except DiagnosticError as error:
            raise NotStartedError(error.diagnostics[0].detail) from None
        except UncompilableError as error:
            raise NotStartedError(str(error)) from None

    def _made(self, name: str, connector: EventConnector) -> Destination:
        kind = self.catalog.get(connector.type)
        secrets = {key: self.secret(reference) for key, reference in connector.credentials.items()}
        route = compile_route(name, connector, kind, self.timing.clock)
        sender = sender_of(connector, kind, secrets.__getitem__, self.transport, self.timing)
        return Destination(
            name,
            route,
            sender,
            window=seconds(connector.retry.window),
            max_seconds=connector.batch.max_seconds,
            deduplicates=isinstance(kind.manifest.deduplication, Deduplication),
        )
