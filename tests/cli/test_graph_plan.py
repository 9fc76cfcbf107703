"""`audiform graph --plan`: what depends on what, and what a plan does to it."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from audiform.address import Address, Kind
from audiform.cli.graph import as_dot, as_mermaid, as_text
from audiform.cli.views.plan_text import WORDS
from cli.shell import Shell


@pytest.mark.parametrize("form", ["text", "dot", "mermaid"])
def test_a_plan_marks_what_it_changes(form: str, shell: Shell, snapshot: SnapshotAssertion):
    """What is made, what ends although the project no longer has it, and what stays without a mark."""
    shell.bind("old_on_mail", "mail")
    assert 0 == shell("apply", "--auto-approve").code
    shell.unbind("old_on_mail")
    shell.bind("buyers_on_mail", "mail")
    file = str(shell.root / "plan.json")
    shell("plan", "--out", file)

    assert snapshot == shell("graph", "--plan", file, "--format", form).out


@pytest.mark.parametrize("draw", [as_text, as_dot, as_mermaid])
def test_every_action_can_be_drawn(draw):
    """Whatever a plan does to a resource has its mark, moves and imports too."""
    marks = {Address(Kind.BINDING, f"b{number}"): action for number, action in enumerate(WORDS)}
    drawn = draw([], marks)

    assert [] == [action for action in WORDS if action.value not in drawn]
