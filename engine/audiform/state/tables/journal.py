"""The journal as SQL: intents before outside effects, and the batches of runs that were started."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from audiform.address import Address, Kind
from audiform.hashing import canonical
from audiform.state.store import Intent, Run, RunBatch
from audiform.state.tables.connection import Connection


def intend(
    connection: Connection,
    run: str,
    address: Address,
    action: str,
    marker: str,
    data: Mapping[str, Any],
) -> Intent:
    """Write one intent."""
    started = datetime.now(UTC)
    row = (run, address.kind.value, address.name, action, marker, canonical(data), started.isoformat())
    identity = connection.execute(
        "INSERT INTO intent (run, kind, name, action, marker, data, started) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        row,
    ).fetchone()[0]
    return Intent(identity, run, address, action, marker, data, started)


def settle(connection: Connection, intent: Intent) -> None:
    """Say that the effect of an intent is recorded, or that it never was one. The row stays as history."""
    values = (datetime.now(UTC).isoformat(), intent.id)
    connection.execute("UPDATE intent SET settled = ? WHERE id = ? AND settled IS NULL", values)


def pending(connection: Connection) -> tuple[Intent, ...]:
    """Return the intents that nobody settled, oldest first."""
    rows = connection.execute(
        "SELECT id, run, kind, name, action, marker, data, started FROM intent WHERE settled IS NULL ORDER BY id"
    )
    return tuple(
        Intent(
            number,
            run,
            Address(Kind(kind), name),
            action,
            marker,
            json.loads(data),
            datetime.fromisoformat(started),
        )
        for number, run, kind, name, action, marker, data, started in rows
    )


def begin_run(connection: Connection, run: Run) -> None:
    """Write a run whose rows are staged."""
    row = (run.id, run.binding, run.destination_key, canonical(run.data), run.started.isoformat())
    connection.execute("INSERT INTO run VALUES (?, ?, ?, ?, ?)", row)


def start_batch(connection: Connection, run: str, number: int, data: Mapping[str, Any]) -> None:
    """Write that a batch is about to be sent; starting it again changes its data."""
    connection.execute(
        "INSERT INTO batch VALUES (?, ?, 0, ?) ON CONFLICT (run, number) DO UPDATE SET data = excluded.data",
        (run, number, canonical(data)),
    )


def settle_batch(connection: Connection, run: str, number: int, data: Mapping[str, Any]) -> bool:
    """Write what the platform answered to a batch; return False when that was written before."""
    cursor = connection.execute(
        "INSERT INTO batch VALUES (?, ?, 1, ?)"
        " ON CONFLICT (run, number) DO UPDATE SET settled = 1, data = excluded.data WHERE batch.settled = 0",
        (run, number, canonical(data)),
    )
    return cursor.rowcount > 0


def end_run(connection: Connection, run: str) -> None:
    """Drop a run with its batches."""
    connection.execute("DELETE FROM run WHERE id = ?", (run,))


def open_runs(connection: Connection) -> tuple[Run, ...]:
    """Return the runs that did not end, oldest first."""
    rows = connection.execute(
        "SELECT id, binding, destination_key, data, started FROM run ORDER BY started, id"
    )
    return tuple(
        Run(identity, binding, key, json.loads(data), datetime.fromisoformat(started))
        for identity, binding, key, data, started in rows
    )


def batches(connection: Connection, run: str) -> tuple[RunBatch, ...]:
    """Return the started and settled batches of a run, by number."""
    rows = connection.execute("SELECT number, settled, data FROM batch WHERE run = ? ORDER BY number", (run,))
    return tuple(RunBatch(number, bool(settled), json.loads(data)) for number, settled, data in rows)
