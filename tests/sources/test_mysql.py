"""Audiences that MariaDB answers: typed, read-only, named, bounded, and stopped with whoever asked."""

from __future__ import annotations

import asyncio
import time
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from audiform.sources.databases import Asked
from audiform.sources.reading import open_profiles
from audiform.sources.running import in_thread
from audiform.sources.slices import Slice
from servers import MariaDb
from sources.test_databases import of, read, said

PEOPLE = """
USE shop;
CREATE OR REPLACE TABLE people AS
  SELECT seq AS customer_id, concat('p', seq, '@example.com') AS email, seq % 2 = 0 AS agreed, CAST(seq * 1.25 AS DECIMAL(12, 2)) AS ltv,
    TIMESTAMP('2026-05-01 12:00:00') AS loaded_at
  FROM seq_1_to_50000;
CREATE OR REPLACE TABLE kinds (
  yes BOOLEAN, bits BIT(12), small SMALLINT, large BIGINT UNSIGNED, price DECIMAL(30, 2), huge DECIMAL(65, 2), note JSON,
  moment DATETIME(6), stamp TIMESTAMP NULL, day DATE, lasting TIME, born YEAR, raw VARBINARY(10), word VARCHAR(20) CHARACTER SET utf8mb4,
  part FLOAT, whole DOUBLE, tier TINYINT(1), one BIT(1)
);
SET sql_mode = '', time_zone = '+02:00';
INSERT INTO kinds VALUES (
  TRUE, b'100000000001', -5, 18446744073709551615, 12345678901234567890.12, 1.5, '{"a": 1}', '2026-05-01 12:00:00.5',
  '2026-05-01 12:00:00', '2026-05-01', '800:00:00', 1990, x'00ff', 'Zoë 🙂', 1.5, 2.25, 7, 1
), (
  NULL, NULL, NULL, NULL, NULL, NULL, NULL, '0000-00-00', NULL, '2026-00-00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
);
"""


@pytest.fixture(scope="module")
def filled(maria: MariaDb) -> MariaDb:
    """Return the running MariaDB with 50,000 people, and a table with a column of each type."""
    maria.run(PEOPLE)
    return maria


