"""The `s3:` backend: the contracts on a real server, and what is its own (places, credentials, conditional writes)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any
from uuid import uuid4

import pytest
from deltalake import DeltaTable

from audiform.address import Address, Kind
from audiform.diagnostics import DiagnosticError
from audiform.state.open import open_state
from audiform.state.s3.place import place_of
from audiform.state.s3.table import SegmentTable
from audiform.state.segments.segment import Segment
from audiform.state.store import LockedError
from servers import ObjectStorage
from state.contract import record
from state.ledger_contract import KEY, run, settled, staged
from state.remote import RemoteLedger, RemoteStore, open_remote

pytestmark = pytest.mark.slow
BUCKET = "shop-audiences"
NOBODY = Address(Kind.BINDING, "nobody")


@pytest.fixture(scope="module", autouse=True)
def login(storage: ObjectStorage) -> Iterator[None]:
    """Log in as an operator would: with credentials in the environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        yield


@pytest.fixture
def place(storage: ObjectStorage) -> str:
    """Return a URL with a prefix of its own for each test."""
    return f"s3://{BUCKET}/{uuid4().hex[:12]}?region={storage.region}&endpoint_url={storage.url}"


@pytest.fixture
def objects(storage: ObjectStorage, place: str) -> Callable[[], dict[str, Any]]:
    """Return how the objects of a place are listed: name -> when it was written, without the prefix."""
    prefix = f"{place.partition('?')[0].rpartition('/')[2]}/test/"
    client = storage.client("s3")

    def listed() -> dict[str, Any]:
        found = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return {item["Key"].removeprefix(prefix): item for item in found}

    return listed


class TestS3Store(RemoteStore):
    """The contract on a server."""


class TestS3Ledger(RemoteLedger):
    """The contract on a server."""

    @pytest.fixture
    def kept(
        self, storage: ObjectStorage, objects: Callable[[], dict[str, Any]]
    ) -> Callable[[], Iterable[bytes]]:
        """Return how everything that is kept is read: every object of the prefix."""
        client = storage.client("s3")
        return lambda: (
            client.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read() for item in objects().values()
        )


def code_of(use: Callable[[], object]) -> str:
    """Return the code of the diagnostic that `use` raises."""
    with pytest.raises(DiagnosticError) as caught:
        use()
    return caught.value.diagnostics[0].code


def test_two_writers_never_both_win(place: str):
    """Whose lock was taken away is refused by the storage, and what the other one wrote stays."""
    with closing(open_remote(place)) as slow, closing(open_remote(place)) as other:
        slow.put(record("one"))
        lock = slow.lock("apply")
        assert 1 == slow.read().serial
        other.force_unlock()
        # Nobody wrote anything since, and it is refused all the same.
        intend = partial(slow.intend, "run", NOBODY, "create_destination", "", {})
        assert "state-lock-lost" == code_of(intend)
        with other.lock("sync"):
            other.put(record("two"))
            assert ["state-lock-lost"] * 2 == [code_of(intend), code_of(lambda: slow.put(record("three")))]
        lock.__exit__()
        assert ["one", "two"] == [address.name for address in other.read().records]
        assert [] == list(other.pending())


def test_a_list_of_the_ledger_has_one_writer(place: str):
    """Who would replace a list that is another one by now is refused; who adds to it adds to what it is now."""
    (store, ledger), (_, other) = (open_state(place, Path(), "test") for _ in range(2))
    with closing(store):
        store.create()
        with closing(ledger.open(write=True)) as slow, closing(other.open(write=True)) as quick:
            assert 0 == slow.count(KEY)
            for session, name in ((slow, "r1"), (quick, "r2")):
                staged(session, run(name), name)
            quick.fold(run("r2"), [settled(1)])
            assert "state-lock-lost" == code_of(partial(slow.drop, KEY, "one"))
            slow.fold(run("r1"), [settled(1)])
        with closing(ledger.open(write=False)) as session:
            assert 2 == session.count(KEY)


