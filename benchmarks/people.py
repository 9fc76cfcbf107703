"""The people that are synced, and the project that syncs them: one audience, one binding, everybody."""

from __future__ import annotations

from pathlib import Path

TYPE = "meta_custom_audiences"
BATCH = 10_000
"""As many people as the platform takes in one request."""
CHANGED = 0.01
"""The share that has changed at a later sync."""
BINDING = "everybody_on_ads"


def profiles(file: Path, rows: int, *, changed: float = 0.0, stamped: bool = False) -> None:
    """Write people; of `changed` half are of those who were there and have another e-mail address, half are new.

    `stamped`: with a column `updated_at`, for who looks for changes by it.
    """
    import duckdb

    moved = int(rows * changed / 2)
    updated = f"i + CASE WHEN i < {moved} OR i >= {rows} THEN {2 * rows} ELSE 0 END"
    column = f", TIMESTAMP '2026-01-01' + to_seconds({updated}) AS updated_at" if stamped else ""
    duckdb.sql(
        f"""COPY (
            SELECT i AS customer_id,
                   'Person' || i || '@Example.com' AS email,
                   '+1650' || lpad((2000000 + i % 7000000)::VARCHAR, 7, '2') AS phone{column}
            FROM range({moved}, {rows + moved}) t(i)
            UNION ALL SELECT i, 'New' || i || '@Example.com', NULL{column} FROM range({moved}) t(i) WHERE {moved} > 0
        ) TO '{file}'"""
    )


def project(
    root: Path, url: str, identifiers: str = "{email: email, phone: phone}", watermark: str = "null"
) -> None:
    """Write a project that sends everybody in `people.parquet` to `url`, and record it as an apply does."""
    root.mkdir(exist_ok=True)
    texts = {
        "audiform.yaml": "project: bench\n",
        "resources.yaml": f"""
sources: {{shop: {{type: duckdb, settings: {{tables: {{people: people.parquet}}}}}}}}
connectors:
  ads:
    type: {TYPE}
    settings: {{ad_account_id: "1"}}
    credentials: {{access_token: {{from_env: PATH}}}}
    endpoint: {url}
audiences:
  everybody:
    source: shop
    query: SELECT * FROM people
    profile_key: customer_id
    identifiers: {identifiers}
    watermark: {watermark}
bindings:
  {BINDING}:
    audience: everybody
    connector: ads
    destination: {{name: Everybody}}
    on_delete: keep
""",
    }
    for name, text in texts.items():
        (root / name).write_text(text, encoding="utf-8")
    _record(root)


def _record(root: Path) -> None:
    from audiform.config.load import load
    from audiform.connectors.catalog import Catalog
    from audiform.plan.records import record_of
    from audiform.state.open import open_store

    project, problems = load(root, None)
    if project is None:
        raise RuntimeError([problem.detail for problem in problems])
    digests = {TYPE: Catalog().get(TYPE).digest}
    store = open_store(project.state.url, root, project.environment.name)
    store.put(
        *(
            record_of(project, address, type_digests=digests, secret_digests={}, destination_id="1")
            for address in project.digests
        )
    )
    store.close()