def on(maria: MariaDb, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> dict[str, Any]:
    """Return a source that is read from the running MariaDB."""
    monkeypatch.setenv("CRM_USER", maria.user)
    monkeypatch.setenv("CRM_PASSWORD", maria.password)
    return {
        "type": "mariadb",
        "settings": {"url": maria.url, **settings},
        "credentials": {"user": {"from_env": "CRM_USER"}, "password": {"from_env": "CRM_PASSWORD"}},
    }


def test_rows_come_in_a_session_that_is_read_only_limited_and_named(filled, tmp_path, monkeypatch):
    """What is compared is a boolean; the statement says what it is for; the data says how old it is."""
    query = (
        "SELECT people.*, agreed = 1 AS yes, @@tx_read_only + 0 AS cannot_write, CAST(@@max_statement_time AS CHAR) AS most, "
        "(SELECT info FROM information_schema.processlist WHERE id = connection_id()) AS noted FROM people -- all of them"
    )
    source = on(filled, monkeypatch, statement_timeout="5m", freshness="SELECT max(loaded_at) FROM people")

    rows, written = read(
        of(tmp_path, query, **source),
        "count(*), sum(ltv), count(*) FILTER (yes), min(cannot_write), any_value(most), "
        "any_value(regexp_replace(noted, 'read=[0-9a-f]{12}.*', 'read=ID', 's'))",
    )

    assert 1_777_636_800 == written
    assert [
        (
            50_000,
            1_562_531_250,
            25_000,
            1,
            "300.000000",
            "/* audiform project=shop environment=production audience=buyers for=binding.buyers_on_ads read=ID",
        )
    ] == rows


def test_columns_have_the_types_that_duckdb_has_for_them(filled, tmp_path, monkeypatch):
    """No digit is lost that DuckDB can hold; a date of zero is none; what is no text is bytes."""
    source = on(filled, monkeypatch)
    made = of(tmp_path, "SELECT kinds.*, tier + 0 AS level FROM kinds", **source)
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA audiform")
        with open_profiles(connection, made, Asked("buyers", "test"), ()) as profiles:
            types = {
                name: kind for name, kind in profiles.columns.items() if kind not in {"VARCHAR", "TIMESTAMP"}
            }
            names = ", ".join(name for name in profiles.columns if name not in {"tier", "level"})
            with pytest.raises(duckdb.Error) as caught:
                connection.execute(f"SELECT * FROM {profiles.relation}").fetchall()

    assert {
        "yes": "BOOLEAN",
        "bits": "UBIGINT",
        "small": "SMALLINT",
        "large": "UBIGINT",
        "price": "DECIMAL(30,2)",
        "huge": "DOUBLE",
        "day": "DATE",
        "born": "SMALLINT",
        "raw": "BLOB",
        "part": "FLOAT",
        "whole": "DOUBLE",
        "tier": "BOOLEAN",
        "one": "BOOLEAN",
        "level": "INTEGER",
    } == types
    assert "write `tier + 0 AS tier` where it is a number" in profiles.refused(caught.value).detail
    assert [
        (
            *(True, 2049, -5, 18446744073709551615, Decimal("12345678901234567890.12"), 1.5, '{"a": 1}'),
            *(datetime(2026, 5, 1, 12, 0, 0, 500_000), datetime(2026, 5, 1, 10, 0), date(2026, 5, 1)),  # noqa: DTZ001
            *("800:00:00", 1990, b"\x00\xff", "Zoë 🙂", 1.5, 2.25, True),
        ),
        (None,) * 17,
    ] == read(of(tmp_path, f"SELECT {names} FROM kinds", **source))[0]


def test_what_is_compared_is_a_boolean_however_the_server_runs_it(filled, tmp_path, monkeypatch):
    """Also where the server makes one query of ours and the audience's: it then says other things of a column."""
    source = on(filled, monkeypatch)
    for query in (
        "SELECT customer_id, agreed = 1 AS agreed FROM people",
        "SELECT DISTINCT customer_id, email IS NOT NULL AND COALESCE(agreed, 0) = 1 AS agreed FROM people",
        "SELECT customer_id, max(agreed) = 1 AS agreed FROM people GROUP BY customer_id",
    ):
        assert [(25_000,)] == read(of(tmp_path, query, **source), "count(*) FILTER (agreed)")[0]


def test_what_the_server_refuses_is_said_without_the_data(filled, tmp_path, monkeypatch):
    """Names are the author's own and shown with what the server says; values are not, nor is the password."""
    source = on(filled, monkeypatch, statement_timeout="1s")
    wrong = {**source, "credentials": source["credentials"] | {"password": {"from_env": "CRM_USER"}}}
    nowhere = {**source, "settings": {"url": "mysql://127.0.0.1:1/shop"}}
    unknown = {**source, "settings": {"url": filled.url.replace("/shop", "/shopp")}}
    queries = (
        "SELECT emial FROM people",
        "SELECT * FROM peple",
        "SELECT * FROM people WHERE email = 'ann@example.com' AND AND 1",
        "SELECT 1 AS a FROM people WHERE sleep(20) = 0",
        "SELECT customer_id INTO OUTFILE '/tmp/people' FROM people",
    )
    found = [said(of(tmp_path, query, **source))[0] for query in queries]
    found += [said(of(tmp_path, "SELECT 1", **one))[0] for one in (wrong, nowhere, unknown)]

    assert [
        "Unknown column `emial` in `SELECT`.",
        "Table `shop.peple` doesn't exist.",
        "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the right syntax to use in line 1.",
        "the statement was stopped, by its time limit or by somebody (SQLSTATE 57014).",
    ] == [detail.partition("`audience.buyers`: ")[2] for _, detail in found[:4]]
    assert ["query-failed"] * 5 + ["source-unreachable"] * 3 == [code for code, _ in found]
    assert [
        "the database does not accept the user name and password.",
        "there is no connection (host name, port or network).",
        "the user may not read the database, or there is none of that name.",
    ] == [detail.partition("cannot be read: ")[2] for _, detail in found[5:]]
    assert not any(word in str(found) for word in ("ann@", filled.password))


def test_nothing_can_be_written(filled, tmp_path, monkeypatch):
    """Whatever the user may do, the session may not."""
    filled.run(
        "CREATE OR REPLACE FUNCTION shop.spoil() RETURNS INT MODIFIES SQL DATA RETURN (SELECT count(*) FROM shop.kinds FOR UPDATE)"
    )

    found = said(of(tmp_path, "SELECT spoil() AS customer_id", **on(filled, monkeypatch)))

    assert "it writes, and the session is read-only (SQLSTATE 25006)." in found[0][1]


def test_a_slice_is_asked_for_in_the_dialect(filled, tmp_path, monkeypatch):
    """Times, numbers and texts are compared by the server, and names stand in its quotes."""
    made = of(tmp_path, "SELECT customer_id, email, loaded_at FROM people", **on(filled, monkeypatch))
    slices = {
        Slice("loaded_at", "timestamptz", "2026-05-01 12:00:00.000000+00:00"): 50_000,
        Slice("loaded_at", "timestamp", "2026-05-01 12:00:01.000000"): 0,
        Slice("customer_id", "integer", "49999"): 2,
        Slice("email", "text", "p99"): 112,
    }
    counts: list[int] = []
    for since in slices:
        with duckdb.connect() as connection:
            connection.execute("CREATE SCHEMA audiform")
            with open_profiles(connection, made, Asked("buyers", "test", since), ()) as profiles:
                counts += connection.execute(f"SELECT count(*) FROM {profiles.relation}").fetchall()[0]

    assert [*slices.values()] == counts


def test_whoever_is_interrupted_stops_the_server_too(filled, tmp_path, monkeypatch):
    """Ctrl-C ends a query of half a minute at once, and the server works for nobody no longer."""
    made = of(tmp_path, "SELECT 1 AS customer_id, sleep(30) AS slept", **on(filled, monkeypatch))

    async def interrupted() -> None:
        reading = asyncio.create_task(in_thread(read, made))
        await asyncio.sleep(0.5)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    began = time.monotonic()
    asyncio.run(interrupted())
    still = filled.run(
        "SELECT id FROM information_schema.processlist WHERE info LIKE '%sleep(30)%' AND id <> connection_id()"
    )

    assert time.monotonic() - began < 10
    assert "" == still