def test_many_writers_at_once_make_as_many_changes(place: str):
    """Each write that returned is there, and each one that was refused is not: nobody overwrites anybody."""
    stores = [open_remote(place) for _ in range(4)]
    stores[0].create()

    def write(number: int) -> str | None:
        try:
            stores[number % 4].put(record(f"r{number}"))
        except DiagnosticError:
            return None
        return f"r{number}"

    with ThreadPoolExecutor(4) as pool:
        won = [name for name in pool.map(write, range(12)) if name]
    for store in stores:
        assert sorted(won) == sorted(address.name for address in store.read().records)
        assert len(won) == store.read().serial
        store.close()


def test_a_write_whose_answer_was_lost_counts(place: str):
    """The client tries again and is told that there is another object: its own, which is no conflict."""
    with closing(open_remote(place)) as store:
        store.put(record("one"))
        client, tries = store.database.bucket._client, []  # type: ignore[attr-defined]

        def again(**details: Any) -> int | None:
            tries.append(details["attempts"])
            return 0 if details["attempts"] == 1 else None

        client.meta.events.register_first("needs-retry.s3.PutObject", again)
        try:
            assert 2 == store.put(record("two"))
        finally:
            client.meta.events.unregister("needs-retry.s3.PutObject", again)
        assert 1 in tries
        assert 3 == store.put(record("three"))


def test_what_was_not_removed_is_an_error(place: str):
    """The storage may refuse to remove one object of many: it may hold somebody who is to be forgotten."""
    bucket = open_remote(place).database.bucket  # type: ignore[attr-defined]

    def denied(parsed: dict[str, Any], **_: object) -> None:
        parsed["Errors"] = [{"Key": "one", "Code": "AccessDenied"}]

    bucket._client.meta.events.register("after-call.s3.DeleteObjects", denied)
    try:
        assert "state-refused" == code_of(lambda: bucket.delete(["one", "two"]))
    finally:
        bucket._client.meta.events.unregister("after-call.s3.DeleteObjects", denied)


@pytest.mark.parametrize(("machine", "free"), [("another", False), (None, False), ("this", True)], ids=str)
def test_a_runner_that_vanished_is_not_taken_over(
    storage: ObjectStorage, place: str, objects: Callable[[], dict[str, Any]], machine: str | None, free: bool
):
    """Nobody knows whether a process of another machine still runs, so its lock holds until somebody releases it."""
    with closing(open_remote(place)) as store:
        store.lock("apply")
        key = objects()["lock.json"]["Key"]
        client = storage.client("s3")
        held = json.loads(client.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        held |= {"pid": 2**22 + 1, "machine": held["machine"] if machine == "this" else machine}
        client.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(held).encode())
        if free:
            with store.lock("sync"):
                return
        with pytest.raises(LockedError) as caught:
            store.lock("sync")
        assert "audiform -e test state unlock" in str(caught.value)
        assert store.force_unlock() == caught.value.holder
        with store.lock("sync"):
            assert store.force_unlock() is not None


def test_there_are_few_objects(place: str, objects: Callable[[], dict[str, Any]]):
    """Intents that are settled leave nothing behind: the object does not grow with each run."""
    with closing(open_remote(place)) as store:
        store.create()
        sizes = []
        with store.lock("sync"):
            for _ in range(5):
                store.settle(
                    store.intend("run", NOBODY, "create_destination", "", {"much": token_hex(10_000)})
                )
                sizes.append(objects()["journal.sqlite.gz"]["Size"])

    assert ["journal.sqlite.gz", "key", "lock.json", "records.sqlite.gz"] == sorted(objects())
    assert max(sizes) < 10_000


def test_the_tables_log_does_not_grow(place: str, objects: Callable[[], dict[str, Any]], tmp_path: Path):
    """A checkpoint stands for what was before it, and that goes; the order of the list is the one that was written."""
    found = open_remote(place).database.bucket  # type: ignore[attr-defined]
    table = SegmentTable(found, "interval 0 seconds")
    segments: list[Segment] = []
    for number in range(24):
        new = Segment(f"r{number}.add.parquet", "one", "put", 1, ("hex:email",))
        (tmp_path / new.file).write_bytes(b"rows")
        before, segments = segments, [*segments[-3:], new]
        table.replace("k", segments, tmp_path, before)
    again = [
        replace(segments[0], binding="first"),
        replace(segments[1], file="r21.key.parquet"),
        *segments[2:],
    ]
    (tmp_path / "r21.key.parquet").write_bytes(b"rows")
    table.replace("k", again, tmp_path, segments)

    assert {"k": tuple(again)} == SegmentTable(found).lists()
    assert len([name for name in objects() if name.startswith("ledger/_delta_log/")]) < 15


