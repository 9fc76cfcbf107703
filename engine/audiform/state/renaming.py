"""A record under another address: what names it, and what the ledger and the dead letters keep under its name, go along."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from audiform.address import Address, Kind
from audiform.sql import literal
from audiform.state.ledger import Batch, Ledger, LedgerSession, Part, Settled, destination_key
from audiform.state.store import Record, Run, StateStore

Records = Mapping[Address, Record]


def renamed(records: Records, old: Address, new: Address) -> dict[Address, Record]:
    """Return the records with that of `old` at `new`, and its new name in each that names it. Pure."""
    found: dict[Address, Record] = {}
    for address, record in records.items():
        if address == old:
            found[new] = replace(record, address=new)
        elif str(old) in record.body["dependencies"]:
            found[address] = referring(record, old, new)
        else:
            found[address] = record
    return found


def referring(record: Record, old: Address, new: Address) -> Record:
    """Return the record with the new name in each place that held the old one."""
    names = [str(new) if name == str(old) else name for name in record.body["dependencies"]]
    field = {old.kind.value: new.name} if old.kind.value in record.body else {}
    return replace(record, body={**record.body, **field, "dependencies": names})


def rename(
    store: StateStore, ledger: Ledger, old: Address, new: Address, now: Callable[[], datetime]
) -> None:
    """Give the record of `old` the address `new`. May be killed anywhere, and is done again as if it had not begun.

    The record comes last: while the state has the old address, whoever repeats this finds everything to repeat.
    """
    records = store.read().records
    if old.kind in (Kind.BINDING, Kind.CONNECTOR):
        session = ledger.open(write=True)
        try:
            if old.kind is Kind.BINDING:
                session.rename(old.name, new.name)
            else:
                _rekey_all(store, session, records, old, new, now)
        finally:
            session.close()
    if old.kind is Kind.BINDING:
        _rename_letters(store, old, new)
    after = renamed(records, old, new)
    store.put(*(record for address, record in after.items() if record != records.get(address, record)))
    store.move(old, new)


def _rename_letters(store: StateStore, old: Address, new: Address) -> None:
    letters = [letter for letter in store.dead_letters() if letter.binding == old.name]
    if letters:
        store.bury(replace(letter, binding=new.name) for letter in letters)
        store.exhume(old.name)


def _rekey_all(
    store: StateStore,
    session: LedgerSession,
    records: Records,
    old: Address,
    new: Address,
    now: Callable[[], datetime],
) -> None:
    """Keep the members of every destination of a connector under its new name."""
    ids = {
        record.body["destination_id"]
        for record in records.values()
        if record.address.kind is Kind.BINDING and record.body["connector"] == old.name
    }
    for identity in sorted(one for one in ids if one is not None):
        before, after = destination_key(old.name, identity), destination_key(new.name, identity)
        if session.count(before):
            _rekey(store, session, before, after, now())


def _rekey(store: StateStore, session: LedgerSession, before: str, after: str, now: datetime) -> None:
    """Copy the members of one destination to another key, then forget the first: a copy that is repeated is the same."""
    members = session.members(before)
    rows = session.connection.execute(f"SELECT DISTINCT binding FROM {members}").fetchall()
    for name in sorted(row[0] for row in rows):
        run = Run(uuid.uuid4().hex, name, after, {}, now)
        mine = f"SELECT * EXCLUDE (binding) FROM {members} WHERE binding = {literal(name)}"
        session.stage(run, Part.CLAIM, f"{mine} AND NOT unsure", {})
        doubtful = session.stage(run, Part.ADD, f"{mine} AND unsure", {})
        store.begin_run(run)
        settled = Settled(Batch(0, Part.ADD, 0, doubtful), unsure=((0, doubtful),))
        session.fold(run, [settled] if doubtful else [])
        store.end_run(run.id)
    session.drop(before)
