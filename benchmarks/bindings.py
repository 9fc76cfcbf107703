"""Ten bindings on one audience, beside one, in the same run: an audience is read, normalised and hashed once.

Measured is the work of this machine: reading, hashing, comparing, writing the ledger and making the requests. Platforms
answer at once and nobody waits for their limits, because both cost ten times as much for ten bindings, whoever sends. Each sync
is a process of its own. Exit code 1 when a budget does not hold.

    python benchmarks/bindings.py                   1,000,000 profiles
    python benchmarks/bindings.py --rows 4000000    memory does not grow with them
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from costs import Cost, best, cost
from people import CHANGED, profiles
from results import Budget, Figure, Place, Result, finish, here, options

ROWS = 1_000_000
MOST_TIMES_ONE = 3.0
MOST_MEGABYTES = 1024
REPEATS = 3
SETTINGS: Mapping[str, str] = {
    "meta_custom_audiences": '{ad_account_id: "1"}',
    "criteo_audiences": '{advertiser_id: "1"}',
    "pinterest_customer_lists": '{ad_account_id: "1"}',
    "snapchat_audiences": "{ad_account_id: 8adc3db7-8148-4fbf-999c-8d2266369d74}",
}
ONE = (("meta_custom_audiences", "[email, phone]"),)
TEN = (
    *ONE * 4,
    *(("criteo_audiences", "[email]"),) * 2,
    *(("pinterest_customer_lists", "[email]"),) * 2,
    ("snapchat_audiences", "[email]"),
    ("snapchat_audiences", "[phone]"),
)
"""Type and identifiers of each binding: one rule for addresses and two for numbers, four types, three ways of naming a member."""
ANSWER = json.dumps(
    {
        "access_token": "x",
        "expires_in": 3600,
        "audience_id": "1",
        "num_received": 0,
        "num_invalid_entries": 0,
        "id": "1",
        "data": {"attributes": {"nbInvalidIdentifiers": 0, "sampleInvalidIdentifiers": []}},
        "users": [{"sub_request_status": "SUCCESS", "user": {"number_uploaded_users": 0}}],
    }
).encode()
"""What each of the types takes for a yes."""


# --- The project


def _project(root: Path, bindings: tuple[tuple[str, str], ...]) -> None:
    """Write a project with these bindings, and record it as an apply does."""
    from audiform.connectors.catalog import Catalog

    known = Catalog()
    lines = ["sources: {shop: {type: duckdb, settings: {tables: {people: people.parquet}}}}"]
    lines += [
        "audiences:",
        "  everybody: {source: shop, query: SELECT * FROM people, profile_key: customer_id,",
    ]
    lines += ["    identifiers: {email: email, phone: phone}}", "connectors:"]
    for kind in dict.fromkeys(kind for kind, _ in bindings):
        names = known.get(kind).manifest.credentials["properties"]
        given = ", ".join(f"{name}: {{from_env: PATH}}" for name in names)
        lines.append(f"  {kind}: {{type: {kind}, settings: {SETTINGS[kind]}, credentials: {{{given}}}}}")
    lines.append("bindings:")
    for number, (kind, identifiers) in enumerate(bindings):
        lines.append(
            f"  binding{number}: {{audience: everybody, connector: {kind}, identifiers: {identifiers},"
        )
        lines.append(f"    destination: {{name: Everybody {number}}}, on_delete: keep}}")
    root.mkdir()
    (root / "audiform.yaml").write_text("project: bench\n", encoding="utf-8")
    (root / "resources.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _record(root)


def _record(root: Path) -> None:
    from audiform.config.load import load
    from audiform.connectors.catalog import Catalog
    from audiform.plan.records import record_of
    from audiform.state.open import open_store

    project, problems = load(root, None)
    if project is None:
        raise RuntimeError([problem.detail for problem in problems])
    digests = {kind: Catalog().get(kind).digest for kind in SETTINGS}
    store = open_store(project.state.url, root, project.environment.name)
    store.put(
        *(
            record_of(project, address, type_digests=digests, secret_digests={}, destination_id=address.name)
            for address in project.digests
        )
    )
    store.close()


# --- The process that is measured


def _sync(root: Path) -> None:
    """Send all bindings; print what that cost without starting up."""
    from audiform.cases.clock import still_clock
    from audiform.config.load import load
    from audiform.connectors.catalog import Catalog
    from audiform.outcome import Request, Response
    from audiform.runtime import Runtime
    from audiform.state.open import open_ledger, open_store
    from audiform.sync import SyncOptions, sync

    class Yes:
        """A platform that takes everything at once."""

        async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109
            del request, timeout
            return Response(200, {"content-type": "application/json"}, ANSWER)

        async def close(self) -> None:
            """Nothing is open."""

    project, _ = load(root, None)
    if project is None:
        raise RuntimeError("the project does not load")
    place = (project.state.url, root, project.environment.name)
    store = open_store(*place)
    runtime = Runtime(project, Catalog(root), store, open_ledger(*place), Yes(), timing=still_clock())
    guards = [f"{name}.max_removed" for name in project.bindings]
    begun, used = time.perf_counter(), time.process_time()
    report = asyncio.run(sync(runtime, (), SyncOptions(approved=guards)))
    seconds, processor = time.perf_counter() - begun, time.process_time() - used
    store.close()
    if report.failed or len(report.done) != len(project.bindings):
        raise RuntimeError([report.failed, [(one.binding, one.problems) for one in report.delivered]])
    sent = sum(sum(one.sent.values()) for one in report.delivered)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "processor": processor, "sent": sent, "peak": peak}))


# --- Running


@dataclass(frozen=True)
class Seen:
    """What one binding and ten cost: their first sync, and the one after 1 % changed."""

    first: tuple[Cost, Cost]
    later: tuple[Cost, Cost]


def measure(rows: int) -> Seen:
    """Return the figures, each the best of a few runs that take turns."""
    first: tuple[list[Cost], list[Cost]] = ([], [])
    later: tuple[list[Cost], list[Cost]] = ([], [])
    with tempfile.TemporaryDirectory() as folder:
        data, changed = Path(folder) / "people.parquet", Path(folder) / "changed.parquet"
        profiles(data, rows)
        profiles(changed, rows, changed=CHANGED)
        for _ in range(REPEATS):
            for number, bindings in enumerate((ONE, TEN)):
                root = Path(folder) / "project"
                _project(root, bindings)
                for file, costs in ((data, first), (changed, later)):
                    (root / "people.parquet").unlink(missing_ok=True)
                    (root / "people.parquet").hardlink_to(file)
                    costs[number].append(
                        cost([sys.executable, __file__, "--sync", str(root)], says_json=True)
                    )
                shutil.rmtree(root)
    return Seen((best(first[0]), best(first[1])), (best(later[0]), best(later[1])))


def budgets(seen: Seen) -> Iterator[Budget]:
    """Yield what must hold."""
    for name, (one, ten) in (("first sync", seen.first), ("sync with 1 % changes", seen.later)):
        for what, measured in (("processor", "processor time"), ("seconds", "time")):
            ratio = ten.inner[what] / one.inner[what]
            yield Budget(f"ten bindings to one, {name}, {measured}", ratio, at_most=MOST_TIMES_ONE)
    peak = max(cost.megabytes for cost in (*seen.first, *seen.later))
    yield Budget("memory at the peak", peak, "MB", at_most=MOST_MEGABYTES)


def figures(seen: Seen) -> Iterator[Figure]:
    """Yield what was seen."""
    for name, costs in (("first sync", seen.first), ("sync with 1 % changes", seen.later)):
        for subject, one in zip(("Audiform, one binding", "Audiform, ten bindings"), costs, strict=True):
            yield Figure(f"{name}: processor time", subject, one.inner["processor"], "s")
            yield Figure(f"{name}: time", subject, one.inner["seconds"], "s")
            yield Figure(f"{name}: memory at the peak", subject, one.megabytes, "MB")


def result(rows: int, seen: Seen, place: Place) -> Result:
    """Return what was found."""
    about = (
        f"{rows:,} profiles from Parquet, one audience. One binding, and ten of four connector types: addresses are hashed "
        "by one rule, numbers by two. Platforms answer at once."
    )
    return Result("bindings", "Ten bindings", about, [*figures(seen)], [*budgets(seen)], place)


def main() -> int:
    """Measure, or be the sync that is measured."""
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--sync", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.sync is not None:
        _sync(given.sync)
        return 0
    place = here()
    return finish(result(given.rows, measure(given.rows), place), given)


if __name__ == "__main__":
    sys.exit(main())
