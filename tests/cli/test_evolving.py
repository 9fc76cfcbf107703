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
    assert snapshot == str(applied("validate", "--state"))
    assert people == applied.members("mail", "Buyers on mail")


def test_who_leaves_while_things_are_renamed_is_removed(applied):
    """The plan counts the members under their old names, and the ledger has them under the new ones."""
    rename_all(applied)
    applied.people(10, 21)
    applied.bindings["customers"]["signals"] = ["add", "remove", "modify"]
    applied.write(bindings=applied.bindings)
    impact = changes(applied)["binding.customers update"]["impact"]

    assert [3, 0, 1, 1] == [
        impact[name]["value"] for name in ("members_before", "adds", "removes", "modifies")
    ]
    assert 0 == applied("apply", "--auto-approve").code
    assert ["person1@example.com", "person2@example.com"] == [*applied.members("mail", "Buyers on mail")]


def test_a_move_onto_something_is_refused(applied, snapshot):
    """What is recorded under the new name already is not overwritten; the entry is pointed to."""
    applied.bindings.pop("buyers_on_ads")
    applied.write(
        bindings=applied.bindings, moved=[{"from": "binding.buyers_on_ads", "to": "binding.buyers_on_mail"}]
    )

    assert snapshot == str(applied("plan"))


def test_a_removal_is_a_declared_decision(applied, snapshot):
    """`removed` decides over what was recorded: here people stay, and Audiform forgets them."""
    applied.unbind("buyers_on_mail")
    applied.write(removed=[{"from": "binding.buyers_on_mail", "on_delete": "keep"}])

    assert snapshot == str(applied("plan"))
    assert 0 == applied("apply", "--auto-approve").code
    assert 3 == len(applied.members("mail", "Buyers on mail"))
    assert snapshot == str(applied("plan", "--detailed-exitcode"))


def test_a_protected_binding_goes_in_two_applies(applied, snapshot):
    """Deleting its block is stopped, as is `destroy`, and no approval helps; unprotected and applied it goes."""
    applied.bind("buyers_on_mail", "mail", protected=True)
    assert 0 == applied("apply", "--auto-approve").code
    file = str(applied.root / "plan.json")
    applied.unbind("buyers_on_mail")
    assert snapshot == str(applied("plan", "--out", file, "--approve-delete", "binding.buyers_on_mail"))
    assert [3, 3] == [applied("apply", file).code, applied("destroy", "--auto-approve").code]
    applied.bind("buyers_on_mail", "mail", protected=False)
    assert snapshot == str(applied("apply", "--auto-approve"))
    applied.unbind("buyers_on_mail")

    assert 0 == applied("apply", "--auto-approve").code
    assert [] == [*applied.members("mail", "Buyers on mail")]
