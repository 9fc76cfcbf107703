"""A first sync of a million profiles and one with 1 % changes, beside the limit and the script that people write.

The limit is measured in the same run: the bare DuckDB query that normalises, hashes and renders the same bodies, and
the bare HTTP client that posts the same bytes. The peer is a script of pandas and requests. Each is a process of its
own, and so is the sink that takes the requests. Prints JSON; exit code 1 when a budget does not hold.

    python benchmarks/sync.py                   1,000,000 profiles
    python benchmarks/sync.py --rows 4000000    memory does not grow with them
    python benchmarks/sync.py --peer PYTHON     an interpreter that has pandas and requests (default: that of `make bench-sync`)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from costs import PEERS, Cost, best, cost
from limit import bare, imported
from people import BINDING, CHANGED, profiles, project
from results import Budget, Figure, Place, Result, finish, here, options
from sink import sink

ROWS = 1_000_000
MOST_TIMES_LIMIT = 1.5
"""The sync without start-up and ledger, to the limit's own work."""
MOST_TIMES_WHOLE = 2.0
"""The whole process with the ledger written, to the limit's whole process."""
MOST_MEGABYTES = 1024
REPEATS = 3
COLUMNS = ("email", "phone")
SCRIPT = Path(__file__).resolve().parent / "peers" / "script.py"

# --- Audiform


