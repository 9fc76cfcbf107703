"""docs/incremental.md on PostgreSQL: its audience, from the first apply to a sync that reads everything again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from audiform.cli.main import run
from servers import Database

pytestmark = pytest.mark.slow

PAGE = Path(__file__).resolve().parents[2] / "docs" / "incremental.md"
CUSTOMERS = """
DROP SCHEMA IF EXISTS changing CASCADE;
DROP SCHEMA IF EXISTS changed CASCADE;
CREATE SCHEMA changing;
CREATE SCHEMA changed;
CREATE TABLE changing.customers AS
  SELECT n AS customer_id, 'c' || n || '@example.com' AS email, true AS marketing_ok, n * 0.5 AS ltv,
    timestamptz '2026-04-01 00:00:00+00' AS changed_at, false AS deleted, date '2026-01-01' AS last_order
  FROM generate_series(1, 1000) n;
CREATE INDEX ON changing.customers (changed_at)
"""
CHANGES = """
UPDATE changing.customers SET changed_at = timestamptz '2026-04-02 00:00:00+00',
  deleted = customer_id = 1, marketing_ok = customer_id <> 2, last_order = CASE WHEN customer_id = 3 THEN date '2026-03-01'
  ELSE last_order END, email = CASE WHEN customer_id = 4 THEN 'new@example.com' ELSE email END,
  ltv = CASE WHEN customer_id = 5 THEN 99.5 ELSE ltv END
WHERE customer_id <= 5;
DELETE FROM changing.customers WHERE customer_id = 6
"""
REST = """
sources:
  crm:
    type: postgresql
    settings: {{url: "{url}", search_path: [changing]}}
    credentials: {{user: {{from_env: PGUSER}}, password: {{from_env: CRM_PASSWORD}}}}
connectors:
  warehouse:
    type: postgresql_audience
    settings: {{database: "{url}", schema: changed}}
    credentials: {{username: {{from_env: PGUSER}}, password: {{from_env: CRM_PASSWORD}}}}
bindings:
  filled: {{audience: lapsed_buyers, connector: warehouse, destination: {{name: buyers}}, on_delete: keep}}
"""


def test_the_audience_of_the_page_is_read_by_what_changed(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Whoever is deleted, takes back consent, or is no member any more leaves; who vanished does when everything is read."""
    for name, secret in {
        "PGUSER": database.user,
        "PGPASSWORD": database.password,
        "CRM_PASSWORD": database.password,
    }.items():
        monkeypatch.setenv(name, secret)
    audience = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    (tmp_path / "audiform.yaml").write_text("project: shop\n")
    (tmp_path / "audience.yaml").write_text(audience)
    (tmp_path / "rest.yaml").write_text(REST.format(url=database.url))

    def said(*command: str) -> str:
        capsys.readouterr()
        code = run(["-C", str(tmp_path), *command])
        text = capsys.readouterr()
        assert code == 0, text
        return text.out

    def people(*command: str) -> tuple[dict[str, Any], dict[str, Any]]:
        found = json.loads(said("sync", "--json", *command))["people"][0]
        return found["sent"], found["read"]

    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(CUSTOMERS)
        first = said("apply", "--auto-approve")
        connection.execute(CHANGES)
        changed = people()
        there = connection.execute(
            "SELECT count(*), max((variables ->> 'lifetime_value')::float) FROM changed.buyers"
        ).fetchall()
        again = said("sync")
        everything = people("--full")
        connection.execute("DROP TABLE changed.buyers")
        plan = json.loads(said("plan", "--json"))
        (extent,) = (change["impact"]["extent"] for change in plan["plan"]["changes"] if change["impact"])
        said("apply", "--auto-approve")
        anew = connection.execute("SELECT count(*) FROM changed.buyers").fetchall()

    assert "read: everything, because its destination was not filled from all of them yet" in first
    assert (
        {"modify": 2, "remove": 3},
        {"since": "2026-04-01 00:00:00 UTC", "why": "", "shared": 0},
    ) == changed
    assert [(997, 500.0)] == there
    assert ([(996,)], "its destination was not filled from all of them yet") == (anew, extent["why"])
    assert "read: incremental, what changed since 2026-04-02 00:00:00 UTC" in again
    assert ({"remove": 1}, {"since": None, "why": "that was asked for (`--full`)", "shared": 0}) == everything
