"""One state in PostgreSQL for a laptop and two runners: different folders and processes, the same members."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from audiform.sandbox.serve import serve
from cli.shell import Shell, make_project, services
from servers import Database
from whole.commands import Running, start

pytestmark = pytest.mark.slow
PATIENCE = 60.0


@dataclass(frozen=True)
class Team:
    """Two checkouts of one project; `here` runs in this process."""

    here: Shell
    there: Path
    database: Database

    def push(self) -> None:
        """Bring what was written here to the other checkout, as git would."""
        for file in (*self.here.root.glob("*.yaml"), self.here.root / "people.csv"):
            shutil.copy(file, self.there)

    def started(self, command: str, *options: str) -> Running:
        """Start a command in the other checkout, in a process of its own."""
        return start(self.there, command, *options)

    def ran(self, command: str, *options: str) -> tuple[int | None, str]:
        """Run a command there to its end."""
        return self.started(command, *options).ended(PATIENCE)

    def emails(self) -> int:
        """Return how many people are in the destination."""
        return len(self.here.members("ads", "Buyers on ads")["email"])

    def wait(self, moment: str, seconds: float = 20.0) -> None:
        """Wait until a statement about the database's sessions says yes."""
        until = time.monotonic() + seconds
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            while not connection.execute(moment.encode()).fetchall():
                assert time.monotonic() < until, moment
                time.sleep(0.01)


@pytest.fixture
def team(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Team]:
    """Yield two checkouts whose state is in one schema; the password is in a file that only its owner can read."""
    login = tmp_path / "pgpass"
    login.write_text(f"127.0.0.1:{database.port}:*:{database.user}:{database.password}\n")
    login.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(login))
    monkeypatch.setenv("PGUSER", database.user)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    here, there = tmp_path / "laptop", tmp_path / "runner"
    here.mkdir()
    with serve(services()) as sandbox:
        make_project(here, sandbox)
        url = f"{database.url}?schema=team{uuid4().hex[:8]}"
        (here / "audiform.yaml").write_text(f'project: shop\nstate: {{url: "{url}"}}\n')
        shell = Shell(here, sandbox, capsys)
        shell.people(10, 20, 30)
        shell.bind("buyers_on_ads")
        shutil.copytree(here, there)
        yield Team(shell, there, database)


def test_a_plan_of_one_machine_is_applied_and_kept_up_to_date_on_others(team: Team):
    """A plan is made here, applied there, and nothing is left to do here; a sync of either knows what the other sent."""
    assert 0 == team.here("plan", "--out", str(team.there / "plan.json")).code
    assert 0 == team.ran("apply", str(team.there / "plan.json"))[0]
    assert 3 == team.emails()
    assert 0 == team.here("plan", "--detailed-exitcode").code
    team.here.people(10, 20, 30, 40, without_consent=[1])
    assert 0 == team.here("sync").code
    team.push()
    before = (team.here.sandbox.services.count, team.emails())

    code, said = team.ran("sync")
    assert (0, before) == (code, (team.here.sandbox.services.count, team.emails())), said
    assert 3 == team.emails()
    assert not [*team.there.glob(".audiform*"), *team.here.root.glob(".audiform*")]
    seen = str(team.here("doctor"))
    assert "postgresql: answers, and holds 5 records" in seen
    assert team.database.password not in said + seen


def test_two_runs_at_once_and_one_that_is_killed(team: Team):
    """The second ends with exit code 4; the first is killed in a request, and is finished from the other folder."""
    team.here.sandbox.faults.add("slow", probability=1.0, seconds=3.0)
    first = team.started("apply", "--auto-approve")
    team.wait("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1")
    begun = team.here.sandbox.services.count
    while team.here.sandbox.services.count == begun:
        time.sleep(0.01)
    second = team.here("apply", "--auto-approve")
    assert (4, True, True) == (
        second.code,
        "`audiform apply`" in second.err,
        "audiform -e default state unlock" in second.err,
    )
    assert 0 == team.here("plan").code

    first.kill()
    assert -9 == first.ended(PATIENCE)[0]
    team.here.sandbox.faults.clear()
    assert 0 == team.here("apply", "--auto-approve").code
    assert (1, 3) == (len(team.here.objects("ads")), team.emails())
    assert 0 == team.ran("plan", "--detailed-exitcode")[0]


def test_a_server_that_ends_under_a_run(team: Team):
    """The run stops and says what is true; the next one goes on from the journal."""
    team.here.sandbox.faults.add("slow", probability=1.0, seconds=1.5)
    run = team.started("apply", "--auto-approve")
    holder = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
    team.wait(holder)
    begun = team.here.sandbox.services.count
    while team.here.sandbox.services.count == begun:
        time.sleep(0.01)
    with psycopg.connect(team.database.url, autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({holder}) h".encode())
    code, said = run.ended(PATIENCE)
    assert (1, True) == (code, "that held the lock is gone" in said), said

    team.here.sandbox.faults.clear()
    assert 0 == team.here("apply", "--auto-approve").code
    assert (1, 3) == (len(team.here.objects("ads")), team.emails())
    assert 0 == team.here("plan", "--detailed-exitcode").code
    assert "Nobody holds the lock\n" == team.here("state", "unlock").err
