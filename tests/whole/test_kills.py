"""A run that is killed loses nothing: the next one goes on, and ends where an undisturbed one would have ended.

Real processes, real sockets to a sandbox in this process, SIGKILL. Half of the kills come at a random moment of a
run, the others right after a random request was processed: between an intent and the record of its effect.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from audiform.sandbox.serve import Sandbox, serve
from whole.commands import Running, start
from whole.engine import Engine
from whole.model import EXTERNAL, Binding, Model, Profile
from whole.shop import CONNECTORS, differences, services, write_bindings, write_people, write_project

KILLS = 25
"""At least, of each of the tests below; they are as many as there are seeds."""
SEEDS = range(4)
RUNS = 7
"""That may be killed before one is left alone."""
PEOPLE = 40
PATIENCE = 60.0


@dataclass
class Length:
    """How long an undisturbed run of a command is: where in it a kill may fall."""

    seconds: float = 1.0
    requests: int = 20

    def measured(self, seconds: float, requests: int) -> None:
        """Take in one more undisturbed run."""
        self.seconds = seconds
        self.requests = max(requests, self.requests // 2, 4)


@dataclass
class Killing:
    """A project, its platforms, what they must hold, and somebody who kills."""

    root: Path
    sandbox: Sandbox
    chance: random.Random
    model: Model = field(default_factory=Model)
    people: dict[int, Profile] = field(default_factory=dict)
    defined: dict[str, Binding] = field(default_factory=dict)
    lengths: dict[str, Length] = field(default_factory=lambda: {"apply": Length(), "sync": Length()})
    applied: bool = False
    kills: int = 0

    def change(self) -> None:
        """Change people and a binding; one round begins."""
        name = self.chance.choice(["one", "two", "three"])
        if name in self.defined and self.chance.random() < 0.3:
            del self.defined[name]
        else:
            self.defined[name] = self._binding()
        write_bindings(self.root, self.defined)
        self.change_people(1 + self.chance.randrange(PEOPLE))
        self.applied = False

    def change_people(self, number: int) -> None:
        """Let some enter, leave or get another address."""
        for _ in range(number):
            key = self.chance.randrange(PEOPLE)
            if key in self.people and self.chance.random() < 0.4:
                del self.people[key]
            else:
                self.people[key] = self._profile(key)
        write_people(self.root, self.people, parquet=True)

    def killed_run(self) -> None:
        """Start what comes next and kill it somewhere; if it was over before, something new is there to do."""
        command = "sync" if self.applied else "apply"
        length, begun = self.lengths[command], self.sandbox.services.count
        process = self._start(command)
        if self.chance.random() < 0.5:
            self._wait(process, seconds=self.chance.uniform(0.4, 1.0) * length.seconds)
        else:
            # The first requests more often: a run that goes on from another has fewer.
            self._wait(process, count=begun + 1 + int(length.requests * self.chance.random() ** 2))
        if process.code is None:
            process.kill()
            self.kills += 1
        code, output = process.ended(PATIENCE)
        self.model.disturb(self.defined, self.people)
        assert code in (-9, 0), output
        if code == 0:
            self.applied = True
        if code == 0 or self.chance.random() < 0.3:
            self.change_people(5)

    def whole_run(self) -> None:
        """Apply and sync to the end: everything is as it should be, and nothing is left to do."""
        for command in ("apply", "sync"):
            begun, started = self.sandbox.services.count, time.monotonic()
            code, output = self._start(command).ended(PATIENCE)
            assert code == 0, output
            self.lengths[command].measured(time.monotonic() - started, self.sandbox.services.count - begun)
        self.model.settle(self.defined, self.people)

        assert [] == differences(self.model, self.sandbox)
        assert () == Engine(self.root).plan().changes

    def _start(self, command: str) -> Running:
        return start(self.root, command, *(["--auto-approve"] if command == "apply" else []))

    def _wait(self, process: Running, *, seconds: float = PATIENCE, count: int | None = None) -> None:
        """Wait for a time, for a number of requests, or for the end."""
        until = time.monotonic() + seconds
        while process.code is None and time.monotonic() < until:
            if count is not None and self.sandbox.services.count >= count:
                return
            time.sleep(0.001)

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


@pytest.mark.kills
@pytest.mark.parametrize("seed", SEEDS)
def test_a_killed_run_loses_nothing(tmp_path, seed):
    """Killed at any moment, and run again: no remove is lost, no object made twice, and nothing is left to plan."""
    write_project(tmp_path, hurried=True)
    with serve(services(tmp_path)) as sandbox:
        write_project(tmp_path, sandbox.url, hurried=True)
        killing = Killing(tmp_path, sandbox, random.Random(seed))
        # Answers that take their time widen the moments in which a kill is hard to survive.
        sandbox.faults.add("slow", probability=1.0, seconds=0.004)
        killing.change()
        killing.whole_run()
        while killing.kills < KILLS:
            killing.change()
            for _ in range(RUNS):
                killing.killed_run()
            killing.whole_run()