class _Timed:
    """A ledger that says how long it took to write."""

    def __init__(self, ledger: Any, seconds: list[float]) -> None:
        self._ledger, self._seconds = ledger, seconds

    def open(self, *, write: bool, beside: Any = None) -> Any:
        session = self._ledger.open(write=write, beside=beside)
        timed: type = type("TimedSession", (type(session),), {"__slots__": ()})
        for name in ("stage", "fold"):
            setattr(timed, name, self._measured(getattr(type(session), name)))
        session.__class__ = timed
        return session

    def destinations(self) -> Sequence[str]:
        return self._ledger.destinations()

    def _measured(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*arguments: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            try:
                return method(*arguments, **named)
            finally:
                self._seconds.append(time.perf_counter() - begun)

        return measured


def _sync(root: Path) -> NoReturn:
    """Sync as `audiform` does, from the first import to the end of the process; print what it took."""
    from audiform.cli.main import leave, prepare

    prepare()
    print(json.dumps(_synced(root)))
    leave(0)


def _synced(root: Path) -> dict[str, float]:
    from audiform.config.load import load
    from audiform.connectors.catalog import Catalog
    from audiform.delivery.deliver import deliver
    from audiform.runtime import Runtime
    from audiform.state.open import open_ledger, open_store
    from audiform.transport import HttpTransport

    loaded, _ = load(root, None)
    if loaded is None:
        raise RuntimeError("the project does not load")
    store = open_store(loaded.state.url, root, loaded.environment.name)
    ledger: list[float] = []
    timed = _Timed(open_ledger(loaded.state.url, root, loaded.environment.name), ledger)
    transport = HttpTransport()
    runtime = Runtime(loaded, Catalog(root), store, timed, transport)

    async def work() -> Any:
        try:
            return await deliver(runtime, BINDING, approved=[f"{BINDING}.max_removed"])
        finally:
            await transport.close()

    imported("aiohttp", "duckdb", "httpx", "httpx_aiohttp", "pyarrow")
    begun = time.perf_counter()
    report = asyncio.run(work())
    seconds = time.perf_counter() - begun
    store.close()
    if report.status != "done":
        raise RuntimeError(report)
    return {"work": seconds, "ledger": sum(ledger), "sent": float(sum(report.sent.values()))}


# --- Running


@dataclass(frozen=True)
class Seen:
    """What each cost: the bare limit, Audiform's first sync and the one after 1 % changed, and the script, if it ran."""

    limit: Cost
    first: Cost
    later: Cost
    script: Cost | None


def ours(file: Path) -> Cost:
    """Return what a sync of the project beside `file` costs as a process of its own."""
    return cost((sys.executable, __file__, "--project", str(file.parent)), says_json=True)


def measure(rows: int, peer: Path | None) -> Seen:
    """Return the costs of all, each the best of a few runs that take turns."""
    with tempfile.TemporaryDirectory() as folder, sink() as url:
        data = Path(folder) / "people.parquet"
        profiles(data, rows)
        roots = []
        limits, firsts, laters, scripts = [], [], [], []
        for number in range(REPEATS):
            root = Path(folder) / f"project{number}"
            project(root, url)
            own = root / "people.parquet"
            own.hardlink_to(data)
            limits.append(bare(url, data, COLUMNS))
            firsts.append(ours(own))
            if peer is not None:
                scripts.append(cost((str(peer), str(SCRIPT), url, str(data), *COLUMNS), says_json=True))
            roots.append(root)
        changed = Path(folder) / "changed.parquet"
        profiles(changed, rows, changed=CHANGED)
        for root in roots:
            own = root / "people.parquet"
            own.unlink()
            own.hardlink_to(changed)
            laters.append(ours(own))
        return Seen(best(limits), best(firsts), best(laters), best(scripts) if scripts else None)


# --- What it means


def budgets(seen: Seen) -> Iterator[Budget]:
    """Yield every budget that this run can judge."""
    bare = seen.first.inner["work"] - seen.first.inner["ledger"]
    yield Budget(
        "first sync without start-up and ledger, to the limit's work",
        bare / seen.limit.inner["work"],
        at_most=MOST_TIMES_LIMIT,
        peer="the bare limit",
    )
    yield Budget(
        "first sync as a whole process, to the limit's",
        seen.first.seconds / seen.limit.seconds,
        at_most=MOST_TIMES_WHOLE,
        peer="the bare limit",
    )
    yield Budget(
        "memory at the peak", max(seen.first.megabytes, seen.later.megabytes), "MB", at_most=MOST_MEGABYTES
    )
    if seen.script is not None:
        yield Budget(
            "first sync as a whole process, to the script's",
            seen.first.seconds / seen.script.seconds,
            at_most=1.0,
            peer="pandas + requests",
        )


def figures(rows: int, seen: Seen) -> Iterator[Figure]:
    """Yield what a reader compares."""
    named = {"bare limit": seen.limit, "Audiform": seen.first, "pandas + requests": seen.script}
    firsts = {name: one for name, one in named.items() if one is not None}
    for name, one in firsts.items():
        yield Figure(
            f"First sync of {rows:,} profiles, whole process", name, rows / one.seconds, "profiles/s"
        )
    for name, one in firsts.items():
        yield Figure("The same without start-up", name, one.inner["work"], "s")
    yield Figure("The same without start-up", "Audiform, of this its ledger", seen.first.inner["ledger"], "s")
    yield Figure("Sync after 1 % has changed, whole process", "Audiform", seen.later.seconds, "s")
    for name, one in {**firsts, "Audiform, 1 % changed": seen.later}.items():
        yield Figure("Memory at the peak", name, one.megabytes, "MB")


ABOUT = """\
Profiles from one Parquet file, e-mail address and phone number normalised and hashed, posted in batches of 10,000 to a local
sink that answers at once. The bare limit is the DuckDB query that gives the same bytes, and an HTTP client that posts
them: no difference, no ledger, nothing checked."""


def result(rows: int, seen: Seen, place: Place) -> Result:
    """Return what was found, in the form of all benchmarks."""
    return Result("sync", "Sync", ABOUT, [*figures(rows, seen)], [*budgets(seen)], place)


def main() -> int:
    """Measure, or be one of those that are measured."""
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--peer", type=Path, default=PEERS, help="interpreter with pandas and requests")
    parser.add_argument("--project", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.project is not None:
        _sync(given.project)
    place = here()
    seen = measure(given.rows, given.peer if given.peer.exists() else None)
    return finish(result(given.rows, seen, place), given)


if __name__ == "__main__":
    sys.exit(main())
