"""Every connector type of the catalogue, from YAML to its stand-in and back: apply, people come and go, nothing is left to plan."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from audiform.cases.secrets import sample_secret
from audiform.connectors.catalog import Catalog
from audiform.connectors.manifest import Manifest
from audiform.execution.report import Report
from audiform.sandbox.serve import Sandbox, serve
from audiform.sandbox.world import Keys
from sandbox.samples import TYPES, able, in_use, opened, sample_of
from whole.engine import Engine

pytestmark = pytest.mark.slow

SECRET = "any-secret-will-do"
_QUERY = """
SELECT number, email::VARCHAR AS email, phone::VARCHAR AS phone, device::VARCHAR AS device, score::INTEGER AS score
FROM people WHERE member = 1
"""


@dataclass
class Shop:
    """A project with one binding to one connector of the type, and the people of its audience."""

    name: str
    root: Path
    engine: Engine
    sandbox: Sandbox

    @property
    def manifest(self) -> Manifest:
        """The type's manifest."""
        return Catalog().get(self.name).manifest

    def people(self, scores: Mapping[int, int]) -> None:
        """Write who belongs to the audience, with a score each."""
        header = ["number", "email", "phone", "device", "score", "member"]
        rows = [
            [n, f"p{n}@example.com", f"+1415555{1000 + n}", f"00000000-0000-4000-8000-{n:012}", score, 1]
            for n, score in scores.items()
        ]
        with (self.root / "people.csv").open("w", encoding="utf-8", newline="") as text:
            csv.writer(text).writerows([header, *rows])

    def write(self, file: str, value: Any) -> None:
        """Write YAML, of which JSON is a part."""
        (self.root / file).write_text(json.dumps(value), encoding="utf-8")

    def bind(self, *, there: bool = True, adopt: str | None = None) -> None:
        """Write the binding, or take it out; `adopt`: onto the object of this name or id, which exists."""
        signals = list(self.manifest.signals)
        fields = in_use(self.manifest)
        kinds = [
            name
            for name, one in self.manifest.identifiers.items()
            if name in ("email", "phone", "external_id", "mobile_advertising_id") and one.field in fields
        ]
        attributes = self.manifest.destination.attributes
        named = {"name": "Buyers"} if "name" in attributes["properties"] else {}
        binding = {
            "audience": "buyers",
            "connector": "there",
            "destination": {"adopt": adopt} if adopt else {**sample_of(attributes), **named},
            "identifiers": kinds,
            "signals": signals,
            "on_delete": "remove_members" if "remove" in signals else "keep",
            "guards": {"allow_empty": True},
        }
        self.write("bindings.yaml", {"bindings": {"buyers_there": binding} if there else {}})

    def run(self) -> list[Report]:
        """Apply and sync, and see that nothing failed and nothing is left to do."""
        reports = self.engine.run()
        assert [] == [report for report in reports if not report.ok]
        assert () == self.engine.plan().changes
        return reports

    def held(self) -> int:
        """Return how many people the platform holds."""
        total = 0
        for one in self.sandbox.destinations(self.name):
            members: Any = one.members
            each = isinstance(members, Keys)
            total += max(map(len, members.values.values()), default=0) if each else len(members.people)
        return total


@pytest.fixture(params=TYPES)
def shop(request, tmp_path: Path) -> Iterator[Shop]:
    """Yield a project for each type in turn, before its first apply."""
    name = request.param
    kind, settings = opened(name)
    with ExitStack() as ends:
        sandbox = ends.enter_context(serve({name: kind}))
        secrets = {each: {"from_file": each} for each in kind.manifest.credentials.get("required", ())}
        for each in secrets:
            (tmp_path / each).write_text(sample_secret(kind.manifest, each, SECRET), encoding="utf-8")
            (tmp_path / each).chmod(0o600)
        shop = Shop(name, tmp_path, Engine(tmp_path), sandbox)
        shop.write("audiform.yaml", {"project": "shop"})
        shop.write(
            "sources.yaml",
            {"sources": {"shop": {"type": "duckdb", "settings": {"tables": {"people": "people.csv"}}}}},
        )
        connector = {
            "type": name,
            "settings": settings,
            "credentials": secrets,
            "endpoint": sandbox.endpoint(name),
        }
        shop.write("connectors.yaml", {"connectors": {"there": connector}})
        audience: dict[str, Any] = {
            "source": "shop",
            "query": _QUERY,
            "profile_key": "number",
            "identifiers": {
                "email": "email",
                "phone": "phone",
                "external_id": "number",
                "mobile_advertising_id": "device",
            },
            "variables": {"score": "score"},
        }
        shop.write("audiences.yaml", {"audiences": {"buyers": audience}})
        shop.bind()
        yield shop


def test_it_converges(shop: Shop) -> None:
    """After each change the platform holds who belongs to the audience, and a plan has nothing to do."""
    shop.people(dict.fromkeys(range(1, 8), 1))
    shop.run()
    assert 7 == shop.held()
    shop.people({2: 1, 3: 5, 4: 1, 8: 1})
    shop.run()
    assert (4 if "remove" in shop.manifest.signals else 8) == shop.held()
    shop.bind(there=False)
    shop.run()
    assert (0 if "remove" in shop.manifest.signals else 8) == shop.held()


@pytest.mark.parametrize("shop", able("create", "find"), indirect=True)
def test_it_converges_on_what_is_taken_over(shop: Shop) -> None:
    """An object that exists is found by its name, filled, stays as it is, and a plan has nothing to do."""
    shop.people(dict.fromkeys(range(1, 4), 1))
    shop.run()
    shop.bind(there=False)
    shop.run()
    (theirs,) = shop.sandbox.destinations(shop.name)
    before = dict(theirs.attributes)
    shop.bind(adopt=before["name"])
    shop.run()

    assert [before] == [dict(one.attributes) for one in shop.sandbox.destinations(shop.name)]
    assert 3 == shop.held()


STEPS = 2
"""Per type: with thirty types each kind of change meets each fault. `test_sequences.py` takes some types further."""
BAD_DAYS: Sequence[tuple[str, Mapping[str, Any]]] = (
    ("status", {"status": 500}),
    ("status", {"status": 429, "retry_after": 1}),
    ("reset_before_body", {}),
    ("reset_after_body", {}),
    ("expired_token", {}),
)


def test_any_sequence_ends_where_it_should(shop: Shop) -> None:
    """People come, go and change at random while the platform has bad days; then it holds who belongs there."""
    chance = random.Random(shop.name)
    ever: set[int] = set()
    for _ in range(STEPS):
        people = chance.sample(range(1, 9), chance.randint(1, 6))
        ever |= set(people)
        shop.people({number: chance.randint(1, 3) for number in people})
        fault, details = chance.choice(BAD_DAYS)
        shop.sandbox.faults.add(fault, type=shop.name, times=chance.randint(1, 4), **details)
        shop.engine.run()
        shop.sandbox.faults.clear()
        # What nobody knows the end of is sent again by the next run, and only then counted as done.
        shop.run()

        assert len(people if "remove" in shop.manifest.signals else ever) == shop.held()
