"""How much memory a command may take, and which part of it each piece of work gets that runs beside others.

The limit is for the whole process. What the interpreter, its libraries and the requests on their way take is set aside; the
rest is for the databases in which people are compared, one per piece of work. What has no room there goes to disk.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from audiform.diagnostics import Diagnostic, DiagnosticError

PATTERN: Final = r"^\d+(\.\d+)?\s?([KMGT]i?B)$"
"""A size as it is written: `800MB`, `1.5 GiB`."""

DEFAULT: Final = 1_000_000_000
ASIDE: Final = 400_000_000
"""What everything but the compared people takes, measured: the interpreter, libraries, requests on their way, and what a database
knows of a hundred million rows that are on disk."""

_MORE: Final = 1.25
"""What a database takes is more than it counts, by this factor: measured, with limits of 500 MB to 2 GB."""

LEAST: Final = 600_000_000
"""Of a limit: with less a large difference would fail after an hour, instead of at once."""

_LEAST_SHARE: Final = 150_000_000
"""Of one piece of work, where several could run: with less they wait for each other."""

_PER_THREAD: Final = 60_000_000
"""Each thread of a database has buffers of its own: a machine with many processors must not fill the memory with them."""

_OFFLOADED: Final = "failed to offload"
_SPILLED: Final = "duckdb_temp_"
"""What DuckDB says where the disk takes no more of what it spills, and how the files are called."""

_UNITS: Final = {"K": 1, "M": 2, "G": 3, "T": 4}


@dataclass(slots=True)
class Memory:
    """The memory of one command, in bytes."""

    limit: int = DEFAULT
    _parts: int = 1
    _guard: Lock = field(default_factory=Lock, repr=False)

    def side_by_side(self, wanted: int) -> int:
        """Divide what there is among so many pieces of work, or among fewer where each would get too little.

        Return how many may run at once; the others wait for their turn. Pieces that run already keep what they have.
        """
        with self._guard:
            self._parts = max(1, min(wanted, self._room // _LEAST_SHARE))
            return self._parts

    @property
    def share(self) -> int:
        """What one piece of work that begins now may take."""
        return self._room // self._parts

    @property
    def threads(self) -> int:
        """How many threads a piece of work may have with its share."""
        return max(1, min(os.cpu_count() or 1, self.share // _PER_THREAD))

    @property
    def _room(self) -> int:
        return max(int((self.limit - ASIDE) / _MORE), 1)


@contextmanager
def saying_room() -> Generator[None]:
    """Say what a database has no room for in the words of the command.

    Raises:
        DiagnosticError: the limit is too small for the work (`memory-limit-reached`), or the disk is full (`spill-disk-full`).
    """
    try:
        yield
    except Exception as error:
        said = lacking(error)
        if said is None:
            raise
        raise DiagnosticError([said]) from error


def lacking(error: Exception) -> Diagnostic | None:
    """Return what is said where an error of DuckDB's means that it has no room; None of any other."""
    kind, text = type(error).__name__, str(error)
    if kind == "OutOfMemoryException" and _OFFLOADED not in text:
        return Diagnostic(
            "memory-limit-reached",
            "There was not enough memory to compare the people, although what can be is kept on disk: single steps need some "
            "room for each processor and each column. What was accepted before is recorded. Allow more, with `--memory-limit` or "
            "`memory_limit` in audiform.yaml, or sync fewer bindings at once.",
        )
    if kind == "OutOfMemoryException" or (kind == "IOException" and _SPILLED in text):
        return Diagnostic(
            "spill-disk-full",
            "The people to be compared do not fit into the memory limit, and the disk has no room for the rest. It goes to a "
            "folder beside the ledger, or in `TMPDIR` where the state is in a database or a bucket, and is some 400 bytes a "
            "person. What was accepted before is recorded. Make room there, or allow more memory with `--memory-limit`.",
        )
    return None


def memory_of(text: str) -> Memory:
    """Return the memory of a limit as it is written.

    Raises:
        DiagnosticError: it is no size (`invalid-memory-limit`), or too small to work with (`memory-limit-too-small`).
    """
    limit = size_of(text)
    if limit is None:
        raise DiagnosticError([_no_size(text)])
    if limit < LEAST:
        raise DiagnosticError([too_small(text)])
    return Memory(limit)


def size_of(text: str) -> int | None:
    """Return the bytes of `512MB` (a thousand thousands each) or `512MiB` (1,024 times 1,024); None where it is no size."""
    found = re.match(PATTERN, text.strip())
    if found is None:
        return None
    unit = found[2]
    number = float(text.strip()[: -len(unit)])
    return int(number * (1024 if "i" in unit else 1000) ** _UNITS[unit[0]])


def shown(size: int) -> str:
    """Return a size as it is written, rounded down to whole megabytes."""
    return f"{size // 1_000_000:,}MB".replace(",", "")


def too_small(text: str) -> Diagnostic:
    """Return what is said of a limit with which nothing of size could be compared."""
    return Diagnostic(
        "memory-limit-too-small",
        f"The memory limit is {text}, and the least is {shown(LEAST)}: some {shown(ASIDE)} are taken before the first person is read, "
        "and a comparison of many people needs room to divide them. Nothing was read and nothing was sent. Write a larger "
        "limit: what does not fit into it goes to disk, whatever it is.",
    )


def _no_size(text: str) -> Diagnostic:
    return Diagnostic(
        "invalid-memory-limit",
        f"The memory limit `{text}` is no size. Write a number and a unit: `800MB`, `1.5GB`, `2GiB`.",
    )
