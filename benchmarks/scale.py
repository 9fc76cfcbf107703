"""A first sync and one after 1 % has changed, of 1, 10 and 100 million profiles on disk, each within one limit of memory.

Each sync is `audiform sync --memory-limit` as a process of its own, from start to end, with the ledger written; each size is
beside the bare limit of the same run (`limit.py`). Cost per row must not grow with the rows, memory not at all. Data is made anew for
each size and removed after it; 100 million take some 55 GB of disk for a while and several minutes.

    python benchmarks/scale.py                               1, 10 and 100 million
    python benchmarks/scale.py --rows 1000000 10000000       what fits into a break
    python benchmarks/scale.py --folder /large/disk --memory-limit 2GB
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from costs import Cost, cost
from limit import bare
from people import CHANGED, profiles, project
from results import Budget, Figure, Place, Result, finish, here, options
from sink import sink

ROWS = (1_000_000, 10_000_000, 100_000_000)
COLUMNS = ("email", "phone")
LIMIT = "1GB"
DISK_PER_ROW = 550
"""Bytes: the data twice, the ledger, and what is spilled while people are compared."""

JUDGED = 10_000_000
"""The size whose ratio to the bare limit is a budget, and with which larger ones are compared."""
MOST_TIMES_LIMIT = 1.5
MOST_TIMES_PER_ROW = 1.3


@dataclass(frozen=True)
class Seen:
    """What one size cost: the bare limit, the first sync, and the one after 1 % had changed."""

    limit: Cost
    first: Cost
    later: Cost


def synced(root: Path, memory: str) -> Cost:
    """Return what a sync of the project costs as a process of its own."""
    command = (sys.executable, "-m", "audiform", "-C", str(root), "sync", "--json", "--memory-limit", memory)
    return cost(command)


def measure(rows: int, folder: Path, memory: str) -> Seen:
    """Return what one size costs; nothing is left of it."""
    needed, free = rows * DISK_PER_ROW, shutil.disk_usage(folder).free
    if free < needed:
        message = f"{rows:,} profiles take {needed >> 30} GB of disk, and {folder} has {free >> 30}: name another --folder"
        raise SystemExit(message)
    with tempfile.TemporaryDirectory(dir=folder) as place, sink() as url:
        root = Path(place) / "project"
        project(root, url)
        data = root / "people.parquet"
        profiles(data, rows)
        limit = bare(url, data, COLUMNS)
        first = synced(root, memory)
        data.unlink()
        profiles(data, rows, changed=CHANGED)
        return Seen(limit, first, synced(root, memory))


# --- What it means


def budgets(seen: Mapping[int, Seen], memory: int) -> Iterator[Budget]:
    """Yield every budget that the measured sizes can judge."""
    peak = max(one.megabytes for sizes in seen.values() for one in (sizes.first, sizes.later))
    yield Budget("memory at the peak, of all sizes", megabytes(peak), "MB", at_most=memory / 1e6)
    judged = seen.get(JUDGED)
    if judged is None:
        return
    for name, one in (("first sync", judged.first), ("sync after 1 % has changed", judged.later)):
        ratio = one.seconds / judged.limit.seconds
        subject = f"{name} of {JUDGED:,} as a whole process, to the limit's"
        yield Budget(subject, ratio, at_most=MOST_TIMES_LIMIT, peer="the bare limit")
    for rows, large in seen.items():
        if rows > JUDGED:
            for name, one, less in (
                ("first", large.first, judged.first),
                ("later", large.later, judged.later),
            ):
                ratio = (one.seconds / rows) / (less.seconds / JUDGED)
                subject = f"{name} sync, cost per row of {rows:,} to that of {JUDGED:,}"
                yield Budget(subject, ratio, at_most=MOST_TIMES_PER_ROW)


def figures(seen: Mapping[int, Seen]) -> Iterator[Figure]:
    """Yield what a reader compares."""
    for rows, one in seen.items():
        for name, part in (("bare limit", one.limit), ("Audiform", one.first)):
            yield Figure(
                f"First sync of {rows:,} profiles, whole process", name, rows / part.seconds, "profiles/s"
            )
    for rows, one in seen.items():
        subject = f"Audiform, {rows:,} members"
        yield Figure(
            "Sync after 1 % has changed, per million members", subject, one.later.seconds / rows * 1e6, "s"
        )
    for rows, one in seen.items():
        for name, part in (("first", one.first), ("1 % changed", one.later)):
            yield Figure("Memory at the peak", f"Audiform, {rows:,}, {name}", megabytes(part.megabytes), "MB")


def megabytes(mebibytes: float) -> float:
    """Return millions of bytes, in which limits are written."""
    return mebibytes * 1.048576


ABOUT = """\
Profiles from one Parquet file, e-mail address and phone number normalised and hashed, posted in batches of 10,000 to a local sink that
answers at once, by `audiform sync --memory-limit` as a whole process: read, compared with the ledger, staged durably, sent,
recorded. The bare limit is the DuckDB query that gives the same bytes, and an HTTP client that posts them, without any limit of memory."""


def result(seen: Mapping[int, Seen], memory: str, place: Place) -> Result:
    """Return what was found, in the form of all benchmarks."""
    from audiform.memory import memory_of

    found = [*budgets(seen, memory_of(memory).limit)]
    note = f"The limit of memory was {memory}; what did not fit into it went to disk."
    return Result("scale", "Scale", ABOUT, [*figures(seen)], found, place, notes=(note,))


def main() -> int:
    """Measure all sizes."""
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--memory-limit", default=LIMIT, metavar="SIZE")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()), help="where there is room on disk"
    )
    given = parser.parse_args()
    sizes: Sequence[int] = given.rows
    place, seen = here(), dict[int, Seen]()
    for rows in sorted(sizes):
        seen[rows] = measure(rows, given.folder, given.memory_limit)
        print(f"{rows:,}: {seen[rows]}", file=sys.stderr)
    return finish(result(seen, given.memory_limit, place), given)


if __name__ == "__main__":
    sys.exit(main())
