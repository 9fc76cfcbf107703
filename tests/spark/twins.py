"""The same shop delivered twice from the same state, by one engine and by another: what each has sent and written down."""

from __future__ import annotations

import copy
import hashlib
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiform.config.engine import Engine
from audiform.delivery.report import Delivered
from audiform.sandbox.serve import Sandbox
from delivery.deliveries import Shop
from spark.recorder import Recorder
from whole.shop import ON_SPARK

EMBEDDED = Engine()
SPARK = Engine.model_validate(ON_SPARK)
People = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Seen:
    """One delivery: its requests (ids that the platform makes are `N` in paths), the files of the ledger by what their names say, and the report."""

    requests: list[tuple[str, str, bytes]]
    ledger: dict[str, list[str]]
    report: dict[str, Any]


@contextmanager
def put_back(root: Path, sandbox: Sandbox) -> Iterator[None]:
    """Let the project's folder and the platforms be what they were, afterwards."""
    kept = root.with_name(f"{root.name} kept")
    shutil.copytree(root, kept)
    there = [one for service in sandbox.services.types for one in sandbox.destinations(service)]
    members = [copy.deepcopy(one.members) for one in there]
    try:
        yield
    finally:
        shutil.rmtree(root)
        kept.rename(root)
        for destination, before in zip(there, members, strict=True):
            destination.members = before


def deliveries(shop: Shop, recorder: Recorder, stages: Sequence[tuple[Engine, People]]) -> list[Seen]:
    """Deliver stage after stage, from the state as it is now."""
    with put_back(shop.root, shop.sandbox):
        return [_seen(shop, recorder, engine, people) for engine, people in stages]


def _seen(shop: Shop, recorder: Recorder, engine: Engine, people: People) -> Seen:
    shop.engine = engine
    shop.people(*people)
    recorder.taken()
    delivered = shop.deliver()
    return Seen(recorder.masked(), ledger(shop.root), described(delivered))


def ledger(root: Path) -> dict[str, list[str]]:
    """Return what a file of the ledger is of (part, and what became of it) -> digests of their bytes; run ids differ."""
    found: dict[str, list[str]] = {}
    for file in sorted(root.glob(".audiform/**/*.parquet")):
        kind = file.name.partition(".")[2]
        found.setdefault(kind, []).append(hashlib.sha256(file.read_bytes()).hexdigest())
    return {kind: sorted(digests) for kind, digests in found.items()}


def described(delivered: Delivered) -> dict[str, Any]:
    """Return a report without what differs in each run."""
    fields = ("status", "sent", "rejected", "pending", "unsure", "left_out", "impact", "problems", "not_sent")
    return {name: getattr(delivered, name) for name in fields}


def generated(number: int, seed: int) -> list[dict[str, Any]]:
    """Return people of every kind: with addresses to mend, shared, invalid or missing; numbers that only Python can read."""
    chance = random.Random(seed)
    return [
        {
            "id": person,
            "email": chance.choice(
                [
                    f"u{person}@example.com",
                    f" U{person}@Example.COM",
                    f"shared{person % 7}@example.com",
                    f"ü{person}@example.com",
                    "nobody",
                    None,
                ]
            ),
            "phone": chance.choice(
                [
                    None,
                    f"+1415555{person % 10_000:04}",
                    f"(415) 555-{person % 10_000:04}",
                    "030 1234567",
                    "12",
                ]
            ),
            "ltv": chance.choice([None, 0, 1, 250]),
            "ok": chance.choice([True, True, True, False, None]),
        }
        for person in range(1, number + 1)
    ]


def changed(people: People, seed: int) -> list[dict[str, Any]]:
    """Return the people later: some left, some are new, some have other values."""
    chance, other = random.Random(seed), generated(len(people) + len(people) // 10, seed)
    return [
        dict(later if place >= len(people) or chance.random() < 0.2 else people[place])
        for place, later in enumerate(other)
        if chance.random() < 0.9
    ]
