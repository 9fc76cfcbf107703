"""`moved`, `removed` and `protected`: what is shown before, what is done, and that it is done once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.shell import Shell

RENAMED = [
    {"from": "binding.buyers_on_mail", "to": "binding.in_between"},
    {"from": "binding.in_between", "to": "binding.customers"},
    {"from": "connector.mail", "to": "connector.letters"},
    {"from": "audience.buyers", "to": "audience.everybody"},
]


@pytest.fixture
def applied(shell: Shell) -> Shell:
    """Return a shell whose two bindings were applied to three people."""
    shell.bind("buyers_on_ads")
    shell.bind("buyers_on_mail", "mail")
    assert 0 == shell("apply", "--auto-approve").code
    return shell


def rename(shell: Shell, section: str, old: str, new: str) -> None:
    """Give a resource of a section another name in the YAML."""
    bodies = json.loads((shell.root / f"{section}.yaml").read_text(encoding="utf-8"))[section]
    shell.write(**{section: {new if name == old else name: body for name, body in bodies.items()}})


def rename_all(shell: Shell) -> None:
    """Give a binding, its connector and its audience other names, in the YAML and in `moved`."""
    rename(shell, "connectors", "mail", "letters")
    rename(shell, "audiences", "buyers", "everybody")
    old = shell.bindings.pop("buyers_on_mail")
    shell.bindings = {name: {**body, "audience": "everybody"} for name, body in shell.bindings.items()}
    shell.bindings["customers"] = {**old, "connector": "letters", "audience": "everybody"}
    shell.write(bindings=shell.bindings, moved=RENAMED)


def changes(shell: Shell, *options: str) -> dict[str, Any]:
    """Return `address action` -> change of a plan."""
    found = shell("plan", "--json", *options).data["plan"]["changes"]
    return {f"{one['address']} {one['action']}": one for one in found}


def test_moves_are_shown_and_move_nobody(applied, snapshot):
    """Names change in own lines, chains are followed, nobody is sent; then the entries may go."""
    rename_all(applied)
    people = applied.members("mail", "Buyers on mail")

    assert snapshot == str(applied("plan"))
    assert snapshot == str(applied("apply", "--auto-approve"))
    assert snapshot == str(applied("plan", "--detailed-exitcode"))
    assert people == applied.members("mail", "Buyers on mail")


def test_who_leaves_while_things_are_renamed_is_removed(applied):
    """The plan counts the members under their old names, and the ledger has them under the new ones."""
    rename_all(applied)
    applied.people(10, 21)
    found = changes(applied)

    assert {"audience.everybody move", "binding.customers move", "connector.letters move"} <= found.keys()
    assert 0 == applied("apply", "--auto-approve").code
    report = applied("sync", "--json").data
    sent = {one["binding"]: one["sent"] for one in report["people"]}
    assert {"remove": 1, "modify": 1} == {name: count for name, count in sent["customers"].items() if count}
    assert ["person1@example.com", "person2@example.com"] == [*applied.members("mail", "Buyers on mail")]


def test_a_change_beside_a_move_counts_the_members(applied):
    """What is changed under a new name is counted against the members under the old one."""
    rename_all(applied)
    applied.bindings["customers"]["variables"] = []
    applied.people(10, 20)
    applied.write(bindings=applied.bindings)
    impact = changes(applied)["binding.customers update"]["impact"]

    assert [3, 0, 1] == [impact[name]["value"] for name in ("members_before", "adds", "removes")]


def test_a_move_onto_something_is_refused(applied, snapshot):
    """What is recorded under the new name already is not overwritten; the entry is pointed to."""
    applied.bindings.pop("buyers_on_ads")
    applied.write(
        bindings=applied.bindings, moved=[{"from": "binding.buyers_on_ads", "to": "binding.buyers_on_mail"}]
    )

    assert snapshot == str(applied("plan"))


def test_repeated_resources_move_with_their_keys(shell):
    """Of a resource with `for_each` the name moves, and each repetition keeps its key."""
    body: dict[str, Any] = {
        "audience": "buyers",
        "connector": "ads",
        "on_delete": "keep",
        "for_each": ["de", "fr"],
    }
    body["destination"] = {"name": "Buyers {{ each.key }}"}
    shell.write(bindings={"old": body})
    assert 0 == shell("apply", "--auto-approve").code
    shell.write(bindings={"new": body}, moved=[{"from": "binding.old", "to": "binding.new"}])

    assert ["binding.new.de move", "binding.new.fr move"] == [*changes(shell)]
    assert 0 == shell("apply", "--auto-approve").code
    assert {} == changes(shell)


def test_a_removal_is_a_declared_decision(applied, snapshot):
    """`removed` decides over what was recorded: here people stay, and Audiform forgets them."""
    applied.unbind("buyers_on_mail")
    applied.write(removed=[{"from": "binding.buyers_on_mail", "on_delete": "keep"}])

    assert snapshot == str(applied("plan"))
    assert 0 == applied("apply", "--auto-approve").code
    assert 3 == len(applied.members("mail", "Buyers on mail"))
    assert snapshot == str(applied("plan", "--detailed-exitcode"))


def test_a_removal_may_delete(applied):
    """The other way round: the object goes, although `remove_members` was recorded."""
    applied.unbind("buyers_on_mail")
    applied.write(removed=[{"from": "binding.buyers_on_mail", "on_delete": "delete_destination"}])

    assert 3 == changes(applied)["binding.buyers_on_mail delete"]["impact"]["removes"]["value"]
    assert 0 == applied("apply", "--auto-approve").code
    assert [] == applied.objects("mail")


PROTECTED_ENDS = {
    "the block is deleted": lambda shell: shell.unbind("buyers_on_mail"),
    "an entry of removed": lambda shell: (
        shell.unbind("buyers_on_mail"),
        shell.write(removed=[{"from": "binding.buyers_on_mail", "on_delete": "keep"}]),
    ),
    "its connector changes": lambda shell: shell.bind("buyers_on_mail", "ads", protected=False),
}


@pytest.mark.parametrize("end", PROTECTED_ENDS.values(), ids=PROTECTED_ENDS)
def test_protection_outlives_its_block(applied, end):
    """What was applied as protected is not ended, however it is asked for, and no approval lets it pass."""
    applied.bind("buyers_on_mail", "mail", protected=True)
    assert 0 == applied("apply", "--auto-approve").code
    end(applied)
    said = applied("apply", "--auto-approve", "--approve-delete", "binding.buyers_on_mail")

    assert 3 == said.code
    assert "Bring the block back with `protected: false`" in said.out
    assert 3 == applied("plan", "--out", str(applied.root / "plan.json")).code
    assert 3 == applied("apply", str(applied.root / "plan.json")).code
    assert ["Buyers on mail"] == applied.objects("mail")


def test_a_protected_binding_goes_in_two_applies(applied, snapshot):
    """First it is unprotected, then it is deleted; `destroy` is stopped as well."""
    applied.bind("buyers_on_mail", "mail", protected=True)
    assert 0 == applied("apply", "--auto-approve").code
    assert snapshot == str(applied("destroy", "--auto-approve"))
    applied.bind("buyers_on_mail", "mail", protected=False)
    assert snapshot == str(applied("apply", "--auto-approve"))
    applied.unbind("buyers_on_mail")

    assert 0 == applied("apply", "--auto-approve").code
    assert [] == [*applied.members("mail", "Buyers on mail")]


def test_a_protected_repetition_is_not_lost_with_its_key(shell):
    """A key that is taken out of `for_each` would delete its repetition, so it is stopped."""
    body: dict[str, Any] = {
        "audience": "buyers",
        "connector": "ads",
        "on_delete": "remove_members",
        "protected": True,
    }
    body["destination"] = {"name": "Buyers {{ each.key }}"}
    shell.write(bindings={"buyers": {**body, "for_each": ["de", "fr"]}})
    assert 0 == shell("apply", "--auto-approve").code
    shell.write(bindings={"buyers": {**body, "for_each": ["de"]}})

    assert ["binding.buyers.fr.protected"] == [
        one["guard"] for one in shell("plan", "--json").data["stopped_by"]
    ]
    assert 0 == shell("apply", "--auto-approve", "--exclude", "binding.buyers.fr").code
