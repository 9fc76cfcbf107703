"""Moves and imports that are killed at any point of the journal are finished by the next apply, and move nobody twice."""

from __future__ import annotations

import json
import os

import pytest

from apply.killing import applied, killed, planned
from apply.pasts import held, past, undisturbed
from audiform.sandbox.rows import Row
from audiform.sandbox.world import Destination, members_for
from cli.shell import Shell, services

pytestmark = pytest.mark.kills

POINTS = range(200) if os.environ.get("AUDIFORM_KILLS") else range(3, 200, 21)
"""All of them with `AUDIFORM_KILLS=1 pytest tests/apply/test_killed_evolving.py`; each takes most of a second."""


def first(shell: Shell) -> None:
    """A binding on each platform, and a list that somebody else has made."""
    shell.bind("buyers_on_ads", destination={"name": "Buyers"})
    shell.bind("buyers_on_mail", "mail", destination={"name": "Buyers"})
    made = Destination("L1", {"name": "Letters"}, members_for(services()["mail"].manifest))
    made.members.add(Row({"email": f"{name}@example.com"}) for name in ("person1", "old", "older"))
    shell.sandbox.world.account("mail").destinations["L1"] = made


def evolved(shell: Shell) -> None:
    """Binding, connector and audience get other names, the list is imported, a binding is removed, people move."""
    for section, old, new in (("connectors", "mail", "letters"), ("audiences", "buyers", "everybody")):
        bodies = json.loads((shell.root / f"{section}.yaml").read_text(encoding="utf-8"))[section]
        shell.write(**{section: {new if name == old else name: body for name, body in bodies.items()}})
    shell.bindings = {}
    shell.bind("customers", "letters", destination={"name": "Buyers"}, audience="everybody")
    shell.bind("imported", "letters", destination={"name": "Letters"}, audience="everybody")
    shell.write(
        moved=[
            {"from": "binding.buyers_on_mail", "to": "binding.customers"},
            {"from": "connector.mail", "to": "connector.letters"},
            {"from": "audience.buyers", "to": "audience.everybody"},
        ],
        removed=[{"from": "binding.buyers_on_ads", "on_delete": "delete_destination"}],
        imports=[{"to": "binding.imported", "id": "Letters"}],
    )
    shell.people(10, 21)


def test_a_kill_while_things_evolve_changes_nothing_in_the_end(tmp_path, capsys):
    """Killed before or after writes of the journal, and run again: the same objects, the same people, an empty plan."""
    kills = 0
    with past([first], tmp_path / "shop", capsys) as begun:
        wanted = undisturbed(begun, evolved)
        for point in POINTS:
            shell = begun.restore()
            evolved(shell)
            if not killed(shell.root, point):
                break
            kills += 1
            report = applied(shell.root)

            assert report.ok, (point, report)
            assert wanted == held(shell), point
            assert () == planned(shell.root).changes, point
    assert kills >= 4
