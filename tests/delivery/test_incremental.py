"""Audiences with a watermark: a delivery reads what changed, and leaves what it cannot know to one that reads everything."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from audiform.delivery.deliver import deliver
from audiform.delivery.readings import Readings
from audiform.delivery.report import Delivered
from audiform.delivery.watermarks import ASKED_FOR
from audiform.diagnostics import DiagnosticError
from audiform.outcome import Signal
from audiform.runtime import Runtime
from audiform.sandbox.faults import Fault
from audiform.state.store import Watermark
from audiform.state.tables.store import TableStore
from delivery.deliveries import KEYS, NAMED, NOON, Shop, shop
from delivery.killing import deliver_and_die
from processes import started

TRACKED: Mapping[str, Any] = {"watermark": "version", "deleted": "gone", "reconcile": {"every": "1d"}}
NEVER = "its destination was not filled from all of them yet"


@pytest.fixture
def tracked(tmp_path: Path) -> Iterator[Shop]:
    """Return a shop whose people have a version, and whose platform knows them by their address."""
    with shop(tmp_path, NAMED, audience={"variables": {"value": "ltv"}, **TRACKED}) as opened:
        yield opened


@pytest.fixture
def tracked_keys(tmp_path: Path) -> Iterator[Shop]:
    """Return one whose platform knows people by each of their keys."""
    with shop(tmp_path, KEYS, audience=dict(TRACKED)) as opened:
        yield opened


def person(number: int, version: int, name: str, **more: Any) -> dict[str, Any]:
    """Return a row of somebody with an address."""
    return {"id": number, "version": version, "email": f"{name}@example.com", "ltv": 1, **more}


def sent(one: Delivered) -> dict[str, int]:
    """Return how many people were sent, by signal."""
    return {signal.value: count for signal, count in one.sent.items()}


def extent(one: Delivered) -> tuple[bool, str]:
    """Return whether everything was read, and why."""
    found = one.impact.extent
    assert found is not None
    return found.since is None, found.why


def kept(shop: Shop) -> Watermark | None:
    """Return how far the binding has read."""

    async def ask(runtime: Runtime) -> Watermark | None:
        return runtime.store.watermark("buyers")

    return shop.ask(ask)


def deliver_all(shop: Shop, binding: str = "buyers") -> Delivered:
    """Deliver after reading everything, as `sync --full` does."""
    shop.apply()

    def whole(runtime: Runtime) -> Any:
        readings = Readings(runtime, {binding: binding}, write=True, whole=ASKED_FOR)
        return deliver(runtime, binding, readings=readings)

    return shop.ask(whole)


def value(shop: Shop) -> str | None:
    """Return the watermark's value."""
    mark = kept(shop)
    return None if mark is None else mark.value


def test_only_what_changed_is_read(tracked: Shop):
    """Who is new is added, who changed modified or sent anew, who is deleted or took back consent leaves; the others stay."""
    tracked.people(*(person(n, n, name) for n, name in enumerate("abcdef", 1)))
    first = tracked.deliver()
    tracked.people(
        person(2, 7, "b", ltv=2),
        person(3, 8, "new"),
        {"id": 4, "version": 9, "gone": True},
        person(5, 10, "e", ok=False),
        person(7, 11, "g"),
    )
    second = tracked.deliver()

    assert [(True, NEVER), (False, "")] == [extent(first), extent(second)]
    assert [{"add": 6}, {"add": 2, "modify": 1, "remove": 3}] == [sent(first), sent(second)]
    assert ["a", "b", "f", "g", "new"] == sorted(name.partition("@")[0] for name in tracked.members())
    assert {"no_consent": 1} == second.left_out
    assert ("unknown", 4) == (second.impact.desired.quality, second.impact.source_rows)
    assert {} == sent(tracked.deliver())
    assert "11" == value(tracked)


def test_everything_is_read_on_a_schedule_of_its_own(tracked: Shop):
    """Who vanished without a row leaves then; so it is after a day, when the clock went back, and when asked for."""
    tracked.people(person(1, 1, "a"), person(2, 2, "b"))
    tracked.deliver()
    tracked.people(person(2, 2, "b"))
    found = [(sent(one), extent(one)) for one in [tracked.deliver()]]
    tracked.now = NOON + timedelta(hours=25)
    found += [(sent(one), extent(one)) for one in [tracked.deliver()]]
    tracked.now = NOON - timedelta(hours=1)
    later = extent(tracked.deliver())
    tracked.audience["reconcile"] = {"cron": "0 5 * * *", "time_zone": "Europe/Berlin"}
    at_night = list[tuple[bool, str]]()
    for minutes in (-1, 0):
        tracked.now = NOON + timedelta(hours=15, minutes=minutes)
        at_night.append(extent(tracked.deliver()))
    asked = extent(deliver_all(tracked))

    assert [
        ({}, (False, "")),
        ({"remove": 1}, (True, "the last sync that did was 25.0h ago, and `reconcile` says every 1d")),
    ] == found
    assert (
        True,
        "the last sync that did was on 2024-05-02 13:00:00 UTC, and `reconcile` says every 1d",
    ) == later
    assert [
        (False, ""),
        (True, "the last sync that did was 16.0h ago, and `reconcile` says 0 5 * * * (Europe/Berlin)"),
    ] == at_night
    assert (True, ASKED_FOR) == asked


