"""`audiform drift`, as a user and a pipeline see it: exit codes, and each form of the one report."""

from __future__ import annotations

import json
from typing import Any

from audiform.sandbox.faults import FaultKind
from cli.shell import Shell
from delivery.test_faults import fault


def test_drift_is_told_in_every_form(shell: Shell, snapshot):
    """0 without drift, 2 with it; text, Markdown, JSON, JUnit and SARIF say the same; nothing is written."""
    nothing = shell("drift")
    shell.bind("buyers_on_ads")
    shell.bind("buyers_on_mail", "mail")
    assert 0 == shell("apply", "--auto-approve").code
    before = shell("drift")
    there: Any = shell.sandbox.destinations("mail")[0]
    there.attributes["name"] = "Renamed | by `hand`"
    del there.members.people["person1@example.com"]
    serial = shell("state", "list", "--json").data["serial"]
    after = [
        shell("drift"),
        *(shell("drift", "--format", form) for form in ("markdown", "json", "junit", "sarif")),
    ]

    assert [0, 0, 2, 2, 2, 2, 2] == [one.code for one in (nothing, before, *after)]
    assert snapshot == "\n".join(map(str, (nothing, before, *after[:2])))
    text, _, data, junit, sarif = after
    assert (True, 1) == (
        json.loads(data.out)["drift"],
        json.loads(data.out)["bindings"][1]["members"]["missing"],
    )
    assert 'tests="4" failures="2" errors="0" skipped="1"' in junit.out
    results = json.loads(sarif.out)["runs"][0]["results"]
    assert ["object-drift", "member-drift"] == [one["ruleId"] for one in results]
    assert "person1" not in str(after)
    assert serial == shell("state", "list", "--json").data["serial"], text


def test_a_platform_without_an_answer_ends_with_1(shell: Shell):
    """Whether there is drift is not known: that is neither 0 nor 2."""
    shell.bind("buyers_on_mail", "mail")
    assert 0 == shell("apply", "--auto-approve").code
    shell.sandbox.faults.waiting.append(fault(FaultKind.STATUS, "members", status=403))
    said = shell("drift")

    assert 1 == said.code, said
    assert "no answer" in said.out
