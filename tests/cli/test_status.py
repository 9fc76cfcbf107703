"""`audiform status` of bindings, and what is written of each run: last, result, next, overdue."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from audiform.state.store import LastRun
from cli.shell import Shell

LONG_AGO = datetime(2024, 5, 1, 6, tzinfo=UTC)


@pytest.fixture
def applied(shell: Shell) -> Shell:
    """Return a shell in which three bindings were applied, two of them with a schedule."""
    shell.bind(
        "daily", destination={"name": "A"}, schedule={"cron": "0 6 * * *", "time_zone": "Europe/Berlin"}
    )
    shell.bind("often", "mail", schedule={"every": "15m"}, guards={"max_removed": 0})
    shell.bind("by_hand", destination={"name": "C"})
    assert 0 == shell("apply", "--auto-approve").code
    return shell


def test_each_run_is_written_down(applied: Shell):
    """What an apply and a sync did with a binding, also one by hand: its schedule goes on from there."""
    with closing(applied.store()) as store:
        assert dict.fromkeys(("by_hand", "daily", "often"), "done") == {
            name: run.result for name, run in store.last_runs().items()
        }
    applied.sandbox.faults.add("error", type="ads", category="permission_denied", times=9)
    applied.people(10)

    assert 1 == applied("sync").code
    assert 1 == applied("sync", "daily").code
    with closing(applied.store()) as store:
        runs = store.last_runs()
        assert {"by_hand": ("failed", 1), "daily": ("failed", 2), "often": ("stopped", 0)} == {
            name: (run.result, run.failures) for name, run in runs.items()
        }
        assert all(run.ended is not None and run.started <= run.ended for run in runs.values())


def test_status_says_what_is_due_and_what_is_overdue(applied: Shell, snapshot):
    """Last run and result, the next one, and since when a run was missed; what a file says and no apply recorded is no matter."""
    applied.bind("by_hand", destination={"name": "C"}, schedule={"every": "1m"})
    fresh = str(applied("status"))
    now = datetime.now(UTC)
    with closing(applied.store()) as store:
        store.note_runs(
            [
                LastRun("often", LONG_AGO, LONG_AGO, "failed", 3),
                replace(
                    store.last_runs()["daily"],
                    started=now - timedelta(seconds=1),
                    ended=None,
                    result="running",
                ),
            ]
        )

    assert snapshot == "\n".join([fresh, str(applied("status"))])
    bindings = applied("status", "--json").data["bindings"]
    assert [
        ("by_hand", None, None, None),
        ("daily", "running", {"cron": "0 6 * * *", "time_zone": "Europe/Berlin"}, None),
        ("often", "failed", {"every": "15m"}, "<moment>"),
    ] == [
        (
            each["binding"],
            each["schedule"] and each["last_run"]["result"],
            each["schedule"],
            each["overdue_since"],
        )
        for each in bindings
    ]


def test_nothing_is_applied_yet(shell: Shell, snapshot):
    """Nobody wonders about an empty table."""
    assert snapshot == str(shell("status"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--watch", "--approve-guard", "often.max_removed"),
        ("--metrics", "127.0.0.1:1"),
        ("--metrics", "9090", "--watch"),
    ],
    ids=["guard", "metrics alone", "no host"],
)
def test_options_that_would_hold_for_ever_are_refused(shell: Shell, arguments, snapshot):
    """What somebody approves once is not approved for each sync that is to come."""
    said = shell("sync", *arguments)

    assert snapshot == str(said)
    assert 1 == said.code


def test_a_watcher_begins_with_a_project_that_is_right(shell: Shell, snapshot):
    """A mistake is said at once, and the process ends: whoever starts it sees it."""
    assert snapshot == str(shell("sync", "--watch", "buyers_on_adds"))
