"""After any sequence of changes and faults the platforms hold what the definitions say: the whole engine, real HTTP."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from audiform.sandbox.rows import Row
from audiform.sandbox.serve import serve
from audiform.sandbox.world import Destination, members_for
from whole.engine import Engine, said
from whole.model import EMAILS, EXTERNAL, NAMED_BY, PHONES, Binding, Model, Profile, Remote, keys
from whole.shop import (
    CONNECTORS,
    described,
    differences,
    services,
    write_bindings,
    write_people,
    write_project,
)

NUMBERS = st.integers(1, 7)
NAMES = st.sampled_from(["one", "two", "three"])
MAILBOXES = st.sampled_from(
    [None, *(f"{name}@example.com" for name in ("ann", "bob", "cid", "dee")), *EMAILS]
)
TELEPHONES = st.sampled_from([None, "+14155550100", "+14155550101", "+14155550102", *PHONES])
PROFILES = st.builds(
    Profile,
    email=MAILBOXES,
    phone=TELEPHONES,
    consent=st.sampled_from([True, True, True, False, None]),
    score=st.sampled_from([None, 1, 2]),
    audiences=st.sampled_from(["a", "b", "ab", "ab", ""]),
)


Change = Callable[[Profile | None], Profile | None]
"""What becomes of a profile, or of a number that none has."""


def _changed(name: str) -> Callable[[Any], Change]:
    """Return what makes, of a value, the change of one column of whoever is there."""

    def change_to(value: Any) -> Change:
        column: dict[str, Any] = {name: value}
        return lambda profile: profile and replace(profile, **column)

    return change_to


CHANGES: st.SearchStrategy[Change] = st.one_of(
    PROFILES.map(lambda profile: lambda _: profile),
    MAILBOXES.map(_changed("email")),
    TELEPHONES.map(_changed("phone")),
    st.booleans().map(_changed("consent")),
    st.sampled_from([None, 1, 2, 3]).map(_changed("score")),
    st.just(lambda _: None),
)


@st.composite
def bindings(draw) -> Binding:
    """Draw a binding that the connector's type can have."""
    connector = draw(st.sampled_from(list(CONNECTORS)))
    endings = ["keep", "freeze", "remove_members", "remove_members"]
    endings += [] if connector in EXTERNAL else ["delete_destination"]
    return Binding(
        audience=draw(st.sampled_from("ab")),
        connector=connector,
        title=draw(st.sampled_from(["x", "y"])),
        on_delete=draw(st.sampled_from(endings)),
        enabled=draw(st.sampled_from([True, True, True, False])),
    )


FAULTS = st.fixed_dictionaries(
    {"times": st.sampled_from([1, 2, 7, 20])},
    optional={
        "type": st.sampled_from(list(CONNECTORS)),
        "operation": st.sampled_from(["create", "find", "add", "remove", "modify", "token", "add.job"]),
    },
).flatmap(
    lambda where: st.sampled_from(
        [
            {"fault": "status", "status": 429, **where},
            {"fault": "status", "status": 429, "retry_after": 1, **where},
            {"fault": "status", "status": 500, **where},
            {"fault": "error", "category": "invalid_request", **where},
            {"fault": "error", "category": "rate_limited", **where},
            {"fault": "reset_before_body", **where},
            {"fault": "reset_after_body", **where},
            {"fault": "reset_after_body", **where},
            {"fault": "expired_token", **where},
            {"fault": "slow", "seconds": 0.02, **where},
        ]
    )
)


