"""Audiences of files in object storage: found by path or glob, read as far as needed, and nothing else reached."""

from __future__ import annotations

import asyncio
import gzip
import io
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audiform.config.kinds import Source
from audiform.config.source_settings import StorageSettings
from audiform.diagnostics import DiagnosticError
from audiform.sources.databases import Asked
from audiform.sources.filesystems import filesystem
from audiform.sources.reading import open_profiles
from audiform.sources.running import in_thread
from audiform.sources.snapshot import snapshots
from plan.world import project
from servers import ObjectStorage

BUCKET = "lake"
TABLES = {
    "customers": "crm/customers.parquet",
    "orders": "orders/**/*.parquet",
    "visits": "visits/*.csv",
    "packed": "packed.tsv.gz",
    "lines": "lines.jsonl",
}


def parquet(**columns: Any) -> bytes:
    """Return a Parquet file."""
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


@pytest.fixture(scope="module")
def lake(storage: ObjectStorage) -> ObjectStorage:
    """Return the running storage with a bucket of files of each format."""
    client = storage.client("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": storage.region})
    files = {
        "crm/customers.parquet": parquet(
            customer_id=[1, 2, 3], email=["ann@example.com", "bob@example.com", None]
        ),
        "crm/other/customers.parquet": parquet(customer_id=[9]),
        "orders/day=2026-01-01/a.parquet": parquet(customer_id=[1, 2], spent=[10.0, 20.0]),
        "orders/day=2026-01-02/b.parquet": parquet(customer_id=[3], spent=[30.0], refunded=[True]),
        "orders/_SUCCESS": b"",
        "visits/1.csv": b"customer_id,page\n1,home\n2,\n",
        "visits/2.csv": b'customer_id,page\n3,"a, ""b"""\n',
        "visits/deep/3.csv": b"customer_id,page\n4,never\n",
        "packed.tsv.gz": gzip.compress(b"customer_id\tagreed\n1\ttrue\n"),
        "lines.jsonl": b'{"customer_id": 1, "agreed": true}\n{"customer_id": 2, "agreed": null}\n',
        "broken.parquet": b"no parquet",
        "array.json": b'[{"customer_id": 1}]',
        "mixed.csv": b"customer_id,note\n" + (b"1," + b"x" * 1000 + b"\n") * 9_000 + b"ann@example.com,\n",
        "plain.txt": b"x",
    }
    for key, body in files.items():
        client.put_object(Bucket=BUCKET, Key=key, Body=body)
    return storage


def of(lake: ObjectStorage, monkeypatch: pytest.MonkeyPatch, query: str, **settings: Any) -> Any:
    """Return a project with an audience that is read from the lake."""
    monkeypatch.setenv("LAKE_KEY", "key")
    monkeypatch.setenv("LAKE_SECRET", "canary-secret")
    place = {"bucket": BUCKET, "endpoint": lake.url, "region": lake.region, "tables": TABLES}
    source = {
        "type": "s3",
        "settings": place | settings,
        "credentials": {"access_key": {"from_env": "LAKE_KEY"}, "secret_key": {"from_env": "LAKE_SECRET"}},
    }
    audience = {
        "source": "lake",
        "query": query,
        "profile_key": "customer_id",
        "identifiers": {"email": "email"},
    }
    made = project(sources={"lake": source}, audiences={"buyers": audience}, bindings={}, connectors={})
    return replace(made, root=Path())


def read(made: Any) -> tuple[list[Any], float]:
    """Return the rows, and when the newest file was written."""
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA audiform")
        with open_profiles(connection, made, Asked("buyers", "test"), ()) as profiles:
            try:
                return connection.execute(f"SELECT * FROM {profiles.relation}").fetchall(), profiles.written
            except duckdb.Error as error:
                raise DiagnosticError([profiles.refused(error)]) from None


def said(made: Any) -> tuple[str, str, str | None]:
    """Return what is said where a source cannot be read."""
    with pytest.raises(DiagnosticError) as caught:
        read(made)
    (item,) = caught.value.diagnostics
    return item.code, item.detail, item.hint


def test_tables_of_every_format_are_read(lake, monkeypatch):
    """Folders named `day=...` are a column, what only some files have is null in others, and a file of a glob's folders counts once."""
    query = (
        "SELECT c.customer_id, c.email, o.spent, o.refunded, o.day, v.page, p.agreed, l.agreed AS also FROM customers c "
        "LEFT JOIN orders o USING (customer_id) LEFT JOIN visits v USING (customer_id) LEFT JOIN packed p USING (customer_id) "
        "LEFT JOIN lines l USING (customer_id) ORDER BY 1"
    )
    newest = max(
        item["LastModified"] for item in lake.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    )

    rows, written = read(of(lake, monkeypatch, query))

    assert [
        (1, "ann@example.com", 10.0, None, "2026-01-01", "home", True, True),
        (2, "bob@example.com", 20.0, None, "2026-01-01", None, None, None),
        (3, None, 30.0, True, "2026-01-02", 'a, "b"', None, None),
    ] == rows
    assert newest.timestamp() - 60 < written <= newest.timestamp()


