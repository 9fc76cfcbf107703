"""`audiform forget`, as a user sees it: the plan, the receipts, the tombstones, and nobody's identifier anywhere."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from hashlib import sha256
from io import StringIO

import pytest

from audiform.eventlog.sqlite.log import open_log
from audiform.events.event import Event
from audiform.forwarding.forgotten import forgotten
from audiform.forwarding.records import Letter
from audiform.forwarding.store import look, open_records
from cli.shell import Said, Shell
from cli.test_events import put

CANARY = "person2@example.com"


@pytest.fixture
def forget(shell: Shell, monkeypatch: pytest.MonkeyPatch):
    """Return how somebody is forgotten with the request piped in."""

    def run(request: str, *arguments: str) -> Said:
        monkeypatch.setattr("sys.stdin", StringIO(request))
        said = shell("forget", *arguments)
        return Said(said.code, re.sub(r"\b[0-9a-f]{12,32}\b", "<request>", said.out), said.err)

    return run


def test_a_person_is_forgotten(shell: Shell, forget, snapshot):
    """Shown, removed everywhere with a receipt each, erased here, and left out as suppressed by every later sync."""
    shell.bind("buyers_on_ads")
    shell.bind("buyers_on_mail", "mail")
    assert 0 == shell("apply", "--auto-approve").code
    said = [
        forget(f"email: {CANARY.upper()}\n"),
        forget(f"email: {CANARY.upper()}\n", "--auto-approve"),
        shell("sync"),
        forget("", "--list"),
        forget(f"email: {CANARY}\n", "--auto-approve", "--json"),
        forget("", "--list", "--json"),
    ]

    assert snapshot == "\n".join(map(str, said))
    assert 2 == len(shell.members("mail", "Buyers on mail"))
    kept = [path for path in shell.root.rglob("*") if path.is_file() and ".audiform" in path.parts]
    digest = sha256(CANARY.encode())
    for secret in (CANARY.encode(), digest.digest(), digest.hexdigest().encode()):
        assert [] == [path.name for path in kept if secret in path.read_bytes()]
    assert not [one for one in said if CANARY in str(one).lower()]


def test_a_binding_that_is_gone_is_reached(shell: Shell, forget):
    """Members that a frozen binding left behind are removed, although neither the YAML nor the state has it."""
    shell.bind("buyers_on_mail", "mail", on_delete="freeze")
    assert 0 == shell("apply", "--auto-approve").code
    shell.unbind("buyers_on_mail")
    assert 0 == shell("apply", "--auto-approve").code
    said = forget(f"email: {CANARY}\n", "--auto-approve")

    entry = shell("history", "--json").data[0]["id"]

    assert 0 == said.code, said
    assert "error[no-inverse]" in shell("plan", "--inverse", entry).err
    assert "buyers_on_mail on Klaviyo lists (Buyers on mail)" in said.out
    assert 2 == len(shell.members("mail", "Buyers on mail"))


def test_an_identifier_in_an_argument_is_refused(shell: Shell, snapshot):
    """Arguments are seen by others and kept in histories: the reason is said, and the value is not repeated."""
    said = shell("forget", CANARY)

    assert snapshot == str(said)
    assert CANARY not in str(said)


def test_what_names_nobody_is_refused(shell: Shell, forget, snapshot):
    """A first name, a misspelt identifier and a value that is none: each with what to do, and nothing is looked for."""
    requests = ("first_name: Canary", "emial: canary@example.com", "phone: canary", "")
    said = "\n".join(str(forget(request, "--auto-approve")) for request in requests)

    assert snapshot == said
    assert not shell.root.joinpath(".audiform", "default", "state.sqlite").exists()
    assert "canary" not in said.lower()


def test_events_are_forgotten_too(shell: Shell, forget):
    """Of the log, and of the dead letters; what event connectors have sent is said to be where it is."""
    digest = shell.store().secret_digest
    folder = shell.root / ".audiform" / "default" / "events"
    assert 0 == shell("apply", "--auto-approve").code
    put(shell, crm=True)
    letter = Letter("crm", "77", "web", "e-7", "Viewed", "", "", "other", "no", digest(CANARY))

    async def happen() -> None:
        log, records = open_log(folder), open_records(folder)
        await log.append([event(1, CANARY), event(2, "person9@example.com")])
        await records.bury(
            [letter, replace(letter, position="1", person=""), replace(letter, position="2", person="")]
        )
        await log.close()
        await records.close()

    asyncio.run(happen())
    shown = forget(f"email: {CANARY}\n")
    said = forget(f"email: {CANARY}\n", "--auto-approve")

    store = shell.store()
    out = forgotten(store.tombstones(), store.tombstone_digests())
    assert [True, False] == [out(event(9, CANARY.title())), out(event(9, "person9@example.com"))]
    assert "Not erased: what these event connectors have sent, at their platforms: crm." in shown.out
    assert "Events: 1 erased from the log, 2 dead letters." in said.out
    assert [] == [path.name for path in folder.iterdir() if CANARY.encode() in path.read_bytes()]
    assert ["2"] == [each.position for each in look(folder).letters()]


def event(number: int, email: str) -> Event:
    """Return an event of somebody."""
    moment = "2026-11-24T12:00:00.000Z"
    return Event(f"e-{number}", "web", "track", "Viewed", moment, moment, {"traits": {"email": email}})
