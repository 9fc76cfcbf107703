"""Chooses the backend by the state's URL: one place for records, journal, lock, figures and members."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.lazily import load
from audiform.memory import Memory
from audiform.state.ledger import Ledger
from audiform.state.ledger_key import NO_KEYS, LedgerKeys
from audiform.state.local.ledger import local_ledger
from audiform.state.local.store import local_store
from audiform.state.lock import Holding
from audiform.state.segments.ledger import SegmentLedger
from audiform.state.store import StateStore
from audiform.state.tables.store import TableStore

_POSTGRESQL = "audiform.state.postgresql.backend:open_at"
REMOTE: Mapping[str, str] = {
    "postgresql": _POSTGRESQL,
    "postgres": _POSTGRESQL,
    "s3": "audiform.state.s3.backend:open_at",
}
"""Scheme -> what opens a state there; imported when a project asks for it."""


def scheme_of(url: str) -> str:
    """Return what stands before the first colon; empty where there is none."""
    scheme, separator, _ = url.partition(":")
    return scheme if separator else ""


def state_directory(url: str, root: Path, environment: str) -> Path | None:
    """Return the directory of a `file:DIR` state, None of any other; DIR is relative to the project's folder."""
    path = url.removeprefix("file:")
    return root / path.removeprefix("//") / environment if scheme_of(url) == "file" and path else None


def open_state(
    url: str,
    root: Path,
    environment: str,
    keys: LedgerKeys = NO_KEYS,
    *,
    project: str = "",
    memory: Memory | None = None,
) -> tuple[TableStore, SegmentLedger]:
    """Return the store and the ledger, encrypted with `keys`, of one environment of a project; it compares within `memory`.

    Nothing is made before the first write. Closing the store closes what both use.

    Raises:
        DiagnosticError: the URL names a backend that there is not (`unknown-state-backend`), or is not one of the
            backend's (`invalid-state-url`, `state-url-password`).
    """
    release = f"audiform -e {environment} state unlock"
    directory = state_directory(url, root, environment)
    if directory is not None:
        holding = Holding()
        return local_store(directory, release, holding), local_ledger(directory, keys, memory, holding)
    remote = REMOTE.get(scheme_of(url))
    if remote is None:
        raise DiagnosticError((_unknown(url),))
    opened: tuple[TableStore, SegmentLedger] = load(remote)(
        url, project, environment, release, keys, memory or Memory()
    )
    return opened


def open_store(url: str, root: Path, environment: str, *, project: str = "") -> StateStore:
    """Return the store alone, where nobody looks at members."""
    return open_state(url, root, environment, project=project)[0]


def open_ledger(
    url: str, root: Path, environment: str, keys: LedgerKeys = NO_KEYS, *, project: str = ""
) -> Ledger:
    """Return the ledger alone, where it is used without its store."""
    return open_state(url, root, environment, keys, project=project)[1]


def _unknown(url: str) -> Diagnostic:
    scheme = scheme_of(url)
    said = f"`{scheme}:`" if scheme else f"`{url}`, which has no scheme,"
    return Diagnostic(
        code="unknown-state-backend",
        detail=f"The project's state URL names {said} and state is kept in a folder (`file:`), in PostgreSQL (`postgresql:`) or in S3 "
        '(`s3:`). Write `state: {url: "file:.audiform"}` in audiform.yaml, with the folder on a volume that all runs share, '
        '`state: {url: "postgresql://HOST/DATABASE"}` or `state: {url: "s3://BUCKET/PREFIX"}`.',
    )
