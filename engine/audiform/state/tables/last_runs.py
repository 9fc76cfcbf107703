"""What became of bindings when they were sent last, as SQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from audiform.state.store import LastRun
from audiform.state.tables.connection import Connection


def note(connection: Connection, runs: Iterable[LastRun]) -> None:
    """Write each in the place of what was written of its binding."""
    connection.executemany(
        "INSERT INTO last_run VALUES (?, ?, ?, ?, ?) ON CONFLICT (binding) DO UPDATE SET started = excluded.started,"
        " ended = excluded.ended, result = excluded.result, failures = excluded.failures",
        [
            (
                run.binding,
                run.started.isoformat(),
                run.ended and run.ended.isoformat(),
                run.result,
                run.failures,
            )
            for run in runs
        ],
    )


def read(connection: Connection) -> dict[str, LastRun]:
    """Return what is written of each binding."""
    rows = connection.execute(
        "SELECT binding, started, ended, result, failures FROM last_run ORDER BY binding"
    )
    return {
        binding: LastRun(
            binding,
            datetime.fromisoformat(started),
            None if ended is None else datetime.fromisoformat(ended),
            result,
            failures,
        )
        for binding, started, ended, result, failures in rows
    }


def drop(connection: Connection, binding: str) -> None:
    """Forget it."""
    connection.execute("DELETE FROM last_run WHERE binding = ?", (binding,))


def rename(connection: Connection, binding: str, new: str) -> None:
    """Give it the binding's new name; what was written under that is of another one."""
    drop(connection, new)
    connection.execute("UPDATE last_run SET binding = ? WHERE binding = ?", (new, binding))
