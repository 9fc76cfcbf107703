from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from audiences.test_selection import KEYS, NAMED, selection
from audiform.audiences.desired import desired_sql, duplicates_sql, named_sql
from audiform.audiences.selection import Selection
from audiform.audiences.ways import ways_of

COLUMNS = "id BIGINT, mail VARCHAR, tel VARCHAR, ltv INTEGER, plan VARCHAR, ok BOOLEAN"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a connection with a table of profiles."""
    with duckdb.connect() as opened:
        opened.execute(f"CREATE TABLE profiles ({COLUMNS})")
        yield opened


def digest(text: str) -> str:
    """Return a digest that can be read."""
    return f"({text})"


def desired(connection: Any, chosen: Selection, *rows: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Return the desired members of these profiles, which are in order of their columns."""
    for row in rows:
        connection.execute("INSERT INTO profiles VALUES (?, ?, ?, ?, ?, ?)", [*row, *[None] * (6 - len(row))])
    connection.execute(
        f"CREATE OR REPLACE TABLE desired AS {desired_sql(ways_of([chosen]), 'profiles', digest)}"
    )
    found = connection.execute("SELECT * FROM desired ORDER BY key")
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def reasons(connection: Any, chosen: Selection, *rows: tuple[Any, ...]) -> list[str | None]:
    """Return why each profile is left out."""
    return [row["reason"] for row in desired(connection, chosen, *rows)]


def test_each_profile_has_its_reason(connection: duckdb.DuckDBPyConnection):
    """No consent before all else; nothing given is something else than nothing valid."""
    consent = selection(KEYS, {"consent": "ok"})
    found = reasons(
        connection,
        consent,
        (1, "a@example.com", None, 1, "x", True),
        (2, "a@example.com", None, 1, "x", False),
        (3, "a@example.com", None, 1, "x", None),
        (4, None, None, 1, "x", True),
        (5, "  ", "", 1, "x", True),
        (6, "nothing", None, 1, "x", True),
        (7, "nothing", "+16505551111", 1, "x", True),
    )

    assert [
        None,
        "no_consent",
        "no_consent",
        "no_identifier",
        "no_identifier",
        "invalid_identifier",
        None,
    ] == found


def test_only_what_names_a_member_can_identify(connection: duckdb.DuckDBPyConnection):
    """A number alone is not enough where the address names the member."""
    assert ["no_identifier"] == reasons(connection, selection(NAMED), (1, None, "+16505551111"))


def test_without_a_consent_column_everybody_agrees(connection: duckdb.DuckDBPyConnection):
    """An audience without consent has it in its query."""
    assert [None] == reasons(connection, selection(NAMED), (1, "a@example.com"))


def test_an_identity_is_all_that_is_there(connection: duckdb.DuckDBPyConnection):
    """Where each value is a key, an identifier that is put into use changes only those who have it."""
    rows = ((1, "a@example.com", None), (2, "b@example.com", "+16505551111"))
    both = [row["identity"] for row in desired(connection, selection(KEYS), *rows)]
    one = [row["identity"] for row in desired(connection, selection(KEYS, identifiers=["email"]))]

    assert both[0] == one[0]
    assert both[1] != one[1]


def test_what_may_change_is_in_the_variables(connection: duckdb.DuckDBPyConnection):
    """The address names the member; number and variables are what a modification is about."""
    rows = (
        (1, "a@example.com", None, 5, "gold"),
        (2, "a@example.com", "+16505551111", 5, "gold"),
        (3, "A@example.com ", None, 5, "gold"),
        (4, "a@example.com", None, 6, "gold"),
    )
    found = desired(connection, selection(NAMED), *rows)

    assert 1 == len({row["identity"] for row in found})
    assert [True, False, False] == [
        found[0]["variables"].replace("external_id=1", "")
        == row["variables"].replace(f"external_id={number}", "")
        for number, row in ((3, found[2]), (2, found[1]), (4, found[3]))
    ]


def test_there_is_nothing_to_modify_without_variables(connection: duckdb.DuckDBPyConnection):
    """Where each value is a key and no variable is sent, nothing can change but the member itself."""
    assert [None] == [row["variables"] for row in desired(connection, selection(KEYS), (1, "a@example.com"))]


def test_the_smallest_profile_key_stands_for_all(connection: duckdb.DuckDBPyConnection):
    """Whatever the order of the rows; those that are left out do not count."""
    chosen = selection(NAMED, {"consent": "ok"})
    desired(
        connection,
        chosen,
        (30, "a@example.com", None, 1, "x", True),
        (10, "A@example.com", None, 1, "x", False),
        (20, "a@example.com", None, 1, "x", True),
        (25, "a@example.com", None, 1, "x", True),
        (5, "b@example.com", None, 1, "x", True),
    )
    query = duplicates_sql(ways_of([chosen])[0], "desired")

    assert [(25,), (30,)] == connection.execute(
        f"SELECT key FROM desired WHERE rowid IN ({query}) ORDER BY key"
    ).fetchall()


def test_a_member_may_be_named_later(connection: duckdb.DuckDBPyConnection):
    """Named at once or afterwards, a member has the same identity and variables."""
    chosen = selection(NAMED)
    rows = ((1, "a@example.com", "+16505551111", 5, "gold"), (2, "b@example.com"))
    at_once = desired(connection, chosen, *rows)
    connection.execute(f"CREATE TABLE plain AS {desired_sql(ways_of([chosen]), 'profiles', None)}")
    later = connection.execute(
        f"SELECT identity, variables FROM ({named_sql(chosen, 'SELECT * FROM plain', digest)}) ORDER BY key"
    ).fetchall()

    assert [(row["identity"], row["variables"]) for row in at_once] == later


def test_values_that_only_python_knows_are_set_aside(connection: duckdb.DuckDBPyConnection):
    """Only those that SQL could not make something of; the others cost nothing."""
    found = desired(
        connection, selection(KEYS), (1, None, "+16505551111"), (2, None, "(650) 555-1111"), (3, None, None)
    )

    assert [None, "(650) 555-1111", None] == [row["raw:phone"] for row in found]
