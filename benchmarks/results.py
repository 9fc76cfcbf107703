"""The one form of what a benchmark found: where and when it ran, its figures, and whether its budgets hold.

A benchmark ends like this, and its figures are a part of `docs/benchmarks.md` as soon as its JSON is committed under
`benchmarks/results/` (`page.py` knows nothing but this form):

    parser = options(__doc__)                      # --json FILE, --report
    ...
    return finish(Result("scale", "Scale", about, figures=[...], budgets=[...], here=here()), parser.parse_args())
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "results"
PACKAGES = ("audiform", "duckdb", "pyarrow", "aiohttp")
"""Whose versions every result states."""
DIGITS = 4
"""A figure is not more exact than this; what goes beyond it would be noise in a diff."""


@dataclass(frozen=True)
class Figure:
    """One bar: `subject` is whose figure it is, figures of one `measure` stand side by side."""

    measure: str
    subject: str
    value: float
    unit: str


@dataclass(frozen=True)
class Budget:
    """What must hold, and what was seen. `peer` is who the figure is compared with, if anybody."""

    name: str
    seen: float
    unit: str = "times"
    at_most: float | None = None
    at_least: float | None = None
    peer: str = ""

    @property
    def holds(self) -> bool:
        """Return whether what was seen, with the digits that are told, is within the limits; a limit itself is within."""
        seen = significant(self.seen)
        return (self.at_most is None or seen <= self.at_most) and (
            self.at_least is None or seen >= self.at_least
        )


@dataclass(frozen=True)
class Machine:
    """Where a benchmark ran; `load` is how many processes wanted a core before it began."""

    cpu: str
    cores: int
    memory_gigabytes: float
    system: str
    python: str
    load: float
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """When and where."""

    at: str
    machine: Machine


@dataclass(frozen=True)
class Result:
    """What a benchmark found. `about` says the job in a paragraph, `notes` what a reader must know to judge a figure."""

    benchmark: str
    title: str
    about: str
    figures: Sequence[Figure]
    budgets: Sequence[Budget]
    here: Place
    notes: Sequence[str] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Return whether every budget does."""
        return all(budget.holds for budget in self.budgets)


# --- Where and when


def here(*packages: str, others: Mapping[str, str] | None = None) -> Place:
    """Return now and this machine, to be asked before the work begins: with the versions of `packages` and of `others`."""
    versions = {name: _version(name) for name in (*PACKAGES, *packages)} | dict(others or {})
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    machine = Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        memory_gigabytes=round(pages * size / 1024**3, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        load=round(os.getloadavg()[0], 1),
        versions=versions,
    )
    return Place(datetime.now(UTC).isoformat(timespec="seconds"), machine)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


# --- JSON


def to_json(result: Result) -> str:
    """Return the result as it is committed."""
    body = asdict(result)
    for figure in body["figures"]:
        figure["value"] = significant(figure["value"])
    body["budgets"] = [_budget(budget) for budget in result.budgets]
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def _budget(budget: Budget) -> dict[str, Any]:
    given = {name: value for name, value in asdict(budget).items() if value is not None}
    return {**given, "seen": significant(budget.seen), "holds": budget.holds}


def from_json(text: str) -> Result:
    """Return a result that was committed."""
    body = json.loads(text)
    place = body["here"]
    for budget in body["budgets"]:
        del budget["holds"]  # follows from the rest
    body |= {
        "figures": [Figure(**figure) for figure in body["figures"]],
        "budgets": [Budget(**budget) for budget in body["budgets"]],
        "here": Place(place["at"], Machine(**place["machine"])),
    }
    return Result(**body)


def significant(value: float) -> float:
    """Return the value with its first digits only."""
    rounded = float(f"{value:.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded


# --- The ends of a benchmark


def options(description: str | None) -> argparse.ArgumentParser:
    """Return a parser that has what every benchmark takes."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result to this file")
    parser.add_argument(
        "--report", action="store_true", help="only say which budgets are missed; exit code 0 all the same"
    )
    return parser


def finish(result: Result, given: argparse.Namespace) -> int:
    """Print the result, write it where that was asked for, and return 1 when a budget does not hold."""
    text = to_json(result)
    print(text, end="")
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(text, encoding="utf-8", newline="\n")
    return 0 if result.holds or given.report else 1
