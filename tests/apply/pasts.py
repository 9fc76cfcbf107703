"""A shop as it was at one moment, to go back to before each kill."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apply.killing import applied
from audiform.sandbox.serve import serve
from cli.shell import Shell, make_project, services

Change = Callable[[Shell], None]


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
def past(changes: Sequence[Change], root: Path, capsys: Any) -> Iterator[Past]:
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
