"""An apply that is killed at any point of its journal is finished by the next one: nothing is doubled or forgotten."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from apply.killing import applied, applied_as_reviewed, killed, planned
from audiform.sandbox.serve import serve
from cli.shell import Shell, make_project, services

pytestmark = pytest.mark.kills

Change = Callable[[Shell], None]


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


def held(shell: Shell) -> dict[str, Any]:
    """Return what the platforms have: the names of all objects, and who is in them."""
    return {
        connector: sorted(
            (one.attributes["name"], one.attributes.get("opt_in_process"), str(one.members.as_json()))
            for one in shell.sandbox.destinations(connector)
        )
        for connector in ("ads", "mail")
    }


@dataclass
class Past:
    """A shop as it was at one moment, its folder and its platforms, to go back to before each kill."""

    shell: Shell
    accounts: dict[str, Any]
    bindings: dict[str, dict[str, Any]]

    def restore(self) -> Shell:
        """Let everything be as it was."""
        shutil.rmtree(self.shell.root)
        shutil.copytree(kept(self.shell), self.shell.root)
        self.shell.sandbox.world.accounts = deepcopy(self.accounts)
        self.shell.bindings = dict(self.bindings)
        return self.shell


def kept(shell: Shell) -> Path:
    """Return where a copy of the shop's folder is kept."""
    return shell.root.with_suffix(".past")


@contextmanager
def past(changes: list[Change], root: Path, capsys: Any) -> Iterator[Past]:
    """Yield a shop of three people in which the changes have been made and applied."""
    with serve(services()) as sandbox:
        root.mkdir()
        make_project(root, sandbox)
        shell = Shell(root, sandbox, capsys)
        shell.people(10, 20, 30)
        for change in changes:
            change(shell)
            assert applied(shell.root).ok
        shutil.copytree(root, kept(shell))
        yield Past(shell, deepcopy(sandbox.world.accounts), dict(shell.bindings))


def undisturbed(begun: Past, change: Change) -> dict[str, Any]:
    """Return what the platforms hold after the change when nobody kills."""
    shell = begun.restore()
    change(shell)
    assert applied(shell.root).ok
    return held(shell)


@pytest.mark.parametrize(
    "history", [[first], [first, changed], [first, ended]], ids=["first", "changed", "ended"]
)
def test_a_kill_at_any_point_changes_nothing_in_the_end(history, quick_path, capsys):
    """Killed before and after every write of the journal, and run again: the platforms hold what they would have."""
    kills = 0
    with past(history[:-1], quick_path / "shop", capsys) as begun:
        wanted = undisturbed(begun, history[-1])
        for point in itertools.count():
            shell = begun.restore()
            history[-1](shell)
            if not killed(shell.root, point):
                break
            kills += 1
            report = applied(shell.root)

            assert report.ok, (point, report)
            assert wanted == held(shell), point
            assert () == planned(shell.root).changes, point
    assert kills >= 10


def test_a_reviewed_plan_takes_what_a_kill_has_left(quick_path, capsys):
    """A plan that is saved after the kill, reviewed and applied finishes as well: its steps take what is there."""
    with past([], quick_path / "shop", capsys) as begun:
        wanted = undisturbed(begun, first)
        for point in itertools.count():
            shell = begun.restore()
            first(shell)
            if not killed(shell.root, point):
                break
            report = applied_as_reviewed(shell.root)

            assert report.ok, (point, report)
            assert wanted == held(shell), point
            assert () == planned(shell.root).changes, point
