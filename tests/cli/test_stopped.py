"""A large sync that is stopped in the middle: the next one goes on, whoever stopped it and however."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from audiform.sandbox.faults import FaultKind
from cli.shell import Shell
from whole.commands import Running, start

PEOPLE = 2_000
PER_REQUEST = 10
SETTLED = 640
"""The first batch: what is journalled at once are 64 requests."""


@pytest.fixture
def large(shell: Shell) -> Shell:
    """Return a shell with a list of three, and two thousand people to be sent, ten in a request."""
    manifest = next(Path(shell.root).glob("connectors/*meta*/manifest.yaml"))
    text = json.loads(manifest.read_text())
    text["limits"] |= {"rows_per_request": PER_REQUEST, "min_members": 0}
    manifest.write_text(json.dumps(text))
    shell.bind("buyers_on_ads")
    assert 0 == shell("apply", "--auto-approve").code
    shell.people(*range(PEOPLE + 3))
    return shell


def stuck(shell: Shell) -> Running:
    """Start a sync whose platform does not answer any more once the first batch and some of the second are taken."""
    shell.sandbox.faults.add(FaultKind.SLOW, operation="add", seconds=0, times=100)
    shell.sandbox.faults.add(FaultKind.SLOW, operation="add", seconds=3, times=8)
    running = start(shell.root, "sync")
    until = time.monotonic() + 60
    while len(shell.sandbox.faults.waiting) > 1 or shell.sandbox.faults.waiting[0].times > 5:
        assert time.monotonic() < until, running.output.read_text()
        time.sleep(0.02)
    return running


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=["kill", "term", "interrupt"]
)
def test_what_was_accepted_is_not_sent_again(large: Shell, number: signal.Signals):
    """The next sync sends the rest, says what it takes up, and everybody is there in the end."""
    running = stuck(large)
    assert running.process.pid is not None
    os.kill(running.process.pid, number)
    code, said = running.ended(30)
    large.sandbox.faults.clear()
    again = large("sync", "--json").data
    spilled = [*large.root.rglob("spill-*")]

    assert code == (-9 if number is signal.SIGKILL else 130)
    assert number is signal.SIGKILL or "the next sync goes on from there" in said
    assert PEOPLE - SETTLED == again["people"][0]["sent"]["add"]
    assert f"stopped after {SETTLED} people" in again["notes"][0]
    assert PEOPLE + 3 == len(large.members("ads", "Buyers on ads")["email"])
    assert [] == spilled
