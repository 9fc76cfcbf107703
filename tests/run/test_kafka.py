"""`audiform run` as a process whose log is a topic of Kafka: librdkafka's mock cluster, which speaks the protocol."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audiform.sandbox.serve import serve
from eventlog.brokers import brokers
from run.stage import Stage, services, until


@pytest.mark.slow
def test_events_are_kept_in_kafka_and_forwarded_from_there(tmp_path, capsys):
    """Live configuration, a pause that is made up for, dead letters replayed: as with every other log."""
    with brokers() as cluster, serve(services("crm", "bi")) as sandbox:
        stage = Stage(tmp_path, sandbox)
        stage.event_log = {"url": cluster.make("shop-events", 4)}
        stage.apply(bi={})
        with stage.running():
            stage.track("before")
            took = stage.takes_effect("connector_started", crm={"on_resume": "replay"})
            stage.track("first", "second")
            until(lambda: sorted(stage.arrived("crm")) == ["first", "second"])
            stage.takes_effect("connector_paused", crm={"enabled": False})
            stage.track("during")
            until(lambda: "during" in stage.arrived("bi"))
            stage.takes_effect("connector_started", crm={"enabled": True})
            until(lambda: "during" in stage.arrived("crm"))
            stage.sandbox.faults.add("status", type="crm", status=422, times=1)
            stage.track("refused")
            until(lambda: len(_json(stage, capsys, "dead-letters", "list")) == 1)
            stage.cli("dead-letters", "replay", "--connector", "crm", "--auto-approve")
            until(lambda: "refused" in stage.arrived("crm"))
            until(lambda: [0, 0] == [each["lag"] for each in _json(stage, capsys, "status")["connectors"]])
        tail = stage.cli("events", "tail")
        said = capsys.readouterr()

    assert ["during", "first", "refused", "second"] == sorted(stage.arrived("crm"))
    assert {"before", "first", "second", "during", "refused"} == set(stage.arrived("bi"))
    assert took < 2
    assert (0, 5) == (tail, said.out.count("Viewed"))


def _json(stage: Stage, capsys: pytest.CaptureFixture[str], *command: str) -> Any:
    capsys.readouterr()
    stage.cli(*command, "--json")
    return json.loads(capsys.readouterr().out)