class Whole(RuleBasedStateMachine):
    """Changes rows and definitions, lets runs stumble, and compares after each run that nothing disturbed."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = ExitStack()
        self.root = Path(tempfile.mkdtemp(prefix="audiform-whole-"))
        self.ends.callback(shutil.rmtree, self.root, ignore_errors=True)
        write_project(self.root)
        self.types = services(self.root)
        self.sandbox = self.ends.enter_context(serve(self.types, watcher=self._watch))
        write_project(self.root, self.sandbox.url)
        self.engine = Engine(self.root)
        self.model = Model()
        self.people: dict[int, Profile] = {}
        self.defined: dict[str, Binding] = {}
        self.known: set[tuple[str, frozenset[tuple[str, str]]]] = set()
        self.mixed: list[str] = []
        self.unsettled = False
        self.rejected = False
        self.parquet = True
        self.failed = False

    @initialize(
        people=st.dictionaries(NUMBERS, PROFILES, min_size=4),
        defined=st.dictionaries(NAMES, bindings(), min_size=2),
        strangers=st.booleans(),
    )
    def begin(self, people: dict[int, Profile], defined: dict[str, Binding], *, strangers: bool) -> None:
        """Start with some people and bindings, and perhaps members whom nobody of us added."""
        for number, profile in people.items():
            self._put(number, profile)
        self.defined |= defined
        if strangers:
            self._add_strangers()

    def _add_strangers(self) -> None:
        for connector in sorted(EXTERNAL):
            there = self.sandbox.world.account(connector).destinations
            there["x"] = Destination("x", {}, members_for(self.types[connector].manifest))
            name = "email" if connector == "crm" else "external_id"
            there["x"].members.add([Row({name: "stranger"})])
            self.model.remotes.append(Remote(connector, "x", {(name, "stranger"): None}))

    # --- What changes by itself: people

    @rule(changes=st.lists(st.tuples(NUMBERS, CHANGES), min_size=1, max_size=5), other_file=st.booleans())
    def people_change(self, changes: list[tuple[int, Change]], *, other_file: bool) -> None:
        """Profiles enter, leave, change in part or as a whole; the file may be of another format from now on."""
        for number, change in changes:
            self._put(number, change(self.people.get(number)))
        self.parquet ^= other_file

    def _put(self, number: int, profile: Profile | None) -> None:
        self.people.pop(number, None)
        if profile is not None:
            self.people[number] = profile
            self.known |= {(name, frozenset(keys(name, number, profile).items())) for name in CONNECTORS}

    # --- What is changed: definitions. Not while it is unknown how far the last ones got.

    @precondition(lambda self: not self.unsettled)
    @rule(name=NAMES, binding=bindings())
    def bind(self, name: str, binding: Binding) -> None:
        """A binding is new, or is changed to anything else."""
        self.defined[name] = binding

    @precondition(lambda self: not self.unsettled)
    @rule(name=NAMES, way=st.sampled_from(["out", "switch", "audience", "title"]))
    def change_binding(self, name: str, way: str) -> None:
        """A binding is taken out of the project, switched off or on, or gets another audience or title."""
        if name not in self.defined:
            return
        binding = self.defined[name]
        match way:
            case "out":
                del self.defined[name]
            case "switch":
                self.defined[name] = replace(binding, enabled=not binding.enabled)
            case "audience":
                self.defined[name] = replace(binding, audience="b" if binding.audience == "a" else "a")
            case _:
                self.defined[name] = replace(binding, title="y" if binding.title == "x" else "x")

    @precondition(lambda self: not self.unsettled)
    @rule(name=NAMES)
    def vanish(self, name: str) -> None:
        """Somebody deletes the object at the platform."""
        remote = self.model.at.get(name)
        if remote is not None and remote.connector not in EXTERNAL and remote in self.model.remotes:
            there = self.sandbox.world.account(remote.connector).destinations
            gone = next(
                one.id
                for one in self.sandbox.destinations(remote.connector)
                if (remote.title, remote.members) == described(remote.connector, one)
            )
            del there[gone]
            self.model.remotes.remove(remote)

    # --- Runs

    @rule(faults=st.lists(FAULTS, min_size=1, max_size=3), rejected=st.sampled_from([0, 0, 1, 2]))
    def stumble(self, faults: list[dict[str, Any]], rejected: int) -> None:
        """A run meets faults, and may get anywhere."""
        for fault in faults:
            self.sandbox.faults.add(**fault)
        for name in ("mail", "crm") if rejected else ():
            self.sandbox.faults.add("partial_failure", rows=rejected, type=name, operation="add")
        self._write()
        note(str([said(report) for report in self.engine.run()]))
        self.model.disturb(self.defined, self.people)
        self.sandbox.faults.clear()
        self.unsettled, self.rejected = True, self.rejected or rejected > 0

    @rule()
    def settle(self) -> None:
        """A run that nothing disturbs brings everything to what the definitions say, and leaves nothing to plan."""
        self._write()
        self.failed = True
        reports = self.engine.run(retry_rejected=self.rejected)
        self.model.settle(self.defined, self.people)
        self.unsettled = self.rejected = False

        assert [True, True] == [report.ok for report in reports], [said(report) for report in reports]
        assert [] == differences(self.model, self.sandbox)
        assert () == self.engine.plan().changes
        self.failed = False

    @invariant()
    def no_record_names_two_people(self) -> None:
        """Each record that arrived held identifiers of one profile only."""
        assert [] == self.mixed

    def teardown(self) -> None:
        """End with a comparison, whatever came last."""
        try:
            if not self.failed:
                self.settle()
        finally:
            self.ends.close()

    def _write(self) -> None:
        write_people(self.root, self.people, parquet=self.parquet)
        write_bindings(self.root, self.defined)

    def _watch(self, where: str, signal: str, rows: Sequence[Row]) -> None:
        """Look at each accepted record, in the sandbox's thread."""
        known = [combination for connector, combination in self.known if connector == where]
        for row in rows:
            named = {pair for pair in row.identifiers.items() if pair[0] == NAMED_BY.get(where, pair[0])}
            if not any(named <= combination for combination in known):
                self.mixed.append(f"{where} {signal}: {sorted(named)}")


BIG = os.environ.get("AUDIFORM_WHOLE", "")
"""How many sequences instead of the few that CI has time for: `AUDIFORM_WHOLE=500 pytest tests/whole`."""


@pytest.mark.slow
def test_whatever_happens_the_platforms_hold_what_the_definitions_say() -> None:
    """After any sequence of changes and faults, a run that nothing disturbs makes the model and the platforms equal."""
    run_state_machine_as_test(
        Whole,
        settings=settings(
            max_examples=int(BIG or 12),
            stateful_step_count=25,
            deadline=None,
            derandomize=not BIG,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
        ),
    )
