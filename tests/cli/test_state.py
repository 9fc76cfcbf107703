"""`audiform state`: what is recorded, and how it is mended by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from audiform.address import Address, Kind, parse_address
from audiform.state.ledger_key import CURRENT, OLD
from audiform.state.store import Record
from cli.shell import Shell
from cli.test_events import put

RECORDS: Mapping[str, Mapping[str, Any]] = {
    "source.shop": {"type": "duckdb", "settings": {"tables": {"people": "people.csv"}}, "dependencies": []},
    "connector.ads": {
        "type": "meta_custom_audiences",
        "settings": {"ad_account_id": "1"},
        "credentials": {"access_token": {"from_env": "TOKEN"}},
        "dependencies": [],
    },
    "audience.buyers": {"source": "shop", "dependencies": ["source.shop"]},
    "binding.buyers_on_ads": {
        "audience": "buyers",
        "connector": "ads",
        "destination": {"name": "Buyers"},
        "destination_id": "1001",
        "on_delete": "remove_members",
        "description": None,
        "dependencies": ["audience.buyers", "connector.ads"],
    },
}


@pytest.fixture
def recorded(shell: Shell) -> Shell:
    """Return a shell whose state holds four records."""
    store = shell.store()
    store.put(*(Record(parse_address(name), "digest", body) for name, body in RECORDS.items()))
    store.close()
    return shell


def bodies(shell: Shell) -> dict[str, dict[str, object]]:
    """Return address -> body of what is recorded now."""
    store = shell.store()
    found = {str(address): dict(record.body) for address, record in store.read().records.items()}
    store.close()
    return found


def test_an_empty_state(shell, snapshot):
    """Before the first apply there is nothing to list, and looking makes no state."""
    assert snapshot == str(shell("state", "list"))
    assert not (Path(shell.root) / ".audiform" / "default").exists()


def test_list(recorded, snapshot):
    """A line per record, with the id of each destination."""
    assert snapshot == str(recorded("state", "list"))


def test_list_as_json(recorded):
    """A program gets all of it."""
    records = recorded("state", "list", "--json").data["records"]

    assert sorted(RECORDS) == sorted(record["address"] for record in records)


def test_show(recorded, snapshot):
    """One record in full, without what is not set."""
    assert snapshot == str(recorded("state", "show", "binding.buyers_on_ads"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "binding.buyer_on_ads"),
        ("show", "buyers"),
        ("mv", "binding.buyers_on_ads", "connector.ads"),
        ("mv", "source.shop", "audience.shop"),
        ("rm", "connector.ads"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_said(recorded, arguments, snapshot):
    """An unknown address, one that is none, a move that is impossible, a record in use: nothing changes."""
    before = bodies(recorded)

    assert snapshot == str(recorded("state", *arguments))
    assert before == bodies(recorded)


def test_what_the_log_of_events_knows_by_its_name_keeps_it(recorded):
    """As `moved` in the project: under another name an event connector would begin anew, and nobody would be told."""
    put(recorded, crm=True)
    said = recorded("state", "mv", "event_connector.crm", "event_connector.other")

    assert (1, True) == (
        said.code,
        "how far the events of each have got is kept under their names" in said.err,
    )
    assert {"event_connector.crm"} == {name for name in bodies(recorded) if name.startswith("event")}


def test_a_moved_binding_keeps_its_content(recorded, snapshot):
    """A binding has its destination under its new name."""
    assert snapshot == str(recorded("state", "mv", "binding.buyers_on_ads", "binding.renamed"))
    assert RECORDS["binding.buyers_on_ads"] == bodies(recorded)["binding.renamed"]


def test_what_depends_on_a_moved_record_follows(recorded):
    """A binding names its audience by the new name."""
    recorded("state", "mv", "audience.buyers", "audience.customers")
    binding = bodies(recorded)["binding.buyers_on_ads"]

    assert "customers" == binding["audience"]
    assert ["audience.customers", "connector.ads"] == binding["dependencies"]


def test_a_moved_connector_keeps_its_destinations(recorded):
    """Its bindings name it by the new name, and their destinations stay theirs."""
    recorded("state", "mv", "connector.ads", "connector.adverts")
    binding = bodies(recorded)["binding.buyers_on_ads"]

    before = RECORDS["binding.buyers_on_ads"]
    assert ("adverts", before["destination_id"]) == (binding["connector"], binding["destination_id"])


def test_a_removed_record_is_forgotten(recorded, snapshot):
    """What nobody needs can be forgotten."""
    assert snapshot == str(recorded("state", "rm", "binding.buyers_on_ads"))
    assert "binding.buyers_on_ads" not in bodies(recorded)


def test_a_lock_that_is_held_stops_with_4(recorded, snapshot):
    """Who holds the lock is said, and the command that releases it."""
    store = recorded.store()
    with store.lock("audiform apply"):
        said = str(recorded("state", "rm", "binding.buyers_on_ads"))
    store.close()

    assert "exit code 4" in said
    assert "audiform -e default state unlock" in said
    assert Address(Kind.BINDING, "buyers_on_ads") in recorded.store().read().records


def test_unlock(recorded):
    """A lock can be taken away, and that nobody holds one is no error."""
    store = recorded.store()
    lock = store.lock("audiform apply")
    first, second = recorded("state", "unlock"), recorded("state", "unlock")
    lock.__exit__()
    store.close()

    assert (0, 0) == (first.code, second.code)
    assert "for `audiform apply`" in first.err
    assert "Nobody holds the lock\n" == second.err


def test_a_mistake_in_a_resource_does_not_keep_anybody_from_unlocking(recorded):
    """What the resources mean is not looked at."""
    recorded.bind("broken", destination={"nonsense": 1})

    assert 0 == recorded("state", "unlock").code


@pytest.fixture
def protected(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a shell whose only environment is protected, with a binding that sends addresses in clear."""
    for name in (CURRENT, OLD):
        monkeypatch.delenv(name, raising=False)
    (shell.root / "audiform.yaml").write_text("project: shop\npolicy: {custom_connectors: allowed}\n")
    (shell.root / "environments").mkdir()
    (shell.root / "environments" / "default.yaml").write_text("protected: true\n")
    shell.bind("weekly", "mail")
    return shell


