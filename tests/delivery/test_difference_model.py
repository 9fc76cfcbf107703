"""The difference over many runs, against a model of a few lines: sets of people, and a platform that does as it is told."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiform.audiences.difference import table_of
from audiform.audiences.selection import Selection, form_of, select
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.connectors.manifest import Manifest
from audiform.delivery.barred import Barred
from audiform.delivery.compare import compare, compare_ended, ended_impact, impact_of
from audiform.delivery.readings import Alone
from audiform.delivery.rows import Outgoing
from audiform.outcome import Signal
from audiform.state.ledger import Batch, Ledger, Part, Settled, as_sent
from audiform.state.open import open_ledger, open_store
from audiform.state.store import Run
from delivery.deliveries import COLUMNS, KEYS, NAMED, NOON, Shop

PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.integers(1, 5),
            "email": st.sampled_from([None, "a@example.com", "b@example.com", "c@example.com"]),
            "phone": st.sampled_from([None, "+16505551111", "+16505552222"]),
            "ltv": st.sampled_from([1, 2]),
        }
    ),
    max_size=5,
)
pytestmark = pytest.mark.slow

BINDINGS = ("one", "two")
RUNS = st.lists(st.tuples(st.sampled_from(BINDINGS), PEOPLE | st.none()), min_size=1, max_size=8)
"""Binding, and its people now; None: the binding ends."""

Row = Mapping[str, Any]


@dataclass
class Platform:
    """What the destination holds: values by themselves, or people named by their address."""

    each: bool
    held: dict[tuple[str, str], Any] = field(default_factory=dict)

    def take(self, signal: Signal, row: Row) -> None:
        """Do what a row says."""
        if self.each:
            for name in ("email", "phone"):
                if row.get(name) is not None:
                    if signal is Signal.REMOVE:
                        self.held.pop((name, row[name]), None)
                    else:
                        self.held[name, row[name]] = True
        elif signal is Signal.REMOVE:
            self.held.pop(("email", row["email"]), None)
        else:
            before = self.held.get(("email", row["email"]), (None, None))
            assert signal is Signal.ADD or before != (None, None), "only a member is modified"
            self.held["email", row["email"]] = (row["phone"] or before[0], row["var:value"])


def expected(people: Mapping[str, list[Row]], each: bool) -> set[Any]:
    """Return what the definitions say that the platform holds: the keys, or the addresses."""
    rows = [row for found in people.values() for row in found]
    names = ("email", "phone") if each else ("email",)
    return {(name, row[name]) for row in rows for name in names if row[name] is not None}


@dataclass
class World:
    """One destination with two bindings, through all runs."""

    root: Path
    kind: str
    manifest: Manifest
    platform: Platform
    key: str = "destination"

    def project(self) -> Project:
        """Return the project, whose people are those in the file."""
        audience = {"variables": {"value": "ltv"}, "identifiers": {"email": "email", "phone": "phone"}}
        shop: Any = Shop(self.root, self.kind, "https://x.example", None, audience)  # type: ignore[arg-type]
        shop.bindings = {name: {} for name in BINDINGS}
        return shop.project()

    def run(self, ledger: Ledger, binding: str, people: list[Row] | None) -> None:
        """Make the ledger and the platform what the definition says."""
        with closing(ledger.open(write=True)) as session:
            selection: Selection | None = None
            if people is None:
                compared = compare_ended(session, binding, self.manifest, self.key)
                said = ended_impact(compared)
            else:
                lines = (
                    orjson.dumps({**dict.fromkeys(COLUMNS), "ok": True, "audience": None, **row})
                    for row in people
                )
                (self.root / "people.jsonl").write_bytes(b"\n".join(lines))
                project = self.project()
                selection = select(
                    binding, project.bindings[binding], project.audiences[binding], self.manifest
                )
                found, compared = compare(session, Alone(project, binding), selection, self.key, Barred())
                said = impact_of(selection, found, compared)
            run = Run(uuid.uuid4().hex, binding, self.key, {}, NOON)
            settled = []
            for part, count in compared.parts.items():
                arrives = part in (Part.ADD, Part.MODIFY, Part.CLAIM)
                forms = selection.forms if selection and arrives else {}
                assert count == session.stage(run, part, f"SELECT * FROM {table_of(part)}", forms)
                settled.append(Settled(Batch(0, part, 0, count)))
                if part.signal is not None:
                    for row in self.rows(session.connection, part):
                        self.platform.take(part.signal, row)
            session.fold(run, settled)
            assert said.members_after.value == session.count(self.key, binding)

    def rows(self, connection: Any, part: Part) -> Iterator[Row]:
        """Yield the rows of a part as values."""
        found = connection.execute(f"SELECT * FROM {table_of(part)}")
        names = [column[0].removeprefix("id:") for column in found.description]
        for row in found.fetchall():
            yield {"email": None, "phone": None, **dict(zip(names, row, strict=True))}


def sent(kind: str, row: Row) -> Row:
    """Return the row with its identifiers as they are sent."""
    from audiform.connectors.identifiers import normalize

    known = Catalog().get(kind).manifest.identifiers
    return {
        **row,
        **{
            name: normalize(known[name], row[name], region=None, already_hashed=False)
            for name in ("email", "phone")
        },
    }


@pytest.mark.parametrize("kind", [KEYS, NAMED])
@settings(max_examples=8, deadline=None)
@given(runs=RUNS)
def test_after_any_runs_the_platform_holds_what_the_definitions_say(kind: str, runs: list[Any]):
    """People come, leave and change, share keys and a destination; bindings end. Then nothing is left to do."""
    manifest = Catalog().get(kind).manifest
    each = manifest.identity == "each"
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "people.jsonl").write_text('{"id": 1, "email": "x", "phone": "x", "ltv": 1, "ok": true}\n')
        with closing(open_store("file:.audiform", root, "test")) as store:
            store.create()
        ledger = open_ledger("file:.audiform", root, "test")
        world = World(root, kind, manifest, Platform(each))
        now: dict[str, list[Row]] = {}
        for binding, people in runs:
            given_people = people or (None if people is None else [_nobody()])
            world.run(ledger, binding, given_people)
            now[binding] = [sent(kind, row) for row in people or ()]

            assert expected(now, each) == set(world.platform.held)
            # Of a member that both bindings have, the one that sent a change last has said what is stored.
            others = {row["email"] for name, rows in now.items() if name != binding for row in rows}
            if not each:
                for row in _representatives(now[binding]):
                    stored = world.platform.held["email", row["email"]][1]
                    assert row["email"] in others or row["ltv"] == stored
            held = dict(world.platform.held)
            world.run(ledger, binding, given_people)
            assert held == world.platform.held


def _nobody() -> Row:
    return {"id": 1, "email": None, "phone": None, "ltv": 1}


def _representatives(rows: list[Row]) -> Iterator[Row]:
    """Yield who is sent of each address: the smallest key, where it is of one profile only."""
    for email in {row["email"] for row in rows if row["email"] is not None}:
        same = [row for row in rows if row["email"] == email]
        least = min(row["id"] for row in same)
        first = [row for row in same if row["id"] == least]
        if len(first) == 1:
            yield first[0]


def test_outgoing_rows_are_what_the_type_says():
    """A removal is written with the identifiers that the ledger kept, in the order of the type."""
    manifest = Catalog().get(KEYS).manifest
    operation = manifest.signals["remove"]
    outgoing = Outgoing(Part.REMOVE, operation, manifest, ["email", "phone"], (), {})  # type: ignore[arg-type]

    assert ["EMAIL", "PHONE"] == outgoing.fields
    assert as_sent("email") in outgoing.query()
    assert form_of(manifest, "email").column("email") not in outgoing.query()
