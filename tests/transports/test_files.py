"""Files on a disk, in object storage and over SFTP, through the manifest and the real client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyarrow import BufferReader, csv, parquet

from audiform.client import ConnectorClient, Rows
from audiform.connectors.catalog import Catalog
from audiform.connectors.manifest import SignalOperation
from audiform.outcome import Category, Outcome, OutcomeKind, Request
from audiform.transports.files import FilesTransport
from audiform.wire import RetryPolicy

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROWS = [
    {"id": "a", "signal": "add", "external_id": "u-1", "email": 'é,"@example.com', "variables": '{"ltv":3}'},
    {"id": "b", "signal": "add", "external_id": "u-2"},
]


def send(
    settings: Mapping[str, Any], secrets: Mapping[str, str] | None = None, signal: str = "add"
) -> Outcome:
    """Send the rows as one file into the folder `lapsed`."""

    async def whole() -> Outcome:
        kind = Catalog().get("files_audience").configured(settings)
        held = dict(secrets or {})
        client = ConnectorClient(
            kind,
            settings,
            held.__getitem__,
            FilesTransport(lambda: NOON),
            policy=RetryPolicy(attempts=1),
        )
        operation = kind.manifest.signals[signal]  # type: ignore[index]
        assert isinstance(operation, SignalOperation)
        text = b",".join(json.dumps(row).encode() for row in ROWS)
        scope = {"destination": {"folder": "lapsed", "id": "lapsed"}, "binding": "lapsed_buyers"}
        return await client.send_batch(operation, scope, Rows(text, len(ROWS)))

    return asyncio.run(whole())


def only(folder: Path) -> Path:
    """Return the only file of the day."""
    (found,) = folder.glob("lapsed/2026-03-01/*")
    return found


def read(name: str, content: bytes) -> list[dict[str, Any]]:
    """Return the rows of a file without what they lack."""
    match Path(name).suffix:
        case ".parquet":
            rows = parquet.read_table(BufferReader(content)).to_pylist()
        case ".csv":
            quoted = csv.ConvertOptions(strings_can_be_null=True)
            rows = csv.read_csv(BufferReader(content), convert_options=quoted).to_pylist()
        case _:
            rows = [json.loads(line) for line in content.splitlines()]
    return [{key: value for key, value in row.items() if value is not None} for row in rows]


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_a_file_says_what_was_sent(tmp_path, form):
    """Every form can be read again, and the name says binding, signal and form."""
    assert OutcomeKind.ACCEPTED is send({"place": tmp_path.as_uri(), "format": form}).kind

    file = only(tmp_path)
    assert file.name.startswith("lapsed_buyers-add-")
    assert f".{form}" == file.suffix
    assert ROWS == read(file.name, file.read_bytes())


def test_parquet_has_every_column_as_text(tmp_path):
    """Files of all days have one schema, whatever the rows hold."""
    send({"place": tmp_path.as_uri()})
    schema = parquet.read_schema(only(tmp_path))

    assert {"string"} == {str(kind) for kind in schema.types}
    assert ["id", "signal", "project", "environment", "binding", "external_id"] == schema.names[:6]


def test_the_same_name_is_written_over(tmp_path):
    """A request that is sent again on the same day leaves one file."""
    url = f"{tmp_path.as_uri()}/lapsed?name=x&format=jsonl"
    request = Request("POST", url, (), b'{"columns": ["id"], "rows": [{"id": "a"}]}')

    async def twice() -> list[int]:
        transport = FilesTransport(lambda: NOON)
        return [(await transport.send(request, 5)).status for _ in range(2)]

    assert [201, 201] == asyncio.run(twice())
    assert b'{"id":"a"}\n' == only(tmp_path).read_bytes()


def test_a_folder_that_is_a_file_is_said(tmp_path):
    """Nothing is left behind where a file cannot be written."""
    (tmp_path / "lapsed").write_text("a file")
    outcome = send({"place": tmp_path.as_uri()})

    assert (OutcomeKind.FAILED, Category.INVALID_REQUEST) == (outcome.kind, outcome.category)
    assert "a file where the folder should be" in outcome.message


@pytest.mark.parametrize(
    "url",
    ["file:///tmp/a?name=../x&format=csv", "file:///tmp/a?name=x&format=exe", "file:///tmp/a?format=csv"],
)
def test_a_name_leads_nowhere_else(url):
    """A name with a slash, no name, and an unknown form are refused."""
    answer = asyncio.run(FilesTransport().send(Request("POST", url, (), b'{"columns": [], "rows": []}'), 5))

    assert 400 == answer.status


def stored(storage, bucket: str = "shop-audiences", **more: str) -> dict[str, Any]:
    """Return settings that lead to the bucket."""
    return {
        "place": f"s3://{bucket}/exports",
        "s3_region": storage.region,
        "s3_endpoint": storage.url,
        **more,
    }


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_a_file_is_in_the_bucket(storage, form):
    """Object storage holds it below the prefix."""
    secrets = {"username": "key", "password": "secret"}
    assert OutcomeKind.ACCEPTED is send(stored(storage, format=form), secrets).kind

    client = storage.client("s3")
    listed = client.list_objects_v2(Bucket="shop-audiences", Prefix="exports/lapsed/2026-03-01/")
    (name,) = (entry["Key"] for entry in listed["Contents"] if entry["Key"].endswith(form))
    assert ROWS == read(name, client.get_object(Bucket="shop-audiences", Key=name)["Body"].read())


def test_a_bucket_that_is_not_there_is_missing(storage):
    """It is not made."""
    outcome = send(stored(storage, bucket="none"), {"username": "key", "password": "secret"})

    assert (OutcomeKind.FAILED, Category.DESTINATION_MISSING) == (outcome.kind, outcome.category)


def test_a_storage_that_is_not_there_is_asked_again(storage):
    """Nobody knows whether the file was written."""
    settings = {**stored(storage), "s3_endpoint": "http://127.0.0.1:1"}
    outcome = send(settings, {"username": "key", "password": "secret"})

    assert OutcomeKind.RETRY is outcome.kind


@pytest.mark.parametrize("secret", ["password", "private_key"])
def test_a_file_is_on_the_server(files, secret):
    """SFTP with a password or a private key; the file has its last name only when it is whole."""
    settings = {"place": f"{files.url}/{secret}", "format": "jsonl", "host_key": files.host_key}
    outcome = send(settings, {"username": files.user, "password": getattr(files, secret)})

    assert OutcomeKind.ACCEPTED is outcome.kind, outcome
    file = only(files.folder / "exports" / secret)
    assert ROWS == read(file.name, file.read_bytes())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"password": "wrong"}, "does not accept the user name and password"),
        ({"host_key": f"ssh-ed25519 {'A' * 68}"}, "another host key"),
        ({"host_key": None}, "`host_key` is needed"),
        ({"password": "-----BEGIN OPENSSH PRIVATE KEY-----\nx"}, "no form that is known"),
    ],
)
def test_a_server_that_is_not_the_right_one_gets_nothing(files, change, message):
    """A wrong password, a wrong host key and none are told apart, and no secret is said."""
    host_key = change.get("host_key", files.host_key)
    settings = {"place": files.url, **({"host_key": host_key} if host_key else {})}
    password = change.get("password", files.password)
    outcome = send(settings, {"username": files.user, "password": password})

    assert OutcomeKind.FAILED is outcome.kind
    assert message in outcome.message
    assert password not in repr(outcome)


def test_a_server_that_does_not_answer_is_asked_again(files):
    """Nothing has left this machine."""
    settings = {"place": "sftp://127.0.0.1:1/exports", "host_key": files.host_key}
    outcome = send(settings, {"username": files.user, "password": files.password})

    assert (OutcomeKind.RETRY, True) == (outcome.kind, "no connection" in outcome.message)
