"""`audiform history` and `plan --inverse`, as a user sees them: what was done, and how it is undone."""

from __future__ import annotations

import re

import pytest

from cli.shell import Said, Shell


@pytest.fixture
def applied(shell: Shell) -> Shell:
    """Return a shell in which two bindings were applied."""
    shell.bind("buyers_on_ads", destination={"name": "Buyers", "description": "All"})
    shell.bind("buyers_on_mail", "mail")
    assert 0 == shell("apply", "--auto-approve").code
    return shell


def latest(shell: Shell) -> str:
    """Return the id of the latest entry."""
    entry: str = shell("history", "--json").data[0]["id"]
    return entry


def plain(said: Said) -> str:
    """Return what was said without ids and names of this machine."""
    return re.sub(r"\b[0-9a-f]{12,64}\b", "<id>", re.sub(r"\S+@\S+ *", "<who>  ", str(said)))


def test_each_run_is_in_the_history(applied: Shell, snapshot):
    """Applies and syncs, the latest first, with who, how many people and whether all was done; no person is in it."""
    applied.people(10, 20, 30, 40, without_consent=[1])
    assert 0 == applied("sync").code
    said = [
        applied("history"),
        applied("history", "show", latest(applied)[:8]),
        applied("history", "show", "feed"),
    ]

    assert snapshot == "\n".join(map(plain, said))
    assert "example.com" not in str(applied("history", "--json"))


def test_nothing_was_done_yet(shell: Shell):
    """An empty history says so, and makes no state."""
    assert "Nothing was applied or sent yet\n" == shell("history").out
    assert not (shell.root / ".audiform").exists()
