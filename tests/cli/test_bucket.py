"""A team whose state is in a bucket: whatever one machine did, another one goes on with."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from cli.machines import CREDENTIALS, applying, killed_at
from cli.shell import Shell
from servers import ObjectStorage

pytestmark = pytest.mark.slow
BUCKET = "shop-audiences"


@pytest.fixture
def prefix() -> str:
    """Return a prefix of its own for each test."""
    return f"w{uuid4().hex[:12]}"


@pytest.fixture
def machines(
    shell: Shell, storage: ObjectStorage, prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> tuple[Shell, Shell]:
    """Return two checkouts of a project with a binding on two platforms each."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    url = f"s3://{BUCKET}/{prefix}?region={storage.region}&endpoint_url={storage.url}"
    (shell.root / "audiform.yaml").write_text(json.dumps({"project": "shop", "state": {"url": url}}))
    shell.bind("buyers_on_ads", destination={"name": "Buyers"})
    shell.bind("buyers_on_mail", "mail", destination={"name": "Buyers"})
    elsewhere = tmp_path.with_name(f"{tmp_path.name}-elsewhere")
    shutil.copytree(shell.root, elsewhere)
    return shell, replace(shell, root=elsewhere, bindings=dict(shell.bindings))


@pytest.fixture
def holder(storage: ObjectStorage, prefix: str) -> Callable[[], str]:
    """Return how it is seen for what somebody holds the lock; empty while nobody does."""
    client = storage.client("s3")

    def seen() -> str:
        listed = client.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/default/lock.json")
        if not listed.get("Contents"):
            return ""
        found = client.get_object(Bucket=BUCKET, Key=listed["Contents"][0]["Key"])["Body"].read()
        return json.loads(found).get("operation", "")

    return seen


def is_settled(machine: Shell) -> None:
    """See that there is nothing to do, and that each platform has one object with everybody in it."""
    assert 0 == machine("plan", "--detailed-exitcode").code
    assert (["Buyers"], ["Buyers"]) == (machine.objects("ads"), machine.objects("mail"))


def people(machine: Shell) -> list[int]:
    """Return how many people each platform has."""
    return [len(machine.members("ads", "Buyers")["email"]), len(machine.members("mail", "Buyers"))]


def test_one_machine_goes_on_where_another_was(machines: tuple[Shell, Shell]):
    """What one applied is no change on the other, which syncs from there; nothing is kept on either."""
    one, other = machines
    assert 0 == one("apply", "--auto-approve").code
    is_settled(other)
    for machine in machines:
        machine.people(10, 20, 31, 40)
    assert 0 == other("sync").code
    is_settled(one)
    assert [4, 4] == people(one)
    assert "s3: answers, and holds 6 records" in one("doctor").out
    assert "People: +0 -0 ~0." in one("sync").out
    listed = [each("state", "list", "--json").data["records"] for each in machines]
    assert len(listed[0]) == 6
    assert listed[0] == listed[1]
    assert not [path for machine in machines for path in machine.root.rglob(".audiform")]


def test_two_applies_at_once(machines: tuple[Shell, Shell], holder: Callable[[], str]):
    """The second one ends with exit code 4 and says who holds the lock; the first one is not disturbed."""
    one, other = machines
    one.sandbox.faults.add("slow", seconds=2.0, times=1)
    first = applying(one.root)
    until = time.monotonic() + 30
    while not holder() and time.monotonic() < until:
        time.sleep(0.02)
    said = other("apply", "--auto-approve")
    first.join(60)

    assert (4, 0) == (said.code, first.exitcode)
    assert "(pid <pid>) has been running `audiform apply`" in said.err
    assert "audiform -e default state unlock" in said.err
    assert "" == holder()
    is_settled(other)


@pytest.mark.parametrize("point", [7, 20], ids="point{}".format)
def test_an_apply_that_was_killed_is_finished_elsewhere(machines: tuple[Shell, Shell], point: int):
    """Another machine finds what was on its way, makes no object a second time, and adds everybody."""
    one, other = machines
    assert -9 == killed_at(one.root, point)
    assert 0 == other("apply", "--auto-approve").code

    is_settled(one)
    assert [3, 3] == people(one)
