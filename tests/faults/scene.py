"""A small project, its platforms and what they must hold: what faults happen to."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiform.sandbox.rows import Row
from audiform.sandbox.serve import Sandbox, serve
from audiform.sandbox.world import Destination, members_for
from faults.running import Run, Strike, begin
from servers import Database
from whole.model import EXTERNAL, Binding, Key, Model, Profile, Remote, wanted
from whole.shop import CONNECTORS, services, write_bindings, write_people, write_project

PEOPLE = 16
STATE = ".audiform"
STRANGER = "stranger"
"""A member whom nobody of us added."""


@dataclass
class Scene:
    """`applied`: whether the definitions are applied, as far as is known, so that the next run is a sync.

    `staying`: binding -> whom it meant in each run since everything was settled: nothing may take them out.
    `lengths`: command and strike -> how many points the last one had that got to its end.
    """

    root: Path
    sandbox: Sandbox
    chance: random.Random
    model: Model = field(default_factory=Model)
    people: dict[int, Profile] = field(default_factory=dict)
    defined: dict[str, Binding] = field(default_factory=dict)
    applied: bool = False
    database: Database | None = None
    staying: dict[str, set[Key]] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """The state's folder, where a disk may be mounted."""
        return self.root / STATE

    def change(self) -> None:
        """Change the definitions or the people, or both: something is there to be done."""
        if not self.defined or self.chance.random() < 0.6:
            self._change_bindings()
            self.applied = False
        self.change_people(1 + self.chance.randrange(6))

    def change_people(self, number: int) -> None:
        """Let some enter, leave or get another address."""
        for _ in range(number):
            key = self.chance.randrange(PEOPLE)
            if key in self.people and self.chance.random() < 0.4:
                del self.people[key]
            else:
                self.people[key] = self._profile(key)
        write_people(self.root, self.people, parquet=True)

    @property
    def command(self) -> str:
        """What comes next."""
        return "sync" if self.applied else "apply"

    def begin(self, strike: Strike | None = None, name: str = "output") -> Run:
        """Start what comes next."""
        run = begin(self.root, self.command, strike, name)
        run.label = self._label(strike.what if strike else None)
        return run

    def somewhere(self, what: str) -> int:
        """Return a point of the next run at which `what` can happen to it."""
        return self.chance.randrange(max(2, self.lengths.get(self._label(what), 40)))

    def _label(self, what: str | None) -> str:
        return f"{self.command}, {what}"

    def disturbed(self) -> None:
        """Take into account that a run got nobody knows how far."""
        self.model.disturb(self.defined, self.people)
        for name, binding in self.defined.items():
            now = set(wanted(self.people, binding))
            self.staying[name] = self.staying.get(name, now) & now

    def settled(self) -> None:
        """Take into account that everything was done."""
        self.model.settle(self.defined, self.people)
        self.staying.clear()
        self.applied = True

    def _change_bindings(self) -> None:
        name = self.chance.choice(["one", "two", "three"])
        if name in self.defined and self.chance.random() < 0.3:
            del self.defined[name]
        else:
            self.defined[name] = self._binding()
        write_bindings(self.root, self.defined)

    def _profile(self, key: int) -> Profile:
        number = self.chance.randrange(PEOPLE)
        return Profile(
            email=self.chance.choice([f"person{key}@example.com", f"person{number}@example.com", None]),
            phone=None if number % 3 else f"+1415555{1000 + number}",
            consent=self.chance.random() < 0.9,
            score=number % 5,
            audiences=self.chance.choice(["a", "b", "ab"]),
        )

    def _binding(self) -> Binding:
        connector = self.chance.choice(list(CONNECTORS))
        endings = ["keep", "freeze", "remove_members", "remove_members"]
        endings += [] if connector in EXTERNAL else ["delete_destination"]
        return Binding(
            self.chance.choice("ab"), connector, self.chance.choice("xy"), self.chance.choice(endings)
        )


@contextmanager
def scene(root: Path, seed: str, database: Database | None = None) -> Iterator[Scene]:
    """Yield a project of its own: a few people, no binding yet, and members at the platforms whom nobody of us added."""
    root.mkdir(parents=True, exist_ok=True)
    state = _state_in(database, root) if database else None
    write_project(root, hurried=True, state=state)
    types = services(root)
    with serve(types) as sandbox:
        write_project(root, sandbox.url, hurried=True, state=state)
        made = Scene(root, sandbox, random.Random(seed), database=database)
        for connector in sorted(EXTERNAL):
            there = sandbox.world.account(connector).destinations
            there["x"] = Destination("x", {}, members_for(types[connector].manifest))
            name = "email" if connector == "crm" else "external_id"
            there["x"].members.add([Row({name: STRANGER})])
            made.model.remotes.append(Remote(connector, "x", {(name, STRANGER): None}))
        made.change_people(PEOPLE)
        yield made


def _state_in(database: Database, root: Path) -> str:
    """Return the URL of a state in the database; the password is in a file, where libpq looks for it."""
    secret = root / "pgpass"
    secret.write_text(f"*:*:*:*:{database.password}\n", encoding="utf-8")
    secret.chmod(0o600)
    return f"postgresql://{database.user}@127.0.0.1:{database.port}/shop?passfile={secret}"


@dataclass
class Past:
    """A scene as it was at one moment, with its folder and its platforms, to go back to before each fault."""

    scene: Scene
    accounts: dict[str, Any]
    model: Model
    people: dict[int, Profile]
    defined: dict[str, Binding]
    applied: bool
    chance: Any

    def restore(self) -> None:
        """Let everything be as it was."""
        now = self.scene
        shutil.rmtree(now.root)
        shutil.copytree(_kept(now), now.root)
        now.sandbox.faults.clear()
        now.sandbox.world.accounts = deepcopy(self.accounts)
        now.model, now.people, now.defined = deepcopy((self.model, self.people, self.defined))
        now.applied = self.applied
        now.staying.clear()
        now.chance.setstate(self.chance)


def remember(now: Scene) -> Past:
    """Return the scene as it is."""
    shutil.rmtree(_kept(now), ignore_errors=True)
    shutil.copytree(now.root, _kept(now))
    accounts = deepcopy(now.sandbox.world.accounts)
    model, people, defined = deepcopy((now.model, now.people, now.defined))
    return Past(now, accounts, model, people, defined, now.applied, now.chance.getstate())


def _kept(now: Scene) -> Path:
    return now.root.with_suffix(".past")
