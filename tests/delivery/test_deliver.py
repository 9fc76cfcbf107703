from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from audiform.outcome import Signal
from delivery.deliveries import KEYS, NAMED, Shop, emails, shop


def hashed(*values: str) -> list[str]:
    """Return SHA-256 digests in order."""
    return sorted(sha256(value.encode()).hexdigest() for value in values)


def test_the_first_delivery_sends_everybody(keys: Shop):
    """Everybody with an identifier and consent is sent; the others are counted by reason."""
    keys.people(
        {"email": "a@example.com", "phone": "+16505551111"},
        {"email": "B@example.com "},
        {"email": "c@example.com", "ok": False},
        {"email": "d@example.com", "ok": None},
        {"email": "no address"},
        {},
    )

    report = keys.deliver()

    assert ("done", {Signal.ADD: 2}) == (report.status, report.sent)
    assert {"no_consent": 2, "invalid_identifier": 1, "no_identifier": 1} == report.left_out
    assert {
        "email": hashed("a@example.com", "b@example.com"),
        "phone": hashed("16505551111"),
    } == keys.members()
    assert 2 == keys.ledger_count()


def test_a_second_delivery_has_nothing_to_send(keys: Shop):
    """What was sent is not sent again."""
    keys.people(*emails("a", "b"))
    keys.deliver()

    assert {} == keys.deliver().sent


def test_who_left_is_removed_and_nobody_else(named: Shop):
    """A profile that is gone from the source is removed by what the ledger kept."""
    named.people(*emails("a", "b", "c"))
    named.deliver()
    named.people(*emails("a", "c", "d"))

    report = named.deliver()

    assert {Signal.ADD: 1, Signal.REMOVE: 1} == report.sent
    assert ["a@example.com", "c@example.com", "d@example.com"] == sorted(named.members())


def test_a_changed_address_is_a_removal_and_an_addition(named: Shop):
    """The old address is removed, the new one added: nobody is left behind."""
    named.people(*emails("old", "b"))
    named.deliver()
    named.people(*emails("new", "b"))

    named.deliver()

    assert ["b@example.com", "new@example.com"] == sorted(named.members())


def test_a_changed_variable_is_a_modification(named: Shop):
    """Only a member of whom a variable changed is modified."""
    named.people({"email": "a@example.com", "ltv": 1}, {"email": "b@example.com", "ltv": 2})
    named.deliver()
    named.people({"email": "a@example.com", "ltv": 1}, {"email": "b@example.com", "ltv": 3})

    report = named.deliver()

    assert {Signal.MODIFY: 1} == report.sent
    assert {"value": 3} == named.members()["b@example.com"]["variables"]
    assert {} == named.deliver().sent


def test_a_changed_phone_number_is_a_modification_where_the_address_names_the_member(named: Shop):
    """An identifier beside the one that names a member is sent when it changes."""
    named.people({"email": "a@example.com", "phone": "+16505551111"})
    named.deliver()
    named.people({"email": "a@example.com", "phone": "+16505552222"})

    report = named.deliver()

    assert {Signal.MODIFY: 1} == report.sent
    assert "+16505552222" == named.members()["a@example.com"]["identifiers"]["phone"]


def test_a_shared_address_is_sent_once_and_removed_with_the_last(named: Shop):
    """Profiles of one address are one member, the one with the smallest key; the last takes it away."""
    named.people(
        {"id": 20, "email": "a@example.com", "ltv": 20}, {"id": 3, "email": "A@example.com", "ltv": 3}
    )
    first = named.deliver()
    value = named.members()["a@example.com"]["variables"]
    named.people(
        {"id": 20, "email": "a@example.com", "ltv": 3}, {"id": 5, "email": "b@example.com", "ltv": 1}
    )
    second = named.deliver()
    still = sorted(named.members())
    named.people({"id": 5, "email": "b@example.com", "ltv": 1})
    named.deliver()

    assert ({Signal.ADD: 1}, {"duplicate_identity": 1}) == (first.sent, first.left_out)
    assert {"value": 3} == value
    assert ({Signal.ADD: 1}, ["a@example.com", "b@example.com"]) == (second.sent, still)
    assert ["b@example.com"] == sorted(named.members())


def test_a_shared_key_stays_while_somebody_has_it(keys: Shop):
    """A number of two people leaves with the second of them; what only the first had leaves at once."""
    keys.people(
        {"email": "a@example.com", "phone": "+16505551111"},
        {"email": "b@example.com", "phone": "+16505551111"},
    )
    keys.deliver()
    keys.people({"email": "b@example.com", "phone": "+16505551111"})
    first = keys.deliver()
    after_first = keys.members()
    keys.people({"email": "c@example.com"})
    keys.deliver(approved=["buyers.max_removed"])

    assert {Signal.REMOVE: 1} == first.sent
    assert {"email": hashed("b@example.com"), "phone": hashed("16505551111")} == after_first
    assert {"email": hashed("c@example.com")} == keys.members()


def test_a_member_whose_keys_all_stay_is_only_forgotten(keys: Shop):
    """When others have every key of a member that leaves, nothing is sent."""
    keys.people(
        {"email": "a@example.com", "phone": "+16505551111"},
        {"email": "a@example.com", "phone": "+16505552222"},
        {"email": "b@example.com", "phone": "+16505551111"},
    )
    keys.deliver()
    keys.people(
        {"email": "a@example.com", "phone": "+16505552222"},
        {"email": "b@example.com", "phone": "+16505551111"},
    )

    report = keys.deliver()

    assert {} == report.sent
    assert 2 == keys.ledger_count()
    assert 2 == len(keys.members()["email"])


