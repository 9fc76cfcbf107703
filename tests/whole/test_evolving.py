"""After any sequence of moves, removals and imports ledger and platform hold what a small model says: real HTTP."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from audiform.address import Kind
from audiform.sandbox.rows import Row
from audiform.sandbox.serve import serve
from audiform.sandbox.world import Destination, members_for
from audiform.state.ledger import destination_key
from audiform.state.open import open_ledger, open_store
from cli.shell import Shell, make_project, services
from whole.engine import Engine

BIG = os.environ.get("AUDIFORM_WHOLE", "")
"""How many sequences instead of the few that CI has time for."""
FOUND = {"L1": {"person1", "old"}, "L2": set[str](), "L3": {"person2", "person3", "older"}}
"""Lists that somebody else has made, with who is in them."""
STEPS = st.one_of(
    st.tuples(st.just("bind")),
    st.tuples(st.just("rename"), st.sampled_from(["binding", "connector", "audience"])),
    st.tuples(st.just("remove"), st.sampled_from(["keep", "remove_members", "delete_destination"])),
    st.tuples(st.just("take"), st.sampled_from(sorted(FOUND))),
    st.tuples(st.just("meet"), st.sets(st.integers(1, 5))),
)


@dataclass
class Story:
    """A project whose names change, and what should be where. No name is used twice, and no entry is taken out."""

    shell: Shell
    names: dict[str, str] = field(default_factory=lambda: {"connector": "mail", "audience": "buyers"})
    people: set[str] = field(default_factory=lambda: {"person1", "person2", "person3"})
    bindings: dict[str, str] = field(default_factory=dict)
    """Binding -> the name of its list."""
    applied: set[str] = field(default_factory=set)
    lists: dict[str, set[str]] = field(
        default_factory=lambda: {name: set(people) for name, people in FOUND.items()}
    )
    added: dict[str, set[str]] = field(default_factory=dict)
    """Name of a list -> whom the ledger has as added by its binding."""
    entries: dict[str, list[Any]] = field(default_factory=lambda: {"imports": [], "moved": [], "removed": []})
    held: set[str] = field(default_factory=set)
    """Lists that bindings filled after the last apply: one that ends must be applied before its list is imported."""
    made: int = 0

    def new(self) -> str:
        """Return a name that nothing ever had."""
        self.made += 1
        return f"n{self.made}"

    def bind(self) -> None:
        """A new binding makes a list of its own."""
        name = self.new()
        self.bindings[name], self.lists[name], self.added[name] = name, set(), set()

    def rename(self, what: str) -> None:
        """Something gets another name; done twice before an apply it makes a chain."""
        if what == "binding" and not self.bindings:
            return
        old, new = min(self.bindings) if what == "binding" else self.names[what], self.new()
        if what == "binding":
            self.bindings[new] = self.bindings.pop(old)
            self.applied = {new if name == old else name for name in self.applied}
            for entry in self.entries["imports"]:
                entry["to"] = f"binding.{new}" if entry["to"] == f"binding.{old}" else entry["to"]
        else:
            self.names[what] = new
        self.entries["moved"].append({"from": f"{what}.{old}", "to": f"{what}.{new}"})

    def remove(self, on_delete: str) -> None:
        """A binding that was applied ends as its entry says."""
        if not self.applied:
            return
        name = max(self.applied)
        title = self.bindings.pop(name)
        ours = self.added.pop(title)
        self.applied.remove(name)
        self.entries["imports"] = [one for one in self.entries["imports"] if one["to"] != f"binding.{name}"]
        self.entries["removed"].append({"from": f"binding.{name}", "on_delete": on_delete})
        if on_delete == "remove_members":
            self.lists[title] -= ours
        if on_delete == "delete_destination":
            del self.lists[title]

    def take(self, title: str) -> None:
        """A list that nobody fills is imported: everybody in it counts as added."""
        if title in self.held | set(self.bindings.values()) or title not in self.lists:
            return
        name = self.new()
        self.bindings[name], self.added[title] = title, set(self.lists[title])
        self.entries["imports"].append({"to": f"binding.{name}", "id": title})

    def meet(self, numbers: set[int]) -> None:
        """Other people meet the definition."""
        self.people = {f"person{number}" for number in numbers}

    def settle(self) -> None:
        """Apply and sync, then compare platform, ledger and model; nothing is left to plan."""
        self.write()
        reports = Engine(self.shell.root).run()
        for title in self.bindings.values():
            self.lists[title] = self.lists[title] - self.added[title] | self.people
            self.added[title] = set(self.people)
        self.applied, self.held = set(self.bindings), set(self.bindings.values())

        assert [True, True] == [report.ok for report in reports], reports
        assert self.lists == {
            one.attributes["name"]: {key.removesuffix("@example.com") for key in one.members.as_json()}
            for one in self.shell.sandbox.destinations("mail")
        }
        assert {name: len(self.added[title]) for name, title in self.bindings.items()} == self.counted()
        assert () == Engine(self.shell.root).plan().changes

    def counted(self) -> dict[str, int]:
        """Return binding -> how many members the ledger has of it."""
        place = ("file:.audiform", self.shell.root, "default")
        with closing(open_store(*place)) as store, closing(open_ledger(*place).open(write=False)) as session:
            return {
                address.name: session.count(
                    destination_key(record.body["connector"], record.body["destination_id"]), address.name
                )
                for address, record in store.read().records.items()
                if address.kind is Kind.BINDING
            }

    def write(self) -> None:
        """Write the project under its names of now."""
        shell = self.shell
        for section in ("connectors", "audiences"):
            file = shell.root / f"{section}.yaml"
            bodies = json.loads(file.read_text(encoding="utf-8"))[section]
            kept = {name: body for name, body in bodies.items() if name == "ads"}
            (other,) = (body for name, body in bodies.items() if name != "ads")
            shell.write(**{section: {**kept, self.names[section.removesuffix("s")]: other}})
        shell.bindings = {}
        shell.write(bindings={}, **self.entries)
        for name, title in self.bindings.items():
            shell.bind(
                name,
                self.names["connector"],
                audience=self.names["audience"],
                destination={"name": title},
                guards={"allow_empty": True},
            )
        rows = [f"{name.removeprefix('person')},{name}@example.com,true,1" for name in sorted(self.people)]
        text = "\n".join(["number,email,consent,score", *rows])
        (shell.root / "people.csv").write_text(f"{text}\n", encoding="utf-8")


@pytest.mark.slow
@settings(
    max_examples=int(BIG or 2),
    deadline=None,
    derandomize=not BIG,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink] if BIG else [Phase.generate],
)
@given(chapters=st.lists(st.lists(STEPS, min_size=2, max_size=6), min_size=3, max_size=4))
def test_names_may_change_and_people_stay_whose_they_are(
    chapters: Sequence[Sequence[tuple[Any, ...]]],
) -> None:
    """However names change, bindings end and lists are taken over: the right people are in each list, and known as ours."""
    with tempfile.TemporaryDirectory() as folder, serve(services()) as sandbox:
        make_project(Path(folder), sandbox)
        capture: Any = None
        story = Story(Shell(Path(folder), sandbox, capture))
        for title, people in FOUND.items():
            made = Destination(title, {"name": title}, members_for(services()["mail"].manifest))
            made.members.add(Row({"email": f"{person}@example.com"}) for person in people)
            sandbox.world.account("mail").destinations[title] = made
        for steps in chapters:
            for kind, *arguments in steps:
                getattr(story, kind)(*arguments)
            story.settle()
