"""What may have been done although its answer says no: it is remembered as such, so that nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest

from audiform.sandbox.serve import serve
from whole.engine import Engine
from whole.model import Binding, Model, Profile
from whole.shop import CONNECTORS, differences, services, write_bindings, write_people, write_project

ANN = Profile("ann@example.com", "+14155550100", True, 1, "a")
DOUBTS: dict[str, list[dict[str, Any]]] = {
    "the answer is lost and the second try is refused": [
        {"fault": "reset_after_body", "operation": "add"},
        {"fault": "error", "category": "invalid_request", "operation": "add", "times": 3},
    ],
    "the answer is lost and the second try rejects the record": [
        {"fault": "reset_after_body", "operation": "add"},
        {"fault": "partial_failure", "operation": "add", "rows": 1},
    ],
    "the second try has no access any more": [
        {"fault": "reset_after_body", "operation": "add"},
        {"fault": "status", "status": 403, "operation": "add", "times": 3},
    ],
    "the job cannot be asked for": [{"fault": "status", "status": 403, "operation": "add.job", "times": 9}],
}


@pytest.mark.parametrize("doubt", DOUBTS)
@pytest.mark.parametrize("connector", CONNECTORS)
def test_who_may_have_been_added_can_be_removed(tmp_path, connector, doubt):
    """A person whose addition was processed, and answered otherwise, is removed when they leave before the next run."""
    model, defined = Model(), {"one": Binding("a", connector, "x", "remove_members")}
    write_project(tmp_path)
    with serve(services(tmp_path)) as sandbox:
        write_project(tmp_path, sandbox.url)
        write_bindings(tmp_path, defined)
        write_people(tmp_path, {1: ANN}, parquet=False)
        for fault in DOUBTS[doubt]:
            sandbox.faults.add(**fault)
        Engine(tmp_path).run()
        sandbox.faults.clear()
        write_people(tmp_path, {2: Profile("bob@example.com", None, True, 1, "a")}, parquet=False)
        Engine(tmp_path).run()
        model.settle(defined, {2: Profile("bob@example.com", None, True, 1, "a")})

        assert [] == differences(model, sandbox)


def test_an_object_that_may_have_been_made_is_looked_for(tmp_path):
    """A creation whose success cannot be read made an object all the same: the next run takes it."""
    model, defined = Model(), {"one": Binding("a", "ads", "x", "remove_members")}
    write_project(tmp_path)
    with serve(services(tmp_path)) as sandbox:
        write_project(tmp_path, sandbox.url)
        write_bindings(tmp_path, defined)
        write_people(tmp_path, {1: ANN}, parquet=False)
        Engine(tmp_path).run()
        Engine(tmp_path).run()
        model.settle(defined, {1: ANN})

        assert [] == differences(model, sandbox)
