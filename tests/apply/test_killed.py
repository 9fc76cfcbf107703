"""An apply that is killed at any point of its journal is finished by the next one: nothing is doubled or forgotten."""

from __future__ import annotations

import itertools
import os

import pytest

from apply.killing import applied, applied_as_reviewed, killed, planned
from apply.pasts import held, past, undisturbed
from cli.shell import Shell

pytestmark = pytest.mark.kills
STEP = 1 if os.environ.get("AUDIFORM_KILLS") else 5
"""All points with `AUDIFORM_KILLS=1`. Each kills a process; `tests/faults` kills others at each of theirs."""


def first(shell: Shell) -> None:
    """A binding on a platform with a field for the marker, and one on a platform without."""
    shell.bind("buyers_on_ads", destination={"name": "Buyers"}, on_delete="delete_destination")
    shell.bind("buyers_on_mail", "mail", destination={"name": "Buyers"}, on_delete="delete_destination")


def changed(shell: Shell) -> None:
    """One object gets another name, one is replaced, one binding is new, and people move."""
    shell.bind("buyers_on_ads", destination={"name": "Renamed"}, on_delete="delete_destination")
    replaced = {"name": "Buyers", "opt_in_process": "single_opt_in"}
    shell.bind("buyers_on_mail", "mail", destination=replaced, on_delete="delete_destination")
    shell.bind("more_on_ads", destination={"name": "More"})
    shell.people(10, 21, 30, 40, without_consent=[1])


def ended(shell: Shell) -> None:
    """One binding is deleted with its object, the other one stays."""
    shell.unbind("buyers_on_ads")


@pytest.mark.parametrize(
    "history", [[first], [first, changed], [first, ended]], ids=["first", "changed", "ended"]
)
def test_a_kill_at_any_point_changes_nothing_in_the_end(history, quick_path, capsys):
    """Killed before and after writes of the journal, and run again: the platforms hold what they would have."""
    kills = 0
    with past(history[:-1], quick_path / "shop", capsys) as begun:
        wanted = undisturbed(begun, history[-1])
        for point in itertools.count(step=STEP):
            shell = begun.restore()
            history[-1](shell)
            if not killed(shell.root, point):
                break
            kills += 1
            report = applied(shell.root)

            assert report.ok, (point, report)
            assert wanted == held(shell), point
            assert () == planned(shell.root).changes, point
    assert kills >= 10 // STEP


def test_a_reviewed_plan_takes_what_a_kill_has_left(quick_path, capsys):
    """A plan that is saved after the kill, reviewed and applied finishes as well: its steps take what is there.

    What a kill leaves at each point is looked at above; here every sixth one shows that a saved plan reads it as well.
    """
    kills = 0
    with past([], quick_path / "shop", capsys) as begun:
        wanted = undisturbed(begun, first)
        for point in itertools.count(step=6):
            shell = begun.restore()
            first(shell)
            if not killed(shell.root, point):
                break
            kills += 1
            report = applied_as_reviewed(shell.root)

            assert report.ok, (point, report)
            assert wanted == held(shell), point
            assert () == planned(shell.root).changes, point
    assert kills >= 2
