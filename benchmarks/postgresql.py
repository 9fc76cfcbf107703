"""PostgreSQL as source, state and ledger at once: 50 audiences over 5 million customers, within one limit of memory.

A server of its own is started on this machine, as tests do, and filled with `generate_series`. `audiform sync` is a process of its own; what it
is measured beside is the server's own work: the same 50 queries, copied out and thrown away.

    PYTHONPATH=tests python benchmarks/postgresql.py                       5,000,000 customers
    PYTHONPATH=tests python benchmarks/postgresql.py --rows 200000         to try it out
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from costs import Cost, cost
from people import TYPE
from results import Budget, Figure, Place, Result, finish, here, options
from sink import sink

ROWS = 5_000_000
AUDIENCES = 50
LIMIT = "1GB"

CUSTOMERS = """
CREATE SCHEMA crm;
CREATE TABLE crm.customers AS
  SELECT n AS customer_id, 'Person' || n || '@Example.com' AS email, n % {audiences} AS part,
    '+1650' || lpad((2000000 + n % 7000000)::text, 7, '2') AS phone, now() AS loaded_at
  FROM generate_series(1, {rows}) n;
CREATE INDEX ON crm.customers (part);
CREATE INDEX ON crm.customers (loaded_at);
ANALYZE crm.customers
"""
CHANGES = """
UPDATE crm.customers SET email = 'New' || customer_id || '@Example.com', loaded_at = now()
  WHERE customer_id / {audiences} % 100 = 7;
ANALYZE crm.customers
"""
PROJECT = """
project: bench
state: {{url: "{url}?schema=kept"}}
"""
RESOURCES = """
sources:
  crm:
    type: postgresql
    settings: {{url: "{url}", search_path: [crm], freshness: SELECT max(loaded_at) FROM customers}}
    credentials: {{user: {{from_env: PGUSER}}, password: {{from_env: PGPASSWORD}}}}
connectors:
  ads:
    type: {type}
    settings: {{ad_account_id: "1"}}
    credentials: {{access_token: {{from_env: PATH}}}}
    endpoint: {sink}
audiences:
  part:
    for_each: {each}
    source: crm
    query: SELECT customer_id, email, phone FROM customers WHERE part = {{{{ each.value }}}}
    profile_key: customer_id
    identifiers: {{email: email, phone: phone}}
bindings:
  part_on_ads:
    for_each: {each}
    audience: "part.{{{{ each.value }}}}"
    connector: ads
    destination: {{name: "Part {{{{ each.value }}}}"}}
    on_delete: keep
"""


@dataclass(frozen=True)
class Seen:
    """What each cost: the server's own work, the first sync, and the one after 1 % had changed; `bytes` of the state's schema."""

    bare: float
    first: Cost
    later: Cost
    megabytes: float


def project(root: Path, url: str, place: str) -> None:
    """Write a project of many audiences, and record it as an apply does, each binding with an object of its own."""
    from audiform.config.load import load
    from audiform.connectors.catalog import Catalog
    from audiform.plan.records import record_of
    from audiform.state.open import open_store

    each = [*range(AUDIENCES)]
    (root / "audiform.yaml").write_text(PROJECT.format(url=url), encoding="utf-8")
    text = RESOURCES.format(url=url, type=TYPE, sink=place, each=each)
    (root / "resources.yaml").write_text(text, encoding="utf-8")
    loaded, problems = load(root, None)
    if loaded is None:
        raise RuntimeError([problem.detail for problem in problems])
    digests = {TYPE: Catalog().get(TYPE).digest}
    store = open_store(loaded.state.url, root, loaded.environment.name, project=loaded.name)
    store.put(
        *(
            record_of(loaded, address, type_digests=digests, secret_digests={}, destination_id=address.name)
            for address in loaded.digests
        )
    )
    store.close()


def copied(connection: Any) -> float:
    """Return how long the server takes to answer the audiences' queries, one after the other, thrown away."""
    begun = time.perf_counter()
    for part in range(AUDIENCES):
        query = f"COPY (SELECT customer_id, email, phone FROM crm.customers WHERE part = {part}) TO STDOUT (FORMAT binary)"
        with connection.cursor() as cursor, cursor.copy(query) as copy:
            for _ in copy:
                pass
    return time.perf_counter() - begun


def measure(rows: int, memory: str) -> Seen:
    """Return the costs, on a server that is gone afterwards."""
    psycopg, servers = import_module("psycopg"), import_module("servers")
    with servers.postgresql() as database, tempfile.TemporaryDirectory() as folder, sink() as place:
        os.environ |= {"PGUSER": database.user, "PGPASSWORD": database.password}
        root = Path(folder)
        command = (sys.executable, "-m", "audiform", "-C", folder, "sync", "--json", "--memory-limit", memory)
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute(CUSTOMERS.format(rows=rows, audiences=AUDIENCES))
            project(root, database.url, place)
            bare, first = copied(connection), cost(command)
            connection.execute(CHANGES.format(audiences=AUDIENCES))
            later = cost(command)
            size = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text LIKE 'kept%'"
            (kept,) = connection.execute(size).fetchone()
    return Seen(bare, first, later, float(kept) / 1e6)


def budgets(seen: Seen, memory: int) -> Iterator[Budget]:
    """Yield the one budget: the limit of memory."""
    peak = max(seen.first.megabytes, seen.later.megabytes) * 1.048576
    yield Budget("memory at the peak", peak, "MB", at_most=memory / 1e6)


def figures(rows: int, seen: Seen) -> Iterator[Figure]:
    """Yield what a reader compares."""
    measure = f"{AUDIENCES} audiences over {rows:,} customers, whole process"
    yield Figure(measure, "the 50 queries alone", seen.bare, "s")
    yield Figure(measure, "Audiform, first sync", seen.first.seconds, "s")
    yield Figure(measure, "Audiform, sync after 1 % has changed", seen.later.seconds, "s")
    for name, one in (("first sync", seen.first), ("sync after 1 % has changed", seen.later)):
        yield Figure("Memory at the peak", f"Audiform, {name}", one.megabytes * 1.048576, "MB")
    yield Figure("State and ledger in the database", "Audiform's schema", seen.megabytes, "MB")


ABOUT = """\
50 audiences of 100,000 customers each, in one PostgreSQL on the same machine that is source, state and ledger at once; each fills an object of
its own, with e-mail address and phone number normalised and hashed, at a local sink that answers at once. The queries alone are what the
server needs to hand the same rows over."""


def result(rows: int, seen: Seen, memory: str, place: Place) -> Result:
    """Return what was found, in the form of all benchmarks."""
    from audiform.memory import memory_of

    note = f"The limit of memory was {memory}. Statements and their indexes: docs/postgresql.md."
    found = [*budgets(seen, memory_of(memory).limit)]
    return Result("postgresql", "PostgreSQL", ABOUT, [*figures(rows, seen)], found, place, notes=(note,))


def main() -> int:
    """Measure."""
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--memory-limit", default=LIMIT, metavar="SIZE")
    given = parser.parse_args()
    place = here("psycopg")
    return finish(
        result(given.rows, measure(given.rows, given.memory_limit), given.memory_limit, place), given
    )


if __name__ == "__main__":
    sys.exit(main())