def test_another_definition_reads_everything(tracked: Shop):
    """A watermark says nothing of what is read by another query, sent by another rule, or moved by an inverse."""
    tracked.people(person(1, 1, "a"))
    tracked.deliver()
    tracked.audience = {**tracked.audience, "identifiers": {"email": "email"}}
    other = extent(tracked.deliver())
    again = extent(tracked.deliver())
    retried = extent(tracked.deliver(retry_rejected=True))
    tracked.withdraw()

    assert [(True, "the definition is not that of the last sync"), (False, "")] == [other, again]
    assert (True, "records that were rejected before are sent again") == retried
    assert kept(tracked) is None
    assert ({"add": 1}, (True, NEVER)) == (sent(back := tracked.deliver()), extent(back))


def test_a_member_of_several_profiles_stays_until_all_are_read(tracked: Shop):
    """The one who was read may be the last who has the address, or not: nobody is removed, modified or added for it."""
    tracked.people(person(1, 1, "a"), person(2, 2, "a", ltv=9), person(3, 3, "c"))
    tracked.deliver()
    tracked.people(person(1, 4, "b"), person(4, 5, "c", ltv=7))
    second = tracked.deliver()
    tracked.people(person(3, 6, "c", gone=True))
    third = tracked.deliver()
    before_all = sorted(tracked.members())
    tracked.people(person(1, 4, "b"), person(2, 2, "a", ltv=9), person(4, 5, "c", ltv=7))
    everything = deliver_all(tracked)

    assert [{"add": 1}, {}] == [sent(second), sent(third)]
    assert [2, 2] == [one.impact.extent.shared for one in (second, third) if one.impact.extent]
    assert ["a@example.com", "b@example.com", "c@example.com"] == before_all
    assert {"modify": 2} == sent(everything)
    tracked.people(person(4, 7, "c", gone=True))
    assert {"remove": 1} == sent(tracked.deliver())


def test_an_address_that_changes_hands_between_those_who_were_read_is_known(tracked: Shop):
    """The member stays, belongs to the other profile, and has its variables; it leaves with that one."""
    tracked.people(person(1, 1, "a"), person(2, 2, "b"))
    tracked.deliver()
    tracked.people(person(1, 3, "b", ltv=5), person(2, 4, "c"))
    second = tracked.deliver()
    tracked.people(person(1, 5, "b", gone=True))
    third = tracked.deliver()

    assert [{"add": 1, "modify": 1, "remove": 1}, {"remove": 1}] == [sent(second), sent(third)]
    assert ["c@example.com"] == sorted(tracked.members())


def test_a_key_of_somebody_who_was_not_read_stays(tracked_keys: Shop):
    """A removal carries only the keys that no other member has, read or not."""
    phone = "+16505551111"
    tracked_keys.people(person(1, 1, "a", phone=phone), person(2, 2, "b", phone=phone))
    tracked_keys.deliver()
    before = tracked_keys.members()
    tracked_keys.people({"id": 1, "version": 3, "gone": True})
    gone = tracked_keys.deliver()
    after = tracked_keys.members()
    tracked_keys.people(person(2, 4, "b"))
    changed = tracked_keys.deliver()

    assert ({"remove": 1}, {"add": 1, "remove": 1}) == (sent(gone), sent(changed))
    assert len(before["email"]) - 1 == len(after["email"])
    assert before["phone"] == after["phone"]
    assert "phone" not in tracked_keys.members()


def test_a_table_of_changes_is_an_audience(tracked: Shop):
    """The latest row of a profile counts, also where all are read; with the same version the one that leaves does."""
    tracked.people(
        person(1, 1, "a"),
        person(1, 3, "a", gone=True),
        person(2, 1, "old"),
        person(2, 2, "b"),
        person(3, 4, "c"),
        person(3, 4, "c", gone=True),
    )
    first = tracked.deliver()
    tracked.people(person(1, 3, "a", gone=True), person(1, 5, "a"), person(2, 6, "b", gone=True))
    second = tracked.deliver()

    assert [{"add": 1}, {"add": 1, "remove": 1}] == [sent(first), sent(second)]
    assert ["a@example.com"] == sorted(tracked.members())


def test_what_is_committed_late_is_read_within_the_overlap(tracked: Shop):
    """A row below the watermark is found as far as the overlap goes; equal values always are."""
    tracked.audience = {**tracked.audience, "watermark": {"column": "version", "overlap": 5}}
    tracked.people(person(1, 10, "a"))
    tracked.deliver()
    tracked.people(person(2, 4, "too_late"), person(3, 5, "late"), person(4, 10, "equal"))

    assert {"add": 2} == sent(tracked.deliver())
    assert ["a", "equal", "late"] == sorted(name.partition("@")[0] for name in tracked.members())


