"""dlt with Arrow tables from end to end: DuckDB normalises and hashes, dlt carries Parquet, the destination posts.

The way to the most speed that its documentation knows of (https://dlthub.com/docs/dlt-ecosystem/verified-sources/arrow-pandas).
`dlt_arrow.py URL FILE` sends everybody, with `--changes` those who have changed since the last run: what
`dlt.sources.incremental` can see, which is not who has left.
"""

import sys

import dlt
import duckdb
import requests

BATCH = 10_000
URL, FILE = sys.argv[1:3]
SESSION = requests.Session()


@dlt.destination(name="ads", batch_size=BATCH, loader_file_format="parquet")
def ads(items, table):
    """Post one batch."""
    payload = {
        "payload": {"schema": ["EMAIL"], "data": [[email] for email in items.column("email").to_pylist()]}
    }
    SESSION.post(URL, json=payload, timeout=60).raise_for_status()


@dlt.resource
def people():
    """Yield everybody."""
    yield from duckdb.sql(
        f"SELECT sha256(lower(trim(email))) AS email FROM read_parquet('{FILE}')"
    ).to_arrow_reader(BATCH)


@dlt.resource(name="people")
def changes(updated_at=dlt.sources.incremental("updated_at", range_start="open")):
    """Yield who has changed since the last run; the query leaves the others out, so that dlt need not."""
    since = f"WHERE updated_at > TIMESTAMP '{updated_at.last_value}'" if updated_at.last_value else ""
    yield from duckdb.sql(
        f"SELECT sha256(lower(trim(email))) AS email, updated_at FROM read_parquet('{FILE}') {since}"
    ).to_arrow_reader(BATCH)


given = changes() if "--changes" in sys.argv else people()
dlt.pipeline("people", destination=ads).run(given).raise_on_failed_jobs()
