"""Finds an entry of the history by its id, or by how that begins."""

from __future__ import annotations

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.state.store import HistoryEntry, StateReader


def entry_of(store: StateReader, wanted: str) -> HistoryEntry:
    """Return the only entry whose id begins so.

    Raises:
        DiagnosticError: there is none, or there are several (`unknown-history-entry`).
    """
    found = [entry for entry in store.history() if wanted and entry.id.startswith(wanted.strip().lower())]
    if len(found) == 1:
        return found[0]
    why = "begins the id of several entries" if found else "is the id of no entry that is kept"
    text = f"`{wanted}` {why}. `audiform history` lists those that are kept."
    raise DiagnosticError([Diagnostic("unknown-history-entry", text)])
