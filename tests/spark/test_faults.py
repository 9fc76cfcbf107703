"""Executors and drivers that are killed in the middle of a batch: nobody is lost, and nothing is sent behind the next run's back."""

from __future__ import annotations

import pytest
import yaml

from audiform.outcome import Signal
from audiform.sandbox.serve import serve
from audiform.sandbox.world import Destination, members_for
from delivery.deliveries import KEYS, shop
from processes import started
from spark.killing import below, kill, sync, wait_for_the_end, workers
from spark.recorder import recording
from spark.twins import EMBEDDED, SPARK, generated
from whole.engine import Engine, said
from whole.model import Binding, Profile
from whole.shop import ON_SPARK, services, write_bindings, write_people, write_project

pytestmark = [pytest.mark.slow, pytest.mark.kills]


def test_an_executor_that_is_lost_while_it_sends(tmp_path):
    """Its batch is sent again by another one; whoever is a member then is known as one, and leaves when it is time."""
    people = generated(40, 1)
    with (
        shop(
            tmp_path, KEYS, engine=SPARK, bindings={"buyers": {"guards": {"max_removed": "100%"}}}
        ) as opened,
        recording(opened.endpoint) as sent,
    ):
        opened.endpoint = sent.url
        opened.people(*people)
        opened.apply()
        sent.taken()
        killed: list[int] = []

        def strike(_) -> None:
            if not killed:
                killed.extend(workers())
                kill(*killed)

        sent.watch = strike
        delivered = opened.deliver()
        bodies = [body for _, _, body in sent.taken()]
        members, known = opened.members(), opened.ledger_count()
        opened.engine = EMBEDDED
        opened.people({"id": 1_000, "email": "new@example.com"})
        left = opened.deliver()

    assert killed
    assert ("done", 0) == (delivered.status, delivered.unsure)
    assert [bodies[0], bodies[0]] == bodies
    assert delivered.impact.adds.value == known > 0
    assert any(members.values())
    assert ("done", known) == (left.status, left.sent[Signal.REMOVE])


def test_a_driver_that_is_killed_while_executors_send(tmp_path):
    """Its executors send nothing more, and the next run, on whichever engine, ends where it would have ended."""
    write_project(tmp_path)
    types = services(tmp_path)
    with serve(types) as sandbox, recording(sandbox.url) as sent:
        there = sandbox.world.account("crm").destinations
        there["x"] = Destination("x", {}, members_for(types["crm"].manifest))
        write_project(tmp_path, sent.url)
        write_bindings(tmp_path, {"one": Binding("a", "crm", "x", "remove_members")})
        everybody = {
            number: Profile(f"p{number}@example.com", None, True, None, "a") for number in range(1, 31)
        }
        write_people(tmp_path, {number: everybody[number] for number in range(1, 21)}, parquet=True)
        assert [[], []] == [said(report) for report in Engine(tmp_path).run()]
        write_people(tmp_path, {number: everybody[number] for number in range(9, 31)}, parquet=True)
        before = there["x"].members.as_json()
        on(tmp_path, {"engine": ON_SPARK})
        process = started(sync, tmp_path)
        driver = process.pid or 0
        of_spark: list[int] = []

        def strike(request) -> None:
            if not of_spark and b"remove" in request[2]:
                of_spark.extend(below(driver))
                kill(driver)

        sent.watch = strike
        process.join(120)
        in_between = there["x"].members.as_json()
        on(tmp_path, {})
        reports = Engine(tmp_path).run()
        remaining = wait_for_the_end(of_spark)
        after = there["x"].members.as_json()

    assert of_spark
    assert [] == remaining
    assert before != in_between
    assert [[], []] == [said(report) for report in reports]
    assert 22 == len({value for values in after.values() for value in values})


def on(root, engine) -> None:
    """Write which engine the project has."""
    project = yaml.safe_load((root / "audiform.yaml").read_text())
    project.pop("engine", None)
    (root / "audiform.yaml").write_text(yaml.safe_dump(project | engine))
