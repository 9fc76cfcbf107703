"""Somebody is forgotten: out of every destination and of all that is kept, and never sent again; the others stay."""

from __future__ import annotations

import signal
from contextlib import closing

import pytest

from audiform.erasure.report import Way
from audiform.outcome import Signal
from audiform.sandbox.faults import FaultKind
from audiform.state.open import open_store
from delivery.deliveries import Shop, emails
from delivery.test_faults import Naming, fault
from erasure.erasing import forget_and_die, forgotten, traces
from processes import started

BOB = "email: Bob@Example.com"


def test_the_forgotten_are_left_out_by_whichever_identifier(keys: Shop):
    """Known by the e-mail address or by the number, in any notation, sent as it is or not sent at all."""
    people = [
        {"email": "ann@example.com", "phone": "(202) 555-0101"},
        {"email": "bob@example.com", "phone": "(202) 555-0102"},
        {"email": "cid@example.com", "phone": "202.555.0103"},
    ]
    keys.people(*people)
    keys.bindings = {"buyers": {}, "by_mail": {"identifiers": ["email"]}}
    for name in keys.bindings:
        keys.deliver(name)
    erased = forgotten(keys, f"{BOB}\nphone: +1 202 555 0103")

    assert erased.ok
    assert {"buyers": 2, "by_mail": 1} == {one.place.binding: one.sent for one in erased.receipts}
    for name in keys.bindings:
        report = keys.deliver(name)
        removed = {Signal.REMOVE: 1} if name == "by_mail" else {}
        assert (removed, {"suppressed": 2}) == (report.sent, report.left_out), name
        assert 1 == keys.ledger_count(name)
    assert keys.measure().impact.left_out == {"suppressed": 2}


def test_those_who_share_a_key_stay(keys: Shop):
    """Only what nobody who stays is known by is removed: a couple's number stays for the one who stays."""
    keys.people(
        {"email": "ann@example.com", "phone": "2025550101"},
        {"email": "bob@example.com", "phone": "2025550101"},
    )
    keys.deliver()
    erased = forgotten(keys, BOB)
    with closing(open_store("file:.audiform", keys.root, "test")) as store:
        entry = next(one for one in store.history() if one.id == erased.request)

    assert erased.ok
    assert (True, erased.data()) == (entry.pinned, entry.data), "its receipts are never dropped by age"
    assert 0 == traces(keys, BOB)
    assert 1 == keys.ledger_count()
    assert [1, 1] == [len(values) for values in keys.members().values()]


def test_a_binding_that_is_switched_off_is_reached_and_rejected_records_go_too(named: Shop):
    """Members of a binding that sends no more leave; of two dead letters the one of somebody else stays."""
    named.people(*emails("ann", "bob", "eve"))
    named.transport = Naming(["bob", "eve"])
    named.sandbox.faults.waiting.append(fault(FaultKind.PARTIAL_FAILURE, "add", rows=2))
    named.deliver()
    named.bindings = {"buyers": {"enabled": False}}
    rejected = forgotten(named, BOB)
    member = forgotten(named, "email: ann@example.com")

    assert [(Way.PAST, 0, 1)] == [(one.place.way, one.sent, rejected.letters) for one in rejected.receipts]
    assert [(Way.REMOVE, 1, 0)] == [(one.place.way, one.sent, member.letters) for one in member.receipts]
    assert 1 == len(named.letters())
    assert [0, 0] == [traces(named, BOB), traces(named, "email: ann@example.com")]


def test_what_cannot_be_sent_now_is_kept_until_it_can(named: Shop):
    """A platform that is down: the receipt says so, the ledger keeps the person, and the same request goes on."""
    named.people(*emails("ann", "bob"))
    named.deliver()
    named.sandbox.faults.waiting.append(fault(FaultKind.STATUS, "remove", times=9, status=403))
    failed = forgotten(named, BOB)
    named.sandbox.faults.waiting.clear()

    assert [(False, True)] == [(one.ok, one.kept) for one in failed.receipts]
    assert traces(named, BOB)
    assert forgotten(named, BOB).ok
    assert ["ann@example.com"] == list(named.members())
    assert 0 == traces(named, BOB)


@pytest.mark.kills
def test_a_killed_erasure_is_finished_by_the_same_request(named: Shop):
    """Killed before any write, nobody is sent again, and the same request ends where it would have ended."""
    named.people(*emails("ann", "bob"))
    named.deliver()
    kills = 0
    for point in range(0, 40, 4):
        arguments = (named.root, named.kind, named.endpoint, BOB, point)
        process = started(forget_and_die, *arguments)
        process.join(60)
        if process.exitcode == 0:
            break
        assert -signal.SIGKILL == process.exitcode
        kills += 1
    erased = forgotten(named, BOB)

    assert kills >= 3
    assert erased.ok
    assert 0 == traces(named, BOB)
    assert ({}, {"suppressed": 1}) == ((report := named.deliver()).sent, report.left_out)
    assert 1 == named.ledger_count()
