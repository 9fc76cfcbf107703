"""`audiform status`, `events tail`, and the events of `dead-letters` and `stats`, as a user sees them."""

from __future__ import annotations

import asyncio
import time

import pytest

from audiform.address import Address, Kind
from audiform.collector.answers import Figures
from audiform.eventlog.sqlite.log import open_log
from audiform.events.event import Event
from audiform.forwarding.figures import status_of
from audiform.forwarding.records import Letter
from audiform.forwarding.snapshot import Snapshot
from audiform.forwarding.store import open_records
from audiform.state.store import Record
from cli.shell import Shell

MOMENT = "2026-11-24T12:00:00.000Z"
LETTER = Letter(
    "crm",
    "7",
    "web",
    "e-7",
    "Viewed",
    MOMENT,
    "2026-11-24T12:00:01.000+00:00",
    "invalid_record",
    "no such product",
    "0f" * 32,
)


def put(shell: Shell, **bodies: bool) -> None:
    """Record event connectors, enabled or not."""
    store = shell.store()
    store.create()
    for name, enabled in bodies.items():
        body = {"type": "http_event", "enabled": enabled}
        store.put(Record(Address(Kind.EVENT_CONNECTOR, name), name, body))
    store.close()


@pytest.fixture
def happened(shell: Shell) -> Shell:
    """Return a shell where a process forwarded events a moment ago."""
    put(shell, crm=True, bi=False, ads=True)
    folder = shell.root / ".audiform" / "default" / "events"

    async def write() -> None:
        records = open_records(folder)
        await records.bury([LETTER, *(letter_of(position) for position in ("8", "9"))])
        await records.count(
            "crm",
            {
                ("sent", ""): 1_200,
                ("dead", "other"): 3,
                ("maybe_twice", ""): 1,
                ("maybe_twice", "same_id"): 5,
            },
        )
        crm = Snapshot(
            "crm", 12, 20.0, 19.5, 0.02, 0.09, 1.25, 15, 3, "open", "503 busy", {"sent": 1_200}, 30.0
        )
        status = status_of(
            [crm], {"ads": "The environment variable ADS_TOKEN is not set."}, Figures({"web": 1_212})
        )
        await records.tell("w-1", status, time.time())
        await records.close()
        log = open_log(folder)
        body = {"user_id": "canary@example.com", "properties": {"total": 1}}
        await log.append(
            [Event(f"e-{number}", "web", "track", "Viewed", MOMENT, MOMENT, body) for number in range(3)]
        )
        await log.close()

    asyncio.run(write())
    return shell


def letter_of(position: str) -> Letter:
    """Return a letter that may have arrived."""
    facts = {name: getattr(LETTER, name) for name in Letter.__slots__}
    return Letter(
        **{
            **facts,
            "position": position,
            "event_id": f"e-{position}",
            "category": "timeout",
            "uncertain": True,
        }
    )


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("events", "tail", "--count", "2"),
        ("dead-letters", "list", "--connector", "crm", "--error", "timeout"),
        ("dead-letters", "show", "e-7"),
        ("dead-letters", "replay"),
        ("dead-letters", "replay", "--auto-approve"),
        ("dead-letters", "list", "--since", "long"),
        ("stats", "--from", "2026-12-02", "--to", "2026-12-01"),
    ],
    ids=lambda command: "_".join(word.strip("-") for word in command),
)
def test_what_is_shown(happened, command, snapshot):
    """Names, figures, reasons and what to do next; nobody's data."""
    told = str(happened(*command))

    assert "canary" not in told
    assert snapshot == told


def test_nothing_runs(shell, snapshot):
    """What nobody knows is not a 0, and how to start it is said."""
    put(shell, crm=True)

    assert snapshot == str(shell("status"))


def test_figures_of_events(happened):
    """What a platform knows again by its id is not counted as perhaps delivered twice."""
    (day,) = happened("stats", "--json").data["events"]

    assert ("crm", 1_200, 3, 1) == (day["connector"], day["sent"], day["dead"], day["maybe_twice"])
    assert "maybe twice" in happened("stats").out


def test_events_as_lines_of_json(happened):
    """A program gets which fields an event has, and no value of them."""
    told = happened("events", "tail", "--json").out.splitlines()

    assert 3 == len(told)
    assert '"fields": ["properties", "user_id"]' in told[0]
