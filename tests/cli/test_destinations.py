"""`audiform destinations`, and bindings that take over what exists, as a user sees them."""

from __future__ import annotations

from typing import Any

import pytest

from cli.shell import Shell

THEIRS = "Readers of the newsletter"


@pytest.fixture
def theirs(shell: Shell) -> Shell:
    """Return a shell whose platform has an object that somebody else made, with a member."""
    shell.people(1, 2, 3)
    shell.bind("theirs", destination={"name": THEIRS}, on_delete="keep")
    assert 0 == shell("apply", "--auto-approve").code
    shell.unbind("theirs")
    assert 0 == shell("apply", "--auto-approve").code
    return shell


def object_of(shell: Shell, connector: str = "ads") -> Any:
    """Return the only object of a platform."""
    (only,) = shell.sandbox.destinations(connector)
    return only


def test_what_exists_is_listed(theirs, snapshot):
    """Names and ids of all there is, and which bindings fill them."""
    assert snapshot == str(theirs("destinations", "ads"))
    assert [THEIRS] == [item["name"] for item in theirs("destinations", "ads", "--json").data]


def test_a_connector_that_is_not_there(shell):
    """The nearest name is offered."""
    assert 'did you mean "ads"?' in shell("destinations", "adz").err


@pytest.mark.parametrize("by", ["name", "id"])
def test_an_existing_object_is_taken_over(theirs, by, snapshot):
    """It is filled and stays as it is; the next plan is empty."""
    before = object_of(theirs)
    attributes, members = dict(before.attributes), before.members.as_json()
    theirs.people(4, 5, 6, 7)
    theirs.bind("mine", destination={"adopt": THEIRS if by == "name" else before.id})
    plan = theirs("plan")
    assert snapshot(name="plan") == str(plan).replace(before.id, "<id>")
    assert 0 == theirs("apply", "--auto-approve").code
    assert "mine" in theirs("destinations", "ads").out
    assert 0 == theirs("plan", "--detailed-exitcode").code
    assert attributes == object_of(theirs).attributes
    assert members != object_of(theirs).members.as_json()


def test_what_is_renamed_there_later_is_still_ours(theirs):
    """The id is in the state: the name is looked up once, and a new one does not matter."""
    theirs.bind("mine", destination={"adopt": THEIRS})
    theirs("apply", "--auto-approve")
    object_of(theirs).attributes["name"] = "Something else"

    assert 0 == theirs("plan", "--detailed-exitcode").code


def test_what_is_not_there_is_said_with_the_nearest_name(theirs, snapshot):
    """A plan stops before anything is sent, at the line of the YAML."""
    theirs.bind("mine", destination={"adopt": "Reader of the newsletter"})

    assert snapshot == str(theirs("plan"))


def test_several_of_one_name(theirs):
    """Nobody guesses which one is meant."""
    theirs.bind("double", destination={"name": THEIRS})
    theirs("apply", "--auto-approve")
    theirs.bind("mine", destination={"adopt": THEIRS})
    said = theirs("plan")

    assert (1, True) == (said.code, "error[ambiguous-destination]" in said.err)
    assert all(one.id in said.err for one in theirs.sandbox.destinations("ads"))


def test_without_looking_it_is_looked_up_when_it_is_applied(theirs):
    """`--no-refresh` asks no platform; the apply does."""
    theirs.bind("mine", destination={"adopt": "Nobody knows it"})

    assert 0 == theirs("plan", "--no-refresh").code
    said = theirs("apply", "--auto-approve", "--no-refresh")
    assert (1, True) == (said.code, "Nobody knows it" in said.out + said.err)


def test_what_cannot_be_taken_over(shell, snapshot):
    """Other attributes, a deletion of what is not ours, and what is no text."""
    shell.people(1)
    shell.bind("a", destination={"adopt": "A", "name": "B"})
    shell.bind("b", destination={"adopt": "A"}, on_delete="delete_destination")
    shell.bind("c", destination={"adopt": 7})

    assert snapshot == str(shell("validate"))


def test_platforms_are_asked_to_validate_when_somebody_wants_it(shell):
    """`plan --remote-validate` says of each binding what its platform says, or why it was not asked."""
    shell.bind("buyers_on_ads")
    said = shell("plan", "--remote-validate")

    assert (0, True) == (said.code, "binding.buyers_on_ads was not validated by its platform" in said.out)
    assert "was not validated" not in shell("plan").out
