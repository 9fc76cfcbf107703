"""`examples/orchestration`: what an orchestrator makes of a sync. Airflow and Dagster themselves are not needed for that."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from cli.shell import Shell

HOME = Path(__file__).resolve().parents[2] / "examples" / "orchestration"


def _module() -> ModuleType:
    spec = spec_from_file_location("audiform_sync", HOME / "audiform_sync.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


audiform_sync = _module()


@pytest.fixture
def applied(shell: Shell) -> Shell:
    """Return a shell in which a binding was applied that lets nobody go."""
    shell.bind("buyers_on_ads", destination={"name": "Buyers"}, guards={"max_removed": 0})
    assert 0 == shell("apply", "--auto-approve").code
    return shell


def verdict(shell: Shell) -> tuple[str, str]:
    """Sync, and return what an orchestrator makes of it."""
    said = shell("sync", "--json")
    result = audiform_sync.result_of(said.code, said.out)
    return result.verdict.value, result.text


def test_each_exit_code_has_its_verdict(applied: Shell):
    """Done, a guard for a person, a failure and a lock to come back after; the problem is told in one line."""
    applied.people(10)
    guard = "buyers_on_ads.max_removed: 2 people would leave the destination at once; the most that is allowed is 0 people"
    assert ("person", guard) == verdict(applied)

    applied.people(10, 20, 30, 40)
    applied.sandbox.faults.add("error", type="ads", category="permission_denied", times=9)
    kind, text = verdict(applied)
    assert ("again", True) == (kind, text.startswith("buyers_on_ads: "))
    applied.sandbox.faults.clear()

    with closing(applied.store()) as store, store.lock("audiform apply"):
        assert ("later", "`audiform sync` ended with exit code 4") == verdict(applied)
    applied.bind("buyers_on_ads", destination={"name": "Buyers"}, description="Changed")
    assert "again" == verdict(applied)[0]


def test_a_sync_is_run_as_a_process(applied: Shell):
    """The command that is built is one that there is, and its report is read: numbers of people, never people."""
    applied.people(10, 20, 30, 40)
    sync = audiform_sync.Sync(
        str(applied.root), "default", ["buyers_on_ads"], (sys.executable, "-m", "audiform")
    )

    result = sync.run()

    people = {"status": "done", "sent": {"add": 1}, "rejected": 0, "left_out": {}}
    assert ("done", {"buyers_on_ads": people}) == (result.verdict.value, dict(result.people))
    sync.stop()  # it has ended: nobody is there to be interrupted


@pytest.mark.parametrize(
    ("codes", "expected", "printed"),
    [("0", 0, ""), ("4 4 0", 0, ""), ("4 4 4 4", 4, "said 4\n"), ("3", 3, "said 3\n")],
    ids=["done", "locked for a while", "locked for long", "guard"],
)
def test_cron_hears_of_what_a_person_should_know(tmp_path, codes, expected, printed):
    """The script is silent while all is well, waits for the lock, and prints everything else."""
    program = tmp_path / "audiform"
    # Ends with one code after the other.
    program.write_text(
        '#!/bin/sh\nread -r code rest < codes\necho "$rest" > codes\necho "said $code"\nexit "$code"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    (tmp_path / "codes").write_text(codes, encoding="utf-8")
    environment = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "AUDIFORM_WAIT": "0",
        "AUDIFORM_TRIES": "3",
    }

    done = subprocess.run(
        (HOME / "cron" / "audiform-sync", "shop", "production"),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (expected, printed) == (done.returncode, done.stdout)
