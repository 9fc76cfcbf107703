"""One recognised request together with whom it is asked of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audiform.connectors.catalog import ConnectorType
from audiform.connectors.manifest import Manifest
from audiform.sandbox.routes import Match
from audiform.sandbox.wire import Call
from audiform.sandbox.world import Account


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of one service. `polls`: how often a job that it starts is still running when asked about."""

    connector_type: ConnectorType
    account: Account
    match: Match = field(repr=False)
    call: Call
    polls: int = 0

    @property
    def manifest(self) -> Manifest:
        """The type's manifest."""
        return self.connector_type.manifest

    @property
    def found(self) -> Mapping[str, Any]:
        """What the request says: dotted reference -> value."""
        return self.match.found