def test_other_readers_of_such_tables_read_the_ledger(place: str, storage: ObjectStorage):
    """Where a member is and whose it is can be read with any of Delta Lake's readers; kept identifiers are left out."""
    store, ledger = open_state(place, Path(), "test")
    with closing(store):
        store.create()
        with closing(ledger.open(write=True)) as session:
            staged(session, run("r1"), "ann", "bob")
            session.fold(run("r1"), [settled(2)])
    options = {"aws_endpoint": storage.url, "aws_allow_http": "true", "aws_region": storage.region}
    table = DeltaTable(f"{place.partition('?')[0]}/test/ledger", storage_options=options).to_pyarrow_table()

    assert [(KEY, "one", "put")] * 2 == [
        (row["destination"], row["binding"], row["op"]) for row in table.to_pylist()
    ]
    assert [16, 16] == [len(identity) for identity in table["identity"].to_pylist()]


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("s3://key:s3cret@bucket/state", "state-url-password", "AWS_PROFILE"),
        ("s3://bucket/state?aws_secret_access_key=s3cret", "state-url-password", "AWS_PROFILE"),
        (
            "s3://bucket/state?endpoint_url=https://key:s3cret@s3.example.com",
            "state-url-password",
            "AWS_PROFILE",
        ),
        ("s3://bucket/state?acl=s3cret", "invalid-state-url", "`acl`"),
        ("s3://Bucket_/state", "invalid-state-url", "no bucket"),
        ("s3:bucket", "invalid-state-url", "no bucket"),
        ("s3://bucket/state?endpoint_url=http://s3.example.com", "invalid-state-url", "https"),
        ("s3://bucket", "invalid-state-url", "no prefix"),
    ],
    ids=["login", "parameter", "endpoint", "unknown", "name", "none", "http", "prefix"],
)
def test_a_url_that_is_no_place(url: str, code: str, said: str):
    """A key never stands in a URL, and nothing of it is repeated; what is not encrypted is not used."""
    with pytest.raises(DiagnosticError) as caught:
        open_remote(url)

    diagnostic = caught.value.diagnostics[0]
    assert (code, True) == (diagnostic.code, said in diagnostic.detail)
    assert "s3cret" not in diagnostic.detail


def test_a_project_without_a_prefix_has_its_name():
    """Two projects in one bucket do not meet, unless somebody gives them one prefix."""
    place = place_of("s3://bucket?region=eu-central-1", "shop", "production")

    assert ("shop/production/key", "eu-central-1", None) == (place.key("key"), place.region, place.endpoint)


def test_what_cannot_be_reached_is_said(storage: ObjectStorage, monkeypatch: pytest.MonkeyPatch):
    """A bucket that is not there, a server that is not, and credentials that are not, each with what to do."""
    base = f"s3://{BUCKET}/x?region={storage.region}"
    absent = f"s3://no-such-bucket/x?endpoint_url={storage.url}"
    assert "state-refused" == code_of(lambda: open_remote(absent).read())
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    nobody = f"s3://{BUCKET}/x?region=eu-west-3&endpoint_url={storage.url}"
    assert "state-unreachable" == code_of(lambda: open_remote(nobody).read())
    assert "state-unreachable" == code_of(open_state(nobody, Path(), "test")[1].destinations)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert "state-unreachable" == code_of(
        lambda: open_remote(f"{base}&endpoint_url=http://127.0.0.1:9").read()
    )


def test_a_client_that_is_not_installed_is_named(place: str, monkeypatch: pytest.MonkeyPatch):
    """Without the extra `s3` the command says what to install, of both packages."""
    store, ledger = open_state(place, Path(), "test")
    for package, use in (("deltalake", ledger.destinations), ("boto3", store.read)):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(DiagnosticError) as caught:
            use()
        diagnostic = caught.value.diagnostics[0]
        assert ("state-client-missing", True) == (diagnostic.code, f"`{package}`" in diagnostic.detail)
        assert "pip install 'audiform[s3]'" in diagnostic.detail
