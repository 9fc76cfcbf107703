"""Chooses the backend by the state's URL: one place for records, journal, lock, figures and members."""

from __future__ import annotations

from pathlib import Path

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.state.ledger import Ledger
from audiform.state.ledger_key import NO_KEYS, LedgerKeys
from audiform.state.local.ledger import local_ledger
from audiform.state.local.store import local_store
from audiform.state.store import StateStore


def state_directory(url: str, root: Path, environment: str) -> Path:
    """Return the directory of a `file:DIR` state; DIR is relative to the project's folder.

    Raises:
        DiagnosticError: the URL names a backend that there is not (`unknown-state-backend`).
    """
    scheme, separator, path = url.partition(":")
    if not separator or scheme != "file" or not path:
        raise DiagnosticError((_unknown(url, scheme if separator else ""),))
    return root / path.removeprefix("//") / environment


def open_store(url: str, root: Path, environment: str) -> StateStore:
    """Return the store of one environment. Nothing is made before the first write.

    Raises:
        DiagnosticError: the URL names a backend that there is not (`unknown-state-backend`).
    """
    directory = state_directory(url, root, environment)
    return local_store(directory, f"audiform -e {environment} state unlock")


def open_ledger(url: str, root: Path, environment: str, keys: LedgerKeys = NO_KEYS) -> Ledger:
    """Return the ledger of one environment, encrypted with `keys`. Nothing is made before the first write.

    Raises:
        DiagnosticError: the URL names a backend that there is not (`unknown-state-backend`).
    """
    return local_ledger(state_directory(url, root, environment), keys)


def _unknown(url: str, scheme: str) -> Diagnostic:
    said = f"`{scheme}:`" if scheme else f"`{url}`, which has no scheme,"
    return Diagnostic(
        code="unknown-state-backend",
        detail=f"The project's state URL names {said} but this version keeps state in a folder only. "
        'Write `state: {url: "file:.audiform"}` in audiform.yaml; put the folder on a volume that all runs share.',
    )
