"""Deliveries of what changed against ones of everything: nobody who stays is missing, and only who cannot be known is there too long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audiform.audiences.difference import table_of
from audiform.audiences.selection import select
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.delivery.barred import Barred
from audiform.delivery.compare import compare
from audiform.delivery.readings import Alone
from audiform.sources.slices import Slice
from audiform.state.ledger import Batch, Form, Ledger, Part, Settled
from audiform.state.open import open_ledger, open_store
from audiform.state.store import Run
from delivery.deliveries import KEYS, NAMED, NOON, Shop
from delivery.test_difference_model import Platform, World, sent

pytestmark = pytest.mark.slow

ROW = st.fixed_dictionaries(
    {
        "email": st.sampled_from(["a@example.com", "b@example.com", "a@example.com", None]),
        "phone": st.sampled_from([None, None, "+16505551111"]),
        "ltv": st.sampled_from([1, 2]),
        "gone": st.sampled_from([False, False, True]),
        "ok": st.sampled_from([True, True, True, False]),
    }
)
PROFILES = (1, 2, 3)
CHANGES = st.dictionaries(st.sampled_from(PROFILES), ROW | ROW | st.none(), min_size=1, max_size=2)
"""Profile -> its row from now on; None: it is not in the source any more, and no row says so."""
FIRST = st.fixed_dictionaries(dict.fromkeys(PROFILES, ROW))
STEPS = st.lists(st.tuples(CHANGES, st.sampled_from([False, False, False, True])), min_size=3, max_size=6)
"""What changes, and whether everything is read then; at first it is."""

Row = Mapping[str, Any]


def row(email: str, ltv: int = 1) -> Row:
    """Return the row of somebody who belongs."""
    return {"email": email, "phone": None, "ltv": ltv, "gone": False, "ok": True}


@dataclass
class Tracked(World):
    """One destination with one binding, whose audience has a watermark."""

    version: int = 0
    seen: int = 0
    rows_now: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])

    def project(self) -> Project:
        """Return the project, whose people are those in the file."""
        audience: dict[str, Any] = {"watermark": "version", "deleted": "gone", "variables": {"value": "ltv"}}
        audience["identifiers"] = {"email": "email", "phone": "phone"}
        shop: Any = Shop(self.root, self.kind, "https://x.example", None, audience)  # type: ignore[arg-type]
        shop.bindings = {"one": {}}
        return shop.project()

    def change(self, rows: Mapping[int, Row | None]) -> set[Any]:
        """Let the source change; return the identities of profiles that are gone without a word."""
        vanished = set[Any]()
        for number, row in rows.items():
            if row is not None:
                self.version += 1
                self.rows_now[number] = {"id": number, "version": self.version, **row}
            elif number in self.rows_now:
                vanished |= {self.identity(old) for old in self.members() if old["id"] == number}
                del self.rows_now[number]
        nobody = {"id": 99, "version": 0, "email": None, "phone": None, "ltv": 1, "gone": True, "ok": True}
        lines = (orjson.dumps({"audience": None, **row}) for row in [nobody, *self.rows_now.values()])
        (self.root / "people.jsonl").write_bytes(b"\n".join(lines))
        return vanished

    def members(self) -> list[Row]:
        """Return who is wanted, as sent: those who can be named."""
        named = [sent(self.kind, row) for row in self.rows_now.values() if row["ok"] and not row["gone"]]
        return [row for row in named if any(self.identity(row))]

    def identity(self, row: Row) -> tuple[str | None, ...]:
        """Return what a member is known by."""
        return (row["email"], row["phone"]) if self.platform.each else (row["email"],)

    def shared(self) -> set[Any]:
        """Return the identities of several profiles."""
        found = [self.identity(row) for row in self.members()]
        return {one for one in found if found.count(one) > 1}

    def deliver(self, ledger: Ledger, number: int, *, whole: bool) -> None:
        """Make the platform and the ledger what is known."""
        since = None if whole else Slice("version", "integer", str(self.seen))
        with closing(ledger.open(write=True)) as session:
            project = self.project()
            selection = select("one", project.bindings["one"], project.audiences["one"], self.manifest)
            people, compared = compare(session, Alone(project, "one", since), selection, self.key, Barred())
            run = Run(f"run-{number}", "one", self.key, {}, NOON)
            settled: list[Settled] = []
            for part, count in compared.parts.items():
                arrives = part in (Part.ADD, Part.MODIFY, Part.CLAIM)
                forms: Mapping[str, Form] = selection.forms if arrives else {}
                assert count == session.stage(run, part, f"SELECT * FROM {table_of(part)}", forms)
                settled.append(Settled(Batch(0, part, 0, count)))
                if part.signal is not None:
                    for row in self.rows(session.connection, part):
                        self.platform.take(part.signal, row)
            session.fold(run, settled)
            assert people.seen is not None
            self.seen = max(self.seen, int(people.seen.highest or 0))

    def keys(self, identities: Iterable[Any]) -> set[Any]:
        """Return the platform's keys of members."""
        return {
            (name, key)
            for identity in identities
            for name, key in zip(("email", "phone"), identity, strict=False)
            if key is not None
        }


@pytest.mark.parametrize("kind", [KEYS, NAMED])
@settings(max_examples=3, deadline=None)
@given(first=FIRST, steps=STEPS)
@example(
    first={1: row("a@example.com"), 2: row("b@example.com")},
    steps=[({2: row("a@example.com", 2)}, False), ({2: row("b@example.com")}, False), ({1: None}, False)],
)
def test_incremental_deliveries_and_a_full_one_end_where_full_ones_do(
    kind: str, first: dict[int, Row | None], steps: list[Any]
):
    """Whoever stays is there after each delivery, and after one of everything nobody else is, with the right variables."""
    manifest = Catalog().get(kind).manifest
    with TemporaryDirectory() as folder:
        root = Path(folder)
        with closing(open_store("file:.audiform", root, "test")) as store:
            store.create()
        ledger = open_ledger("file:.audiform", root, "test")
        world = Tracked(root, kind, manifest, Platform(manifest.identity == "each"))
        unknown: set[Any] = set()
        last: tuple[dict[int, Row | None], bool] = ({}, True)
        for number, (changes, everything) in enumerate([(first, True), *steps, last]):
            unknown |= world.change(changes) | world.shared()
            world.deliver(ledger, number, whole=everything)
            if everything:
                unknown = world.shared()
            wanted, held = world.keys(map(world.identity, world.members())), set(world.platform.held)

            assert wanted <= held
            assert held - wanted <= (set() if everything else world.keys(unknown))
            _right_variables(world, set() if everything else unknown)
            world.deliver(ledger, 1000 + number, whole=False)
            assert held == set(world.platform.held)


def _right_variables(world: Tracked, unknown: set[Any]) -> None:
    """See that members whom nobody else may share have their variables: those of the smallest key."""
    if world.platform.each:
        return
    for row in sorted(world.members(), key=lambda row: -row["id"]):
        if world.identity(row) not in unknown:
            least = min(one["id"] for one in world.members() if one["email"] == row["email"])
            if row["id"] == least:
                assert row["ltv"] == world.platform.held["email", row["email"]][1]
