"""`audiform state pull`, `push` and `migrate`: the records as a file, and a state that changes its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audiform.address import parse_address
from audiform.cli.main import run
from audiform.state.store import Record
from cli.shell import Shell


@pytest.fixture
def applied(shell: Shell) -> Shell:
    """Return a shell whose state and ledger hold something."""
    shell.bind("buyers_on_ads")
    assert 0 == shell("apply", "--auto-approve").code
    return shell


def pulled(shell: Shell, name: str = "state.json") -> Path:
    """Pull the state to a file, as it is printed: the shell would hide the lineage."""
    shell.capture.readouterr()
    assert 0 == run(["-C", str(shell.root), "state", "pull"])
    file = shell.root / name
    file.write_text(shell.capture.readouterr().out, encoding="utf-8")
    return file


def recorded(shell: Shell) -> dict[str, Any]:
    """Return the records by address."""
    return {item["address"]: item for item in json.loads(pulled(shell, "now.json").read_text())["records"]}


def test_a_pulled_state_holds_records_and_no_people(applied):
    """It is canonical JSON, the same each time, with lineage and serial; no person and no secret is in it."""
    text = pulled(applied).read_text()
    data = json.loads(text)

    assert pulled(applied).read_text() == text
    assert {"version", "lineage", "serial", "records"} == data.keys()
    assert "binding.buyers_on_ads" in recorded(applied)
    assert not [word for word in ("person1", "example.com", "any-secret-will-do") if word in text]


def test_a_pulled_state_is_pushed_back(applied):
    """A record that was forgotten is there again, and the plan is empty; a plan of before is stale."""
    file = pulled(applied)
    before = recorded(applied)
    raw = json.loads(file.read_text())
    assert 0 == applied("state", "push", str(file)).code
    store = applied.store()
    assert (raw["lineage"], raw["serial"] + 1) == (store.read().lineage, store.read().serial)
    store.remove(parse_address("binding.buyers_on_ads"))
    store.close()
    said = applied("state", "push", "--force", str(file))

    assert (0, True) == (said.code, "the ledger is as it was" in said.err)
    assert before == recorded(applied)
    assert 0 == applied("plan", "--detailed-exitcode").code


def test_what_is_not_pushed_is_said(applied, snapshot):
    """An older file, one of another state and one that is no state change nothing."""
    file = pulled(applied)
    before = recorded(applied)
    store = applied.store()
    store.put(Record(parse_address("source.more"), "d", {"dependencies": []}))
    store.close()
    older = applied("state", "push", str(file))
    other = applied.root / "other.json"
    other.write_text(json.dumps(json.loads(file.read_text()) | {"lineage": "another", "serial": 99}))
    cut = applied.root / "cut.json"
    cut.write_text(file.read_text()[:-9])
    said = [str(older), *(str(applied("state", "push", str(each))) for each in (other, cut))]

    assert snapshot == said
    assert before == {name: item for name, item in recorded(applied).items() if name != "source.more"}


def test_a_state_is_pushed_to_where_none_is(applied):
    """Records that were kept elsewhere begin a state of the same lineage."""
    file = pulled(applied)
    (applied.root / "audiform.yaml").write_text('project: shop\nstate: {url: "file:new"}\n')

    assert 0 == applied("state", "push", str(file)).code
    before, now = (json.loads(each.read_text()) for each in (file, pulled(applied, "new.json")))
    assert before | {"serial": before["serial"] + 1} == now


def test_a_state_is_moved(applied, snapshot):
    """Everything is at the new place; whoever still names the old one is told where it is, and nothing is sent."""
    assert snapshot == str(applied("state", "migrate", "file:elsewhere"))
    assert snapshot == str(applied("sync"))
    assert snapshot == str(applied("state", "migrate", "file:.audiform"))
    (applied.root / "audiform.yaml").write_text('project: shop\nstate: {url: "file:elsewhere"}\n')

    assert 0 == applied("plan", "--detailed-exitcode").code
    applied.people(10, 20)
    assert 0 == applied("sync").code
    assert 2 == len(applied.members("ads", "Buyers on ads")["email"])
    assert 0 == applied("state", "migrate", "file:.audiform").code


@pytest.mark.parametrize("command", ["migrate", "unlock"])
def test_a_file_where_a_folder_should_be_is_no_bug(shell, command):
    """A state's URL that names a file, or nothing that can be made, ends as an error that says which path it is."""
    config = shell.root / "audiform.yaml"
    config.write_text(config.read_text() + 'state: {url: "file:audiform.yaml"}\n')
    wanted = ("state", command, "file:elsewhere") if command == "migrate" else ("state", command)

    said = shell(*wanted)

    assert (1, True) == (said.code, "audiform.yaml/" in said.err)


@pytest.mark.parametrize("mistake", ["emptied", "twice"])
def test_a_record_that_lost_what_others_read_of_it_is_not_pushed(applied, mistake):
    """A record without its body, or one that is there twice, is refused: nobody could be reached through it later."""
    file = pulled(applied)
    state = json.loads(file.read_text())
    records = state["records"]
    state["records"] = (
        [record | {"body": {}} for record in records] if mistake == "emptied" else [*records, records[0]]
    )
    file.write_text(json.dumps(state))
    said = applied("state", "push", str(file), "--force")

    assert (1, True) == (said.code, "error[invalid-state-file]" in said.err)