def test_nothing_else_is_reached(lake, monkeypatch, tmp_path):
    """The audience's SQL reads the tables that are named: no other object, no file, no host."""
    (tmp_path / "people.csv").write_text("a\n1\n", encoding="utf-8")
    found = [
        said(of(lake, monkeypatch, f"SELECT * FROM read_csv('{place}')"))[0]
        for place in (
            f"{tmp_path}/people.csv",
            f"{lake.url}/{BUCKET}/visits/1.csv",
            f"s3://{BUCKET}/visits/1.csv",
        )
    ]

    assert ["query-failed"] * 3 == found


def test_what_cannot_be_read_is_said_without_the_data(lake, monkeypatch):
    """A path, a format, a bucket and a server that are wrong are each said, with what to do; a value is not shown."""
    query = "SELECT * FROM people"
    found = [
        said(of(lake, monkeypatch, query, **settings))
        for settings in (
            {"tables": {"people": "crm/customer.parquet"}},
            {"tables": {"people": "visits/*.parquet"}},
            {"tables": {"people": "plain.txt"}},
            {"tables": {"people": "broken.parquet"}},
            {"tables": {"people": "array.json"}},
            {"tables": {"people": "mixed.csv"}},
            {"tables": {"people": "../other/people.csv"}},
            {"tables": {"people": "visits/1.csv"}, "bucket": "nobody"},
            {"tables": {"people": "visits/1.csv"}, "endpoint": "http://127.0.0.1:1"},
        )
    ]

    assert [
        ("source-file-missing", 'did you mean "crm/customers.parquet"?'),
        ("source-file-missing", None),
        ("unknown-file-format", None),
        ("source-unreadable", None),
        ("source-unreadable", None),
        ("query-failed", None),
        ("invalid-value", None),
        ("source-file-missing", None),
        ("source-unreachable", None),
    ] == [(code, hint) for code, _, hint in found]
    assert "JSON has to be one object in each line." in found[4][1]
    assert "there is no connection (host name, port or network)" in found[8][1]
    assert "example.com" not in str(found)
    assert "canary" not in str(found)


def test_another_file_is_another_state_of_the_data(lake, monkeypatch):
    """Paths, sizes and times of writing are what a plan remembers."""
    made = of(lake, monkeypatch, "SELECT 1", tables={"growing": "growing/*.csv"})
    digests = [snapshots(made)]
    for number in (1, 2):
        lake.client("s3").put_object(Bucket=BUCKET, Key=f"growing/{number}.csv", Body=b"a\n1\n")
        digests += [snapshots(made), snapshots(made)]

    assert {} == digests[0]
    assert digests[1] == digests[2] != digests[3] == digests[4]


def test_whoever_is_interrupted_stops_duckdb_too(lake, monkeypatch):
    """Ctrl-C ends a query over files that would take minutes, and the process with it."""
    made = of(
        lake,
        monkeypatch,
        "SELECT count(*) FROM customers, range(1000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = customer_id",
    )

    async def interrupted() -> None:
        reading = asyncio.create_task(in_thread(read, made))
        await asyncio.sleep(1)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    began = time.monotonic()
    asyncio.run(interrupted())

    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("kind", "settings", "secrets", "called"),
    [
        (
            "s3",
            {"bucket": "lake", "region": "eu-central-1"},
            {"access_key": "a", "secret_key": "canary"},
            "s3",
        ),
        (
            "s3",
            {"bucket": "lake", "region": "eu-central-1"},
            {"access_key": "a", "secret_key": "canary", "session_token": "canary"},
            "s3",
        ),
        ("gcs", {"bucket": "lake"}, {"access_token": "canary"}, "gcs"),
        ("gcs", {"bucket": "lake", "endpoint": "http://127.0.0.1:1"}, {"access_token": "canary"}, "gcs"),
        ("azure", {"account": "lake", "container": "people"}, {"account_key": "Y2FuYXJ5"}, "abfs"),
        ("azure", {"account": "lake", "container": "people"}, {"sas_token": "?sig=canary"}, "abfs"),
        (
            "azure",
            {"account": "lake", "container": "people", "endpoint": "http://127.0.0.1:1"},
            {"tenant_id": "t", "client_id": "c", "client_secret": "canary"},
            "abfs",
        ),
        ("azure", {"account": "lake", "container": "people"}, {}, "abfs"),
    ],
    ids=["keys", "session", "token", "token elsewhere", "account key", "signature", "principal", "default"],
)
def test_the_library_takes_every_way_in(kind, settings, secrets, called):
    """Each credential and each setting is one that the installed library knows. No service was asked."""
    given = Source.model_validate(
        {
            "type": kind,
            "settings": settings | {"tables": {"people": "people.csv"}},
            "credentials": {name: {"from_env": "X"} for name in secrets},
        }
    )
    assert isinstance(given.settings, StorageSettings)
    found = filesystem(given.settings, secrets)

    assert called == found.type_name
    assert "canary" not in repr(found)