def test_people_in_clear_need_a_key_of_their_own_where_it_is_protected(protected, snapshot):
    """A binding that sends in clear stops a plan with its place, unless it sends nothing; `validate` needs no key."""
    said = protected("plan")

    assert snapshot == str(said)
    assert 0 == protected("validate").code
    protected.bind("weekly", "mail", enabled=False)
    protected.bind("hashed", "ads")
    assert 0 == protected("plan").code


def test_the_ledgers_key_is_made_and_changed(protected, monkeypatch, snapshot):
    """With a key an apply goes through; another one opens nothing until a rekey, and changes nothing at the platform."""
    first, second = "first key, of 32 characters or more", "second key, of 32 characters or more"
    monkeypatch.setenv(CURRENT, first)
    assert 0 == protected("apply", "--auto-approve").code
    monkeypatch.setenv(CURRENT, second)
    assert snapshot(name="another key") == str(protected("sync"))
    assert snapshot(name="without the old one") == str(protected("state", "rekey"))
    monkeypatch.setenv(OLD, first)
    assert snapshot(name="rekey") == str(protected("state", "rekey"))
    assert snapshot(name="again") == str(protected("state", "rekey"))
    monkeypatch.delenv(OLD)
    protected.people(10, 20)
    assert 0 == protected("sync").code
    assert 2 == len(protected.members("mail", "Weekly"))
    monkeypatch.setenv(CURRENT, "short")
    assert snapshot(name="short") == str(protected("plan"))
