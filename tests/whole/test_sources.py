"""PostgreSQL as source, state, ledger and destination at once."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from servers import Database
from whole.commands import start

pytestmark = pytest.mark.slow

CUSTOMERS = """
DROP SCHEMA IF EXISTS crm CASCADE;
DROP SCHEMA IF EXISTS filled CASCADE;
DROP SCHEMA IF EXISTS kept CASCADE;
CREATE SCHEMA crm;
CREATE SCHEMA filled;
CREATE TABLE crm.customers AS
  SELECT n AS customer_id, 'c' || n || '@example.com' AS email, n % 100 AS country, n * 0.5 AS spent, true AS agreed,
    now() AS loaded_at
  FROM generate_series(1, 20000) n;
CREATE INDEX ON crm.customers (country)
"""
PROJECT = """
project: shop
state: {{url: "{url}?schema=kept"}}
"""
RESOURCES = """
sources:
  crm:
    type: postgresql
    settings: {{url: "{url}", search_path: [crm], freshness: SELECT max(loaded_at) FROM customers}}
    credentials: &login {{user: {{from_env: PGUSER}}, password: {{from_env: CRM_PASSWORD}}}}
connectors:
  warehouse:
    type: postgresql_audience
    settings: {{database: "{url}", schema: filled}}
    credentials: {{username: {{from_env: PGUSER}}, password: {{from_env: CRM_PASSWORD}}}}
audiences:
  buyers:
    for_each: [1, 2, 3]
    source: crm
    query: SELECT * FROM customers WHERE country = {{{{ each.value }}}}
    profile_key: customer_id
    identifiers: {{external_id: customer_id, email: email}}
    variables: {{spent: spent}}
    consent: agreed
bindings:
  filled:
    for_each: [1, 2, 3]
    audience: "buyers.{{{{ each.value }}}}"
    connector: warehouse
    destination: {{name: "buyers_{{{{ each.value }}}}"}}
    on_delete: delete_destination
    guards: {{max_source_age: 1h}}
tests:
  a_buyer_of_the_country:
    audience: buyers.1
    given: {{customers: [{{customer_id: 7, email: ann@example.com, country: 1, spent: 2.5, agreed: true}}]}}
    expect: {{members: [7]}}
"""


def test_postgresql_is_source_state_ledger_and_destination(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
):
    """Only what changed there is sent, a plan says so before, data that is too old stops it, and no secret is shown."""
    monkeypatch.setenv("PGUSER", database.user)
    monkeypatch.setenv("PGPASSWORD", database.password)
    monkeypatch.setenv("CRM_PASSWORD", database.password)
    (tmp_path / "audiform.yaml").write_text(PROJECT.format(url=database.url))
    (tmp_path / "resources.yaml").write_text(RESOURCES.format(url=database.url))
    said: list[str] = []

    def run(*command: str) -> int | None:
        code, text = start(tmp_path, *command).ended(60)
        said.append(text)
        return code

    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(CUSTOMERS)
        assert 0 == run("test"), said[-1]
        assert 0 == run("apply", "--auto-approve"), said[-1]
        assert [(200,)] == connection.execute("SELECT count(*) FROM filled.buyers_1").fetchall()
        connection.execute("DELETE FROM crm.customers WHERE customer_id = 101")
        connection.execute("UPDATE crm.customers SET spent = 9.75 WHERE customer_id = 201")
        assert 0 == run("sync"), said[-1]
        assert [(199, 1)] == connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE variables ->> 'spent' = '9.75') FROM filled.buyers_1"
        ).fetchall()
        connection.execute("UPDATE crm.customers SET loaded_at = now() - interval '2 hours'")
        assert 3 == run("sync"), said[-1]

    assert "max_source_age" in said[-1]
    assert database.password not in "".join(said)
    assert "example.com" not in "".join(said[1:])
