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


def undo(shell: Shell, entry: str) -> list[Said]:
    """Plan the inverse of an entry into a file, and apply that."""
    file = str(shell.root / "inverse.json")
    return [shell("plan", "--inverse", entry, "--out", file), shell("apply", file)]


def test_a_sync_is_undone_and_stays_so_until_the_next_apply(applied: Shell, snapshot):
    """Who came leaves and who left is back; no sync sends them again, and the next apply says and does what is defined."""
    before = applied.members("mail", "Buyers on mail"), applied.members("ads", "Buyers")
    applied.people(10, 20, 30, 40, without_consent=[1])
    assert 0 == applied("sync").code
    said = undo(applied, latest(applied)[:10])

    assert [0, 0] == [one.code for one in said], said
    assert {*before[0]} == {*applied.members("mail", "Buyers on mail")}
    assert before[1] == applied.members("ads", "Buyers")
    said += [applied("sync"), applied("plan", "--concise")]
    assert [1, 0] == [one.code for one in said[2:]]
    assert snapshot == "\n".join(map(plain, said))
    assert 0 == applied("apply", "--auto-approve").code
    assert "person4@example.com" in applied.members("mail", "Buyers on mail")
    assert [] == applied("plan", "--json").data["plan"]["changes"]


def test_an_apply_is_undone_with_its_configuration(applied: Shell, snapshot):
    """A new name goes back, what was created ends as it says, and the plan after the revert is empty but for the people."""
    applied.bind("buyers_on_ads", destination={"name": "Renamed", "description": "All"})
    applied.bind("more_on_mail", "mail", on_delete="delete_destination")
    assert 0 == applied("apply", "--auto-approve").code
    assert ["Buyers on mail", "More on mail"] == sorted(applied.objects("mail"))
    said = undo(applied, latest(applied))

    assert [0, 0] == [one.code for one in said], said
    assert snapshot == "\n".join(map(plain, said))
    assert (["Buyers"], ["Buyers on mail"]) == (applied.objects("ads"), applied.objects("mail"))
    applied.bind("buyers_on_ads", destination={"name": "Buyers", "description": "All"})
    applied.unbind("more_on_mail")
    assert 0 == applied("apply", "--auto-approve").code
    assert [] == applied("plan", "--json").data["plan"]["changes"]


def test_what_ended_is_brought_back_as_far_as_it_is_known(applied: Shell):
    """A binding whose members were removed is back with them; one whose object was deleted is said to be lost."""
    applied.bind(
        "buyers_on_ads", destination={"name": "Buyers", "description": "All"}, on_delete="delete_destination"
    )
    assert 0 == applied("apply", "--auto-approve").code
    applied.unbind("buyers_on_ads")
    applied.unbind("buyers_on_mail")
    assert 0 == applied("apply", "--auto-approve").code
    assert {} == applied.members("mail", "Buyers on mail")
    said = undo(applied, latest(applied))

    assert [0, 0] == [one.code for one in said], said
    assert "binding.buyers_on_ads is not undone: its destination was deleted" in said[0].out
    assert 3 == len(applied.members("mail", "Buyers on mail"))


def test_what_is_no_longer_known_is_said(applied: Shell):
    """After its time whom a sync moved stays as it is: the plan says why, and has nothing to do."""
    applied.people(10, 20, 30, 40, without_consent=[1])
    assert 0 == applied("sync").code
    for listing in applied.root.rglob("members.json"):
        listing.write_text(re.sub(r'"at": [0-9.]+', '"at": 1.0', listing.read_text()))
    plan = applied("plan", "--inverse", latest(applied), "--json").data["plan"]

    assert ([], []) == (plan["changes"], plan["steps"])
    assert 2 == sum("is not known any more" in note for note in plan["notes"])
