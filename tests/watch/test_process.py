"""`audiform sync --watch` as a real process: due at its start, stopped in the middle, killed, started again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from audiform.sandbox.serve import serve
from cli.shell import Shell, make_project, services
from watch.running import came_of, figures_of, hours_pass, said, until, watching


@pytest.fixture
def applied(quick_path, capsys) -> Iterator[Shell]:
    """Return a shell in which a binding with a schedule was applied, hours ago; meanwhile there are more people."""
    with serve(services()) as sandbox:
        make_project(quick_path, sandbox)
        shell = Shell(quick_path, sandbox, capsys)
        shell.people(10, 20, 30)
        shell.bind("buyers_on_ads", destination={"name": "Buyers"}, schedule={"every": "1h"})
        assert 0 == shell("apply", "--auto-approve").code
        shell.people(*range(40))
        hours_pass(shell)
        yield shell


@pytest.mark.slow
def test_a_watcher_catches_up_stops_and_survives_a_kill(applied, quick_path):
    """What was missed is sent once at the start; SIGTERM ends it in the middle of a sync, and so does SIGKILL; nobody is lost."""
    log, faults = quick_path / "log", applied.sandbox.faults

    with watching(applied, log, "--metrics", "127.0.0.1:0") as process:
        ended = until(log, "sync_ended")
        figures = figures_of(until(log, "watching")["metrics"], overdue="0.0")
        applied.people(*range(60))
        faults.add("slow", type="ads", operation="add", seconds=1)
        hours_pass(applied)
        until(log, "sync_started", 2)
        time.sleep(0.3)
        os.kill(process.pid or 0, signal.SIGTERM)
        process.join(20)
    assert 0 == process.exitcode
    assert ("done", 37) == (ended["result"], ended["people"]["add"])
    assert 'audiform_binding_runs_total{binding="buyers_on_ads",result="done"} 1.0' in figures
    assert ["sync_interrupted", "stopped"] == [line["event"] for line in said(log)[-2:]]
    assert "interrupted" == came_of(applied)

    faults.clear()
    faults.add("slow", type="ads", operation="add", seconds=1)
    with watching(applied, log) as process:
        until(log, "sync_started", 3)
        time.sleep(0.3)
        process.kill()
    assert "running" == came_of(applied)

    faults.clear()
    hours_pass(applied)
    with watching(applied, log):
        until(log, "sync_ended", 2)
    assert 60 == len(applied.members("ads", "Buyers")["email"])
    assert "done" == came_of(applied)
    assert "example.com" not in log.read_text(encoding="utf-8")
