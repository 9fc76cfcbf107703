"""PostgreSQL as source, state and ledger at once: several audiences of one database, and the statements that run there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from audiform.sandbox.serve import serve
from cli.shell import make_project, services
from servers import Database
from whole.commands import start

pytestmark = pytest.mark.slow

AUDIENCES = 5
PAGE = Path(__file__).parents[2] / "docs" / "postgresql.md"
CUSTOMERS = """
DROP SCHEMA IF EXISTS listed CASCADE;
DROP SCHEMA IF EXISTS listing_default CASCADE;
CREATE SCHEMA listed;
CREATE TABLE listed.customers AS
  SELECT n AS number, 'c' || n || '@example.com' AS email, n % 5 AS part, true AS consent, now() AS loaded_at
  FROM generate_series(1, 1000) n;
CREATE INDEX ON listed.customers (part)
"""
RESOURCES = """
sources:
  shop:
    type: postgresql
    settings: {{url: "{url}", search_path: [listed], freshness: SELECT max(loaded_at) FROM customers}}
    credentials: {{user: {{from_env: PGUSER}}, password: {{from_env: PGPASSWORD}}}}
audiences:
  buyers:
    for_each: [0, 1, 2, 3, 4]
    source: shop
    query: SELECT * FROM customers WHERE part = {{{{ each.value }}}}
    profile_key: number
    identifiers: {{email: email}}
    consent: consent
bindings:
  buyers_on_ads:
    for_each: [0, 1, 2, 3, 4]
    audience: "buyers.{{{{ each.value }}}}"
    connector: ads
    destination: {{name: "Buyers {{{{ each.value }}}}"}}
    on_delete: remove_members
"""


@contextmanager
def logged(database: Database) -> Iterator[list[str]]:
    """Yield a list that has the statements of new connections once the block is left, each once, in order."""
    log, found = database.folder / "log", list[str]()
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE shop SET log_statement = 'all'")
        begun = log.stat().st_size
        yield found
        connection.execute("ALTER DATABASE shop RESET log_statement")
    with log.open("rb") as file:
        file.seek(begun)
        text = file.read().decode(errors="replace")
    entries = re.findall(r"LOG:  (?:statement|execute [^:]*): (.*(?:\n\t.*)*)", text)
    found.extend(dict.fromkeys(plain(entry) for entry in entries if "SET log_statement" not in entry))


def plain(statement: str) -> str:
    """Return a statement on one line, without what is different each time."""
    one = " ".join(statement.split())
    one = re.sub(r"/\* audiform .*? \*/", "/* audiform ... */", one)
    one = re.sub(r"SELECT \* FROM \( .* \) AS profiles", "SELECT * FROM ( ... ) AS profiles", one)
    return re.sub(r"= '[0-9a-f]{32}[.a-z]*'", "= '...'", one)


def documented() -> list[str]:
    """Return the statements that the page lists: those of its blocks of SQL, one a line."""
    blocks = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def of_the_schema(statement: str) -> bool:
    """Whether a statement makes the state's tables: those stand in the migrations."""
    return statement.startswith(("CREATE ", "ALTER "))


def of_a_key(statement: str) -> bool:
    """Whether a statement names what it looks for in a table of the state."""
    return " WHERE " in statement and ("$1" in statement or "= '...'" in statement)


@pytest.fixture
def project(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a project whose customers, state and members are in one database."""
    monkeypatch.setenv("PGUSER", database.user)
    monkeypatch.setenv("PGPASSWORD", database.password)
    with serve(services()) as sandbox:
        make_project(tmp_path, sandbox)
        for name in ("sources", "audiences"):
            (tmp_path / f"{name}.yaml").unlink()
        (tmp_path / "audiform.yaml").write_text(
            f'project: shop\nstate: {{url: "{database.url}?schema=listing"}}\n'
        )
        (tmp_path / "resources.yaml").write_text(RESOURCES.format(url=database.url))
        yield tmp_path


def test_the_page_lists_what_runs_and_every_key_finds_its_rows_by_an_index(project: Path, database: Database):
    """An apply and a sync run just the listed statements; where one names a key, no table of the state is read whole."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(CUSTOMERS)
        with logged(database) as seen:
            codes = [start(project, "apply", "--auto-approve").ended(60)]
            connection.execute("DELETE FROM listed.customers WHERE number = 10")
            codes.append(start(project, "sync").ended(60))
        ran = [one for one in seen if not of_the_schema(one) and "FROM listed.customers" not in one]
        read = {one: plans(connection, one) for one in ran if of_a_key(one)}

    assert [0, 0] == [code for code, _ in codes], codes
    assert sorted(documented()) == sorted(ran)
    assert {} == {one: plan for one, plan in read.items() if "Seq Scan" in plan}
    assert len(read) > AUDIENCES


def plans(connection: psycopg.Connection[object], statement: str) -> str:
    """Return how the server runs a statement of the state, where it takes an index if there is one that fits."""
    inner = re.sub(r"^COPY \((.*)\) TO STDOUT.*", r"\1", statement)
    connection.execute("SET search_path = listing_default")
    connection.execute("SET enable_seqscan = off")
    connection.execute("SET plan_cache_mode = force_generic_plan")
    connection.execute(f"PREPARE looked AS {inner}".encode())
    count = len(set(re.findall(r"\$\d+", inner)))
    given = f" ({', '.join(['NULL'] * count)})" if count else ""
    rows = connection.execute(f"EXPLAIN EXECUTE looked{given}".encode()).fetchall()
    connection.execute("DEALLOCATE looked")
    return "\n".join(str(row[0]) for row in rows if isinstance(row, tuple))
