"""The statements: a table with one row per member, kept equal to an audience.

Identifiers are text columns, variables one `jsonb` column, and what the user wants as a column of its own is computed
from that by the server, so that it is never written twice. Every statement works on a whole batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audiform.transports.answers import BAD_REQUEST, RefusedError

_VARIABLES = "variables"
_TYPES = {"text": "text", "numeric": "numeric", "bigint": "int8", "double": "float8", "boolean": "bool"}
"""Type of a computed column -> PostgreSQL's; only types that are made from text without regard to settings."""
_NAMES = {"text": "text", "numeric": "numeric", "int8": "bigint", "float8": "double", "bool": "boolean"}
_READ = """
SELECT n.nspname, c.relname, obj_description(c.oid, 'pg_class'),
  (SELECT coalesce(jsonb_object_agg(a.attname, t.typname), '{}') FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
   WHERE a.attrelid = c.oid AND a.attgenerated = 's' AND NOT a.attisdropped)::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname = $1
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name."""

    schema: str
    name: str

    @property
    def sql(self) -> str:
        """The name as it stands in a statement."""
        return f"{_quoted(self.schema)}.{_quoted(self.name)}"


def create(cursor: Any, wanted: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Make a table and return what it is."""
    table = Table(wanted["schema"], wanted["name"])
    columns = [
        f"{_quoted(name)} text{' PRIMARY KEY' if name == wanted['key'] else ''}" for name in wanted["columns"]
    ]
    columns += [
        f"{_VARIABLES} jsonb NOT NULL DEFAULT '{{}}'",
        "added_at timestamptz NOT NULL DEFAULT now()",
        "changed_at timestamptz NOT NULL DEFAULT now()",
    ]
    columns += [_computed(name, kind) for name, kind in wanted.get("computed", {}).items()]
    cursor.execute(f"CREATE TABLE {table.sql} ({', '.join(columns)})")
    _comment(cursor, table, wanted.get("comment"))
    return read(cursor, table)


def read(cursor: Any, table: Table) -> Mapping[str, Any] | None:
    """Return what a table is; None where there is none."""
    cursor.execute(f"{_READ} AND c.relname = $2", (table.schema, table.name))
    return next((_shown(*row) for row in cursor.fetchall()), None)


def listed(cursor: Any, schema: str) -> list[Mapping[str, Any]]:
    """Return the tables of a schema that have a comment."""
    cursor.execute(f"{_READ} AND obj_description(c.oid, 'pg_class') IS NOT NULL ORDER BY 2", (schema,))
    return [_shown(*row) for row in cursor.fetchall()]


def update(cursor: Any, table: Table, wanted: Mapping[str, Any]) -> None:
    """Change the comment, and the computed columns: one whose type changes is made anew."""
    there = read(cursor, table) or {}
    before, after = there.get("computed", {}), wanted.get("computed", {})
    for name, kind in before.items():
        if after.get(name) != kind:
            cursor.execute(f"ALTER TABLE {table.sql} DROP COLUMN {_quoted(name)}")
    for name, kind in after.items():
        if before.get(name) != kind:
            cursor.execute(f"ALTER TABLE {table.sql} ADD COLUMN {_computed(name, kind)}")
    _comment(cursor, table, wanted.get("comment"))


def drop(cursor: Any, table: Table) -> None:
    """Drop a table. One that a view depends on stays, and that is an error."""
    cursor.execute(f"DROP TABLE {table.sql}")


def upsert(cursor: Any, table: Table, body: bytes) -> int:
    """Write rows as they are: a member that is there gets all its columns anew. Return how many are written."""
    wanted = _without_rows(body)
    key, columns = wanted["key"], wanted["columns"]
    names = ", ".join(_quoted(name) for name in columns)
    sets = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in columns if name != key)
    typed = ", ".join(f"{_quoted(name)} text" for name in columns)
    cursor.execute(
        f"INSERT INTO {table.sql} ({names}, {_VARIABLES}) "
        f"SELECT {names}, coalesce({_VARIABLES}, '{{}}') "
        f"FROM jsonb_to_recordset($1::jsonb -> 'rows') AS sent({typed}, {_VARIABLES} jsonb) "
        f"ON CONFLICT ({_quoted(key)}) DO UPDATE SET {sets}, {_VARIABLES} = excluded.{_VARIABLES}, changed_at = now()",
        (body.decode(),),
    )
    return int(wanted["count"])


def delete_rows(cursor: Any, table: Table, body: bytes) -> int:
    """Delete rows by their key; one that is not there is not missed. Return how many were named."""
    wanted = _without_rows(body)
    key = _quoted(wanted["key"])
    cursor.execute(
        f"DELETE FROM {table.sql} AS held USING jsonb_to_recordset($1::jsonb -> 'rows') AS sent({key} text) "
        f"WHERE held.{key} = sent.{key}",
        (body.decode(),),
    )
    return int(wanted["count"])


def _without_rows(body: bytes) -> Mapping[str, Any]:
    import orjson

    found: dict[str, Any] = orjson.loads(body)
    rows: Sequence[Any] = found.pop("rows", ())
    return {**found, "count": len(rows)}


def _computed(name: str, kind: str) -> str:
    if kind not in _TYPES:
        raise RefusedError(BAD_REQUEST, f"a computed column is one of {', '.join(_TYPES)}")
    value = f"({_VARIABLES} ->> {_literal(name)})"
    return f"{_quoted(name)} {_TYPES[kind]} GENERATED ALWAYS AS ({value}::{_TYPES[kind]}) STORED"


def _comment(cursor: Any, table: Table, text: str | None) -> None:
    cursor.execute(f"COMMENT ON TABLE {table.sql} IS {'NULL' if text is None else _literal(text)}")


def _shown(schema: str, name: str, comment: str | None, computed: str) -> Mapping[str, Any]:
    import orjson

    kinds = {column: _NAMES.get(kind, kind) for column, kind in orjson.loads(computed).items()}
    shown = {"id": f"{schema}.{name}", "schema": schema, "name": name, "comment": comment, "computed": kinds}
    return {key: value for key, value in shown.items() if value not in (None, {})}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