def test_the_watermark_stays_where_something_is_not_settled(tracked: Shop):
    """Nothing is skipped that a guard held back or a platform did not take; the rows are read again."""
    tracked.bindings = {"buyers": {"guards": {"max_removed": 1}}}
    tracked.people(*(person(n, n, f"p{n}") for n in range(1, 5)))
    tracked.deliver()
    tracked.people(*(person(n, n + 10, f"p{n}", gone=True) for n in range(1, 5)))
    stopped = tracked.deliver()
    after_guard = value(tracked)
    refusing = {"fault": "error", "category": "permission_denied", "operation": "remove", "times": 20}
    tracked.sandbox.faults.waiting.append(Fault.model_validate(refusing))
    failed = tracked.deliver(approved=["buyers.max_removed"])
    after_failure = value(tracked)
    tracked.sandbox.faults.waiting.clear()
    done = tracked.deliver(approved=["buyers.max_removed"])

    assert ["stopped", "failed", "done"] == [stopped.status, failed.status, done.status]
    assert ["4", "4", "14"] == [after_guard, after_failure, value(tracked)]
    assert {"remove": 4} == sent(done)


def test_a_killed_delivery_reads_the_same_again(tracked: Shop):
    """The watermark comes last of all: whatever was on its way is found again, and sent where it was not."""
    tracked.people(person(1, 1, "a"), person(2, 2, "b"))
    tracked.deliver()
    tracked.people(person(1, 3, "a2"), person(2, 4, "b", ltv=5))
    kill = partial(
        deliver_and_die,
        tracked.root,
        tracked.kind,
        tracked.endpoint,
        TableStore,
        "keep_watermark",
        "before",
        **tracked.audience,
    )
    process = started(kill)
    process.join()
    between = value(tracked)
    again = tracked.deliver()

    assert -signal.SIGKILL == process.exitcode
    assert ("2", "4") == (between, value(tracked))
    assert ("done", (False, "")) == (again.status, extent(again))
    assert ["a2@example.com", "b@example.com"] == sorted(tracked.members())
    assert {} == sent(tracked.deliver())


def test_bindings_of_one_audience_read_from_the_lowest(tracked: Shop):
    """What one of them needs is read for both; a binding that needs everything makes the other one read it too."""
    tracked.people(person(1, 1, "a"))
    tracked.deliver()
    tracked.people(person(1, 1, "a"), person(2, 2, "b"))
    tracked.deliver()
    found: list[tuple[bool, str]] = []

    async def both(runtime: Runtime) -> None:
        async with Readings(runtime, {"buyers": "buyers", "others": "others"}, write=True) as readings:
            for name in ("buyers", "others"):
                async with readings.turn(name):
                    found.append(extent(await deliver(runtime, name, readings=readings)))

    tracked.bindings = {"buyers": {"audience": "buyers"}, "others": {"audience": "buyers"}}
    for people in ([person(1, 3, "a"), person(2, 2, "b")], [person(3, 4, "c")]):
        tracked.people(*people)
        tracked.apply()
        tracked.ask(both)

    assert [
        (True, "another binding of the audience needs it"),
        (True, NEVER),
        (False, ""),
        (False, ""),
    ] == found
    assert [["a", "b", "c"]] * 2 == [
        sorted(name.partition("@")[0] for name in tracked.members(binding)) for binding in tracked.bindings
    ]


def test_what_cannot_be_a_watermark_is_said(tracked: Shop):
    """Nothing is sent before it is known how to find what changed; whether a 1 means deleted is not guessed."""
    columns = "id, email, phone, ltv, true AS ok, false AS gone, version, CAST(version AS DOUBLE) AS half"
    tracked.audience["query"] = f"SELECT {columns} FROM people"
    tracked.people(person(1, 1, "a"))
    tracked.deliver()
    plain, found = tracked.audience, list[str]()
    for other in (
        {"watermark": "changed"},
        {"watermark": "half"},
        {"watermark": {"column": "version", "overlap": "1h"}},
        {"deleted": "ltv"},
    ):
        tracked.audience = {**plain, **other}
        with pytest.raises(DiagnosticError) as caught:
            tracked.deliver()
        found += [item.code for item in caught.value.diagnostics]

    assert ["missing-column", "watermark-type", "watermark-overlap", "flag-not-boolean"] == found


def test_a_plan_counts_what_a_delivery_would_read(tracked: Shop):
    """Its figures are of the change only; a new destination gets everybody."""
    tracked.people(person(1, 1, "a"), person(2, 2, "b"))
    tracked.deliver()
    tracked.people(person(2, 3, "b", gone=True), person(3, 4, "c"))
    change, fresh = tracked.measure().impact, tracked.measure(fresh=True).impact

    assert (1, 1, 2) == (change.adds.value, change.removes.value, change.members_before.value)
    assert (1, 0) == (fresh.adds.value, fresh.removes.value)
    assert [None, NEVER] == [one.why or None if (one := impact.extent) else "" for impact in (change, fresh)]
    assert Signal.REMOVE not in tracked.deliver().left_out