def test_a_key_that_moves_to_another_number_stays(keys: Shop):
    """An address with a new number: the old number leaves, the address never does."""
    keys.people({"email": "a@example.com", "phone": "+16505551111"})
    keys.deliver()
    keys.people({"email": "a@example.com", "phone": "+16505552222"})

    keys.deliver()

    assert {"email": hashed("a@example.com"), "phone": hashed("16505552222")} == keys.members()
    assert 1 == keys.ledger_count()


@pytest.mark.parametrize("kind", [KEYS, NAMED])
def test_two_bindings_on_one_destination_share_its_members(tmp_path: Path, kind: str):
    """What both name is sent once and stays until the second of them lets it go."""
    with shop(tmp_path, kind) as both:
        same = {"destination": {"name": "Same"}}
        both.bindings = {"one": same, "two": same}
        shared, own = {"email": "a@example.com"}, {"email": "b@example.com", "audience": "one"}
        both.people(shared, own)
        sent = [both.deliver("one").sent, both.deliver("two").sent]
        counted = both.measure("two").impact.members_before.value
        both.people({"email": "a@example.com", "audience": "two"}, own)
        left = both.deliver("one").sent
        held = both.sandbox.destinations(kind)[0].members.counts()
        both.people(own)
        gone = both.deliver("two", approved=["two.empty_source"]).sent
        rest = both.sandbox.destinations(kind)[0].members.counts()

        assert [{Signal.ADD: 2}, {}] == sent
        assert 1 == counted
        assert ({}, [2]) == (left, list(held.values()))
        assert ({Signal.REMOVE: 1}, [1]) == (gone, list(rest.values()))


def test_withdrawing_removes_whom_the_binding_added_and_nobody_else(tmp_path: Path):
    """What another binding holds stays; the source is not needed."""
    with shop(tmp_path, NAMED) as both:
        same = {"destination": {"name": "Same"}}
        both.bindings = {"one": same, "two": same}
        both.people({"email": "a@example.com"}, {"email": "b@example.com", "audience": "one"})
        both.deliver("one")
        both.deliver("two")
        both.people({"email": "a@example.com"})
        (tmp_path / "people.jsonl").unlink()

        report = both.withdraw("one")

        assert ("done", {Signal.REMOVE: 1}) == (report.status, report.sent)
        assert ["a@example.com"] == sorted(both.members("two"))
        assert [0, 1] == [both.ledger_count("one"), both.ledger_count("two")]


def test_a_guard_stops_before_anything_is_sent(named: Shop):
    """A source that returns nobody stops; approved by name it goes on."""
    named.people(*emails("a", "b"))
    named.deliver()
    named.people({"email": None})
    (named.root / "people.jsonl").write_text("")
    named.people()
    (named.root / "people.jsonl").write_text('{"id": 1, "email": "z@example.com", "audience": "nobody"}\n')
    named.audience["query"] = (
        "SELECT id, CAST(email AS VARCHAR) AS email, '' AS phone, 1 AS ltv, true AS ok FROM people WHERE audience IS NULL"
    )

    stopped = named.deliver()
    members = sorted(named.members())
    approved = named.deliver(approved=["buyers.empty_source"])

    assert ("stopped", {}, 2) == (stopped.status, stopped.sent, stopped.not_sent)
    assert ["buyers.empty_source"] == [guard.name for guard in stopped.guards if not guard.ok]
    assert ["a@example.com", "b@example.com"] == members
    assert ("done", {Signal.REMOVE: 2}, {}) == (approved.status, approved.sent, named.members())


def test_measuring_says_what_a_delivery_does(named: Shop):
    """The figures of a measurement are those of the delivery, and measuring changes nothing."""
    named.people(*emails("a", "b", "c"), {"email": "d@example.com", "ok": False})
    named.deliver()
    named.people(*emails("b", "c", "x", "y"))
    files = sorted(path.name for path in named.root.rglob("*"))

    impact = named.measure().impact
    again = sorted(path.name for path in named.root.rglob("*"))
    report = named.deliver()

    assert (2, 1, 0, 3, 4) == tuple(
        figure.value
        for figure in (impact.adds, impact.removes, impact.modifies, impact.members_before, impact.desired)
    )
    assert impact == report.impact
    assert files == again


def test_a_fresh_destination_has_no_members(named: Shop):
    """Measured for a new destination, everybody is added."""
    named.people(*emails("a", "b"))
    named.deliver()

    impact = named.measure(fresh=True).impact

    assert (2, 0, 0) == (impact.adds.value, impact.removes.value, impact.members_before.value)


def test_numbers_that_only_python_can_normalise_are_sent(keys: Shop):
    """A number written in its country's way is normalised like every other; what is no number is counted."""
    keys.people({"phone": "(650) 555-1111"}, {"phone": "no number"}, {"phone": "+16505552222"})

    report = keys.deliver()

    assert {"phone": hashed("16505551111", "16505552222")} == keys.members()
    assert {"invalid_identifier": 1} == report.left_out


def test_signals_that_are_not_sent_are_named(named: Shop):
    """A binding without `remove` keeps who left, and says why; with it they are removed later."""
    named.bindings["buyers"] = {"signals": ["add"]}
    named.people(*emails("a", "b"))
    named.deliver()
    named.people(*emails("b", "c"))
    kept = named.deliver()
    after = sorted(named.members())
    named.bindings["buyers"] = {}
    named.deliver()

    assert {"remove", "modify"} == set(kept.impact.not_sent)
    assert {Signal.ADD: 1} == kept.sent
    assert ["a@example.com", "b@example.com", "c@example.com"] == after
    assert ["b@example.com", "c@example.com"] == sorted(named.members())
