"""`audiform run` as a process: live configuration, retries, dead letters, kills."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audiform.sandbox.serve import serve
from run.stage import KEY, Stage, services, until


@pytest.fixture
def stage(tmp_path) -> Iterator[Stage]:
    """Return a project with the event connectors `crm` and `bi`, and nothing applied."""
    with serve(services("crm", "bi")) as sandbox:
        yield Stage(tmp_path, sandbox)


@pytest.mark.slow
def test_an_apply_takes_effect_within_a_second(stage, capsys):
    """Created, changed, paused, resumed and deleted, without a restart, while another connector goes on."""
    stage.apply(bi={})
    with stage.running():
        stage.track("before")
        took = [stage.takes_effect("connector_started", crm={})]
        stage.track("first")
        until(lambda: stage.arrived("crm") == ["first"])
        took.append(stage.takes_effect("connector_started", crm={"events": {"names": ["Other"]}}))
        stage.track("unwanted")
        until(lambda: "unwanted" in stage.arrived("bi"))
        took.append(stage.takes_effect("connector_paused", crm={"events": {}, "enabled": False}))
        until(lambda: _state(stage, capsys, "crm") == "paused")
        stage.track("during")
        until(lambda: "during" in stage.arrived("bi"))
        took.append(stage.takes_effect("connector_started", crm={"enabled": True}))
        stage.track("after")
        until(lambda: "after" in stage.arrived("crm"))
        stage.takes_effect("connector_paused", crm={"enabled": False})
        stage.track("kept")
        took.append(stage.takes_effect("connector_started", crm={"enabled": True, "on_resume": "replay"}))
        until(lambda: "kept" in stage.arrived("crm"))
        took.append(stage.takes_effect("connector_deleted", crm=None))
        stage.track("last")
        until(lambda: "last" in stage.arrived("bi"))

    assert ["first", "after", "kept"] == stage.arrived("crm")
    assert ["before", "first", "unwanted", "during", "after", "kept", "last"] == stage.arrived("bi")
    assert max(took) < 1


def _state(stage: Stage, capsys: pytest.CaptureFixture[str], name: str) -> str:
    capsys.readouterr()
    stage.cli("status", "--json")
    found = json.loads(capsys.readouterr().out)["connectors"]
    return next((str(each["state"]) for each in found if each["connector"] == name), "")


@pytest.mark.slow
def test_a_broken_destination_delays_nobody_and_its_dead_letters_are_replayed(stage, capsys):
    """Failures are retried, refusals are kept and sent again on demand; the other destination notices nothing."""
    stage.apply(crm={"retry": {"window": "24h"}}, bi={})
    stage.sandbox.faults.add("status", type="crm", status=503, times=2)
    with stage.running():
        stage.track("e-1", "e-2")
        until(lambda: len(stage.arrived("bi")) == 2)
        until(lambda: len(stage.arrived("crm")) == 2)
        stage.sandbox.faults.add("status", type="crm", status=422, times=9)
        stage.track("e-3")
        until(lambda: _letters(stage, capsys))
        (letter,) = _letters(stage, capsys)
        stage.sandbox.faults.clear()
        replayed = stage.cli("dead-letters", "replay", "--connector", "crm", "--auto-approve")
        said = capsys.readouterr()
        until(lambda: "e-3" in stage.arrived("crm"))
        until(lambda: not _letters(stage, capsys))
        counted = 'audiform_connector_events_total{connector="crm",what="sent"} 3.0'
        until(lambda: counted in httpx.get(f"http://127.0.0.1:{stage.port}/metrics").text)
        text = httpx.get(f"http://127.0.0.1:{stage.port}/metrics").text
        ready = httpx.get(f"http://127.0.0.1:{stage.port}/readyz").json()

    assert ("crm", "e-3", "Viewed") == (letter["connector"], letter["event_id"], letter["name"])
    assert (0, True) == (replayed, "1 event" in said.out)
    assert {"status": "ready"} == ready
    whole = (stage.root / "run.log").read_text() + said.out + text
    assert KEY not in whole
    assert "u-1" not in whole


def _letters(stage: Stage, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    capsys.readouterr()
    stage.cli("dead-letters", "list", "--json")
    found: list[dict[str, str]] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.slow
def test_a_source_of_files_is_read_once(stage):
    """JSON lines and Parquet; a line that is none stops nothing, and a restart repeats nothing."""
    folder = stage.root / "old"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"id":"l-1","event":"Old"}\nnothing\n{"id":"l-2","event":"Old"}\n')
    rows = pa.Table.from_pylist([{"id": "p-1", "event": "Old", "properties": {"total": 1.5}}])
    pq.write_table(rows, folder / "b.parquet")
    stage.sources = {"old": {"type": "files", "settings": {"path": "old"}}}
    stage.apply(crm={})
    with stage.running():
        until(lambda: len(stage.arrived("crm")) == 3)
    with stage.running():
        stage.track("new")
        until(lambda: "new" in stage.arrived("crm"))

    assert ["l-1", "l-2", "p-1", "new"] == stage.arrived("crm")
    assert '"rows_not_read"' in (stage.root / "run.log").read_text()


@pytest.mark.slow
def test_a_kill_under_load_loses_no_acknowledged_event(stage, capsys):
    """Whatever was answered with success arrives at each destination; what arrived twice is counted as such."""
    chance = random.Random(5)
    stage.apply(crm={}, bi={})
    stage.sandbox.faults.add("reset_after_body", type="crm", probability=0.05)
    acknowledged: list[str] = []
    for round_ in range(3):
        with stage.running(kill=True):
            over = threading.Event()
            senders = [
                threading.Thread(target=_load, args=(stage, over, acknowledged, f"{round_}-{n}"))
                for n in range(3)
            ]
            for sender in senders:
                sender.start()
            enough = 40 * (round_ + 1)  # however slow the machine is
            until(lambda enough=enough: len(acknowledged) >= enough)  # type: ignore[misc]
            time.sleep(chance.random() / 2)
        over.set()
        for sender in senders:
            sender.join()
    stage.sandbox.faults.clear()
    with stage.running():
        for service in ("crm", "bi"):
            until(lambda service=service: set(acknowledged) <= set(stage.arrived(service)), 30)  # type: ignore[misc]

    assert len(acknowledged) > 100
    for service in ("crm", "bi"):
        times = Counter(stage.arrived(service))
        assert sum(times.values()) - len(times) <= _figure(stage, capsys, service, "maybe_twice")


def _load(stage: Stage, over: threading.Event, acknowledged: list[str], name: str) -> None:
    """Send events one after the other until the process is gone."""
    with httpx.Client(auth=(KEY, "")) as client:
        for number in range(100_000):
            said = {"event": "Viewed", "userId": f"u-{number}", "messageId": f"{name}-{number}"}
            try:
                answer = client.post(f"http://127.0.0.1:{stage.port}/v1/track", json=said)
            except httpx.HTTPError:
                return
            if answer.status_code == 200:
                acknowledged.append(said["messageId"])
            if over.is_set():
                return


def _figure(stage: Stage, capsys: pytest.CaptureFixture[str], connector: str, what: str) -> int:
    capsys.readouterr()
    stage.cli("stats", "--json")
    days = json.loads(capsys.readouterr().out)["events"]
    return sum(day[what] for day in days if day["connector"] == connector)
