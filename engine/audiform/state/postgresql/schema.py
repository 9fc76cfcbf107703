"""Makes the schema of an environment and brings it to this version."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from audiform.hashing import digest_text
from audiform.state.keys import keyed_digest
from audiform.state.postgresql.errors import too_new
from audiform.state.postgresql.migrations import MIGRATIONS, VERSION
from audiform.state.postgresql.place import Place

if TYPE_CHECKING:
    from psycopg import Connection


def advisory_key(purpose: str, schema: str) -> int:
    """Return the number of an advisory lock; such numbers are shared by everybody who uses the database."""
    return int.from_bytes(bytes.fromhex(digest_text(f"audiform {purpose}\0{schema}"))[:8], signed=True)


def version_of(connection: Connection[Any]) -> int:
    """Return the version of the schema that the connection works in; 0 where there is none."""
    if connection.execute("SELECT to_regclass('fact')").fetchall() == [(None,)]:
        return 0
    found = connection.execute("SELECT value FROM fact WHERE name = 'schema_version'").fetchone()
    return int(found[0]) if found else 0


def migrate(connection: Connection[Any], place: Place) -> None:
    """Make the schema, or bring it to this version; the connection is in a transaction.

    Raises:
        DiagnosticError: it was made by a newer Audiform (`state-too-new`).
    """
    from psycopg.sql import SQL, Identifier

    # Whoever comes second waits, and finds everything done.
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (advisory_key("schema", place.schema),))
    version = version_of(connection)
    if version > VERSION:
        raise too_new(place, version, VERSION)
    if version == VERSION:
        return
    there = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (place.schema,)).fetchall()
    if not there:
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(place.schema)))
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement.encode())
    connection.execute(
        "INSERT INTO fact VALUES ('schema_version', %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (str(VERSION),),
    )


def found(connection: Connection[Any], key: bytes) -> None:
    """Give a new state its lineage and this key, by one statement; a known one keeps both."""
    connection.execute(
        "INSERT INTO fact VALUES ('lineage', %s), ('serial', '0'), ('key', %s), ('key_check', %s) ON CONFLICT DO NOTHING",
        (str(uuid.uuid4()), key.hex(), keyed_digest(key, "check", "")),
    )
