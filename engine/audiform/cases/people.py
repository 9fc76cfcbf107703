"""The rows of a case as a batch: they take the way that people take in a sync. SQL normalises and writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audiform.cases.model import PLACE, Case, Column
from audiform.client import Rows
from audiform.connectors.identifiers import needs_python_sql, normalize, sent_sql
from audiform.connectors.manifest import Identifier, Manifest, SignalOperation
from audiform.connectors.request import needs_records
from audiform.connectors.row import row_sql
from audiform.connectors.settings import with_defaults


def columns_of(case: Case, manifest: Manifest) -> dict[str, Column]:
    """Return the identifiers in use, in the manifest's order, and their columns."""
    named = case.identifiers or {
        name: name for row in case.rows for name in row if name in manifest.identifiers
    }
    columns = {name: Column(column=item) if isinstance(item, str) else item for name, item in named.items()}
    return {name: columns[name] for name in manifest.identifiers if name in columns}


def batch_of(
    signal: SignalOperation, manifest: Manifest, case: Case, columns: Mapping[str, Column]
) -> tuple[Rows, int]:
    """Return the batch, and how many rows are left out because nothing valid identifies them."""
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("CREATE TABLE profiles AS " + _table(case.rows))
        people = _people(connection, manifest, columns)
        kept = [number for number, person in enumerate(people) if _is_known(manifest, columns, person)]
        left_out = len(people) - len(kept)
        if not kept:
            return Rows(b"", 0), left_out
        variables = {name: f"profiles.{_name(column)}" for name, column in case.variables.items()}
        records = tuple({**people[number], **_variables(case, number)} for number in kept)
        if signal.lookup is not None:
            return Rows(b"", len(kept), records), left_out
        connection.execute("CREATE TABLE sent AS " + _table(people))
        identifiers = {name: f"sent.{_name(name)}" for name in columns}
        row = row_sql(signal.row, manifest, identifiers, variables, _constants(case, manifest))
        texts = connection.execute(
            f"SELECT {row} FROM profiles JOIN sent ON sent.number = profiles.number "
            "WHERE list_contains(?::INTEGER[], profiles.number) ORDER BY profiles.number",
            [kept],
        ).fetchall()
    text = b",".join(text.encode() for (text,) in texts)
    return Rows(text, len(kept), records if needs_records(signal) else None), left_out


def _constants(case: Case, manifest: Manifest) -> dict[str, Any]:
    """Return what a row may name that is the same in every row."""
    settings = with_defaults(manifest.settings, case.settings)
    return {**PLACE, "settings": settings, "destination": dict(case.destination)}


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a query of `rows` with their `number`; a column has the type of its first value that is not null."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    types = {
        name: _type(next((row[name] for row in rows if row.get(name) is not None), "")) for name in names
    }
    selects = [
        ", ".join(
            [
                f"{number} AS number",
                *(f"{_literal(row.get(name), types[name])} AS {_name(name)}" for name in names),
            ]
        )
        for number, row in enumerate(rows)
    ]
    return " UNION ALL ".join(f"SELECT {select}" for select in selects) or "SELECT 0 AS number LIMIT 0"


def _type(value: Any) -> str:
    match value:
        case bool():
            return "BOOLEAN"
        case int():
            return "BIGINT"
        case float():
            return "DOUBLE"
        case _:
            return "VARCHAR"


def _literal(value: Any, kind: str) -> str:
    if value is None:
        return f"CAST(NULL AS {kind})"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"CAST(decode(from_hex('{text.encode().hex()}')) AS {kind})"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _people(connection: Any, manifest: Manifest, columns: Mapping[str, Column]) -> list[dict[str, Any]]:
    """Return identifier -> value as sent of each row, made as a sync makes them."""
    people: list[dict[str, Any]] = []
    for name, column in columns.items():
        values = _sent(connection, manifest.identifiers[name], column)
        people = people or [{} for _ in values]
        for person, value in zip(people, values, strict=True):
            person[name] = value
    return people


def _sent(connection: Any, identifier: Identifier, column: Column) -> list[str | None]:
    """Return the identifier of each row: from SQL, and from Python where SQL leaves it to that."""
    raw = _name(column.column)
    sent = sent_sql(identifier, raw, region=column.region, already_hashed=column.already_hashed)
    left = None if column.already_hashed else needs_python_sql(identifier, raw)
    query = f"SELECT CAST({raw} AS VARCHAR), {sent}, coalesce({left or 'false'}, false) FROM profiles ORDER BY number"
    return [
        normalize(identifier, text, region=column.region, already_hashed=False) if by_python else value
        for text, value, by_python in connection.execute(query).fetchall()
    ]


def _is_known(manifest: Manifest, columns: Mapping[str, Column], person: Mapping[str, Any]) -> bool:
    """Whether something identifies the person there."""
    if manifest.identity != "each":
        return person.get(manifest.identity) is not None
    return any(person[name] is not None for name in columns if manifest.identifiers[name].identifies)


def _variables(case: Case, number: int) -> dict[str, Any]:
    values = {name: case.rows[number].get(column) for name, column in case.variables.items()}
    return {"variables": values} if values else {}
