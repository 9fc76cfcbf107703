"""Whose hands do the work of one delivery, or of one measurement: this process's, or those of a cluster's executors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from audiform.client import ConnectorClient
from audiform.delivery.barred import Barred
from audiform.delivery.compare import Compared, compare
from audiform.delivery.courier import Courier, LocalCourier
from audiform.delivery.people import People
from audiform.delivery.readings import Opened
from audiform.state.ledger import Form, LedgerSession, Part


class Hands(Protocol):
    """Compare, then `prepare` what was found, then send it. Whatever does it, the session's tables are what is staged."""

    def compare(self, key: str | None, barred: Barred) -> tuple[People, Compared]:
        """Read the audience, and find out what separates it from the members of the destination `key`.

        Raises:
            DiagnosticError: source, query or columns are not as the audience says.
        """
        ...

    def prepare(self, sizes: Mapping[Part, int]) -> None:
        """Make the session's table of each part; `sizes`: the rows that are journalled at once, of parts that are sent."""
        ...

    def forms(self, part: Part) -> Mapping[str, Form]:
        """Return how identifiers are kept of a part whose table has them as they are sent."""
        ...

    def courier(self, client: ConnectorClient, scope: Mapping[str, Any]) -> Courier: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class OwnHands:
    """This process: the tables are made while it compares. Without an `audience`, of what comes from the ledger only."""

    session: LedgerSession
    audience: Opened | None = field(default=None, repr=False)

    def compare(self, key: str | None, barred: Barred) -> tuple[People, Compared]:
        """Compare in the session's DuckDB."""
        assert self.audience is not None  # noqa: S101 - who compares has one
        return compare(self.session, self.audience.reading, self.audience.selection, key, barred)

    def prepare(self, sizes: Mapping[Part, int]) -> None:
        """Do nothing: the tables are there."""

    def forms(self, part: Part) -> Mapping[str, Form]:
        """Return the forms of those who come from desired members."""
        arrives = part in (Part.CLAIM, Part.ADD, Part.MODIFY)
        return self.audience.selection.forms if self.audience is not None and arrives else {}

    def courier(self, client: ConnectorClient, scope: Mapping[str, Any]) -> Courier:
        """Return what sends from this process."""
        return LocalCourier(client, self.session, scope)

    def close(self) -> None:
        """Do nothing: what was made goes with the session."""
