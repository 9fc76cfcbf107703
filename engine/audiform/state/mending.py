"""The state mended by hand: a record renamed or forgotten, together with what hangs on it. No platform is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from audiform.address import Address, Kind
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.state.ledger import Ledger, LedgerSession, destination_key
from audiform.state.renaming import rename as follow
from audiform.state.store import Record, StateStore, StateView

KEPT_BY_NAME = frozenset({Kind.EVENT_SOURCE, Kind.EVENT_TYPE, Kind.EVENT_CONNECTOR})
"""What the log of events knows by its name: it cannot be given another one."""


def rename(store: StateStore, ledger: Ledger, old: Address, new: Address) -> None:
    """Give the record another address; what depends on it, and the members of a binding, go along.

    Raises:
        DiagnosticError: the new address is taken or of another kind, or its last sync did not end (`invalid-move`).
    """
    view = store.read()
    if new in view.records:
        raise _invalid(
            f"`{new}` is in the state already, and a move never overwrites. Choose another address."
        )
    if old.kind is not new.kind:
        raise _invalid(f"`{old}` and `{new}` are of different kinds, and a record keeps its kind.")
    if old.kind in KEPT_BY_NAME:
        raise _invalid(
            f"`{old}` cannot be moved: how far the events of each have got is kept under their names, in the log. Nothing was changed. "
            "Keep the name; or declare the new one beside it, apply, and delete the old one when it has caught up."
        )
    if old.kind is Kind.BINDING:
        _refuse_open(store, old)
    follow(store, ledger, old, new, lambda: datetime.now(UTC))


def forget(store: StateStore, ledger: Ledger, address: Address) -> None:
    """Drop the record, and what the ledger holds of a binding's members.

    Raises:
        DiagnosticError: other records depend on it (`record-in-use`), or its last sync did not end.
    """
    view = store.read()
    users = _users(view, address)
    if users:
        names = ", ".join(str(user.address) for user in users)
        raise DiagnosticError(
            [
                Diagnostic(
                    "record-in-use",
                    f"`{address}` is needed by {names}: without it nobody could reach what they have at the platform. "
                    "Forget those first.",
                )
            ]
        )
    record = view.records[address]
    identity = record.body.get("destination_id")
    if address.kind is Kind.BINDING:
        _refuse_open(store, address)
    if identity is not None:
        key = destination_key(record.body["connector"], identity)
        _with(ledger, lambda session: session.drop(key, address.name))
    store.remove(address)


def _with(ledger: Ledger, change: Callable[[LedgerSession], None]) -> None:
    session = ledger.open(write=True)
    try:
        change(session)
    finally:
        session.close()


def _users(view: StateView, address: Address) -> list[Record]:
    return [record for record in view.records.values() if str(address) in record.body["dependencies"]]


def _refuse_open(store: StateStore, address: Address) -> None:
    if any(run.binding == address.name for run in store.open_runs()):
        raise _invalid(
            f"The last sync of `{address}` did not end, and what it sent is kept under this name. "
            f"Finish it first with `audiform sync {address.name}`."
        )


def _invalid(detail: str) -> DiagnosticError:
    return DiagnosticError([Diagnostic("invalid-move", detail)])
