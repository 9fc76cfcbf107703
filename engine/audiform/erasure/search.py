"""Finds every destination that received a person, as the ledger knows it: those of bindings that are gone as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiform.address import Address, Kind, parse_address
from audiform.client import ConnectorClient
from audiform.connectors.manifest import SignalOperation
from audiform.diagnostics import DiagnosticError
from audiform.erasure.report import Place, Way
from audiform.runtime import Runtime
from audiform.state.ledger import LedgerSession, SentKey, destination_key
from audiform.state.naming import column_of, keep_wanted, named_by
from audiform.state.store import HistoryEntry, Record, StateReader

WANTED = "audiform.person"


@dataclass(frozen=True, slots=True)
class AddressBook:
    """How destinations are reached. `bindings`: by destination and name; `connectors`: bodies by name."""

    bindings: Mapping[str, Mapping[str, Record]]
    connectors: Mapping[str, Mapping[str, Any]] = field(repr=False)

    def find(self, key: str, binding: str) -> tuple[Record, Mapping[str, Any]] | None:
        """Return a record of the binding at this destination, and its connector's body; None where nobody knows."""
        known = self.bindings.get(key, {})
        record = known.get(binding) or next(iter(known.values()), None)
        connector = None if record is None else self.connectors.get(record.body["connector"])
        if record is None or connector is None:
            return None
        # The ledger knows the members by the binding's name, also where another record says where they are.
        return Record(Address(Kind.BINDING, binding), record.digest, record.body, record.protected), connector


def address_book(store: StateReader) -> AddressBook:
    """Return how all destinations are reached that are recorded, or were when something was last changed."""
    bindings: dict[str, dict[str, Record]] = {}
    connectors: dict[str, Mapping[str, Any]] = {}
    recorded = store.read().records.values()
    for record in (*recorded, *_remembered(store.history())):
        if record.address.kind is Kind.CONNECTOR:
            connectors.setdefault(record.address.name, record.body)
        elif record.address.kind is Kind.BINDING and record.body["destination_id"] is not None:
            key = destination_key(record.body["connector"], record.body["destination_id"])
            bindings.setdefault(key, {}).setdefault(record.address.name, record)
    return AddressBook(bindings, connectors)


def search(runtime: Runtime, keys: Sequence[SentKey]) -> tuple[Place, ...]:
    """Return the places of the person whom the keys name. Nothing is changed."""
    book = address_book(runtime.store)
    session = runtime.ledger.open(write=False)
    try:
        kept = [(column_of(key), session.kept(key)) for key in keys]
        keep_wanted(session.connection, kept, WANTED)
        destinations = dict.fromkeys([*runtime.ledger.destinations(), *book.bindings])
        found = [
            place
            for key in destinations
            if session.traces(key, keys)
            for place in _places(runtime, session, book, key)
        ]
        return tuple(sorted(found, key=lambda place: (place.binding, place.destination_key)))
    finally:
        session.close()


def _places(runtime: Runtime, session: LedgerSession, book: AddressBook, key: str) -> Iterator[Place]:
    members = session.members(key)
    condition = named_by((form.key(identifier) for form, identifier in session.columns(key)), WANTED)
    rows = session.connection.execute(
        f"SELECT binding, count(*) FROM {members} WHERE {condition or 'false'} GROUP BY binding ORDER BY binding"
    ).fetchall()
    for binding, count in rows:
        yield _place(runtime, book, key, binding, count)
    if not rows:
        names = sorted(book.bindings.get(key, {})) or [""]
        yield _place(runtime, book, key, names[0], 0)


def _place(runtime: Runtime, book: AddressBook, key: str, binding: str, rows: int) -> Place:
    known = book.find(key, binding)
    if known is None:
        return Place(key, binding, rows, Way.UNREACHABLE if rows else Way.PAST)
    record, connector = known
    try:
        client = runtime.recorded_client(record.body["connector"], connector)
    except DiagnosticError:
        return Place(key, binding, rows, Way.UNREACHABLE if rows else Way.PAST, record=record)
    manifest = client.connector_type.manifest
    way = _way(client) if rows else Way.PAST
    return Place(key, binding, rows, way, manifest.title, manifest.documentation, record, connector)


def _way(client: ConnectorClient) -> Way:
    manifest = client.connector_type.manifest
    if manifest.erase is not None:
        return Way.DELETE
    return Way.REMOVE if isinstance(manifest.signals.get("remove"), SignalOperation) else Way.CANNOT


def _remembered(history: Sequence[HistoryEntry]) -> Iterator[Record]:
    """Yield the records that were changed, the latest first."""
    for entry in reversed(history):
        for address, before in entry.data.get("before", {}).items():
            if before is not None:
                yield Record(parse_address(address), before["digest"], before["body"], before["protected"])
