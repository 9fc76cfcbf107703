"""What a process of its own costs: seconds from start to end, processor time, and memory at the peak."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

PEERS = Path(__file__).resolve().parent.parent / "build" / "peers" / "bin" / "python"
"""The interpreter of the peers' own environment, as make installs it."""
BYTECODE = {
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "audiform-bytecode"),
}
"""An installed program has its bytecode; here it is kept apart, whatever the caller's environment says of it."""


@dataclass(frozen=True)
class Cost:
    """One process: `seconds` from start to end, `megabytes` at its peak, `inner` what it said of itself.

    `processor` is the seconds of all cores, with those of its own children: what else the machine does changes it least.
    """

    seconds: float
    megabytes: float
    processor: float
    inner: Mapping[str, float] = field(default_factory=dict)


def cost(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    says_json: bool = False,
) -> Cost:
    """Run a command; return what it cost. What it prints is shown only when it fails, or read as JSON (`says_json`)."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdout=said,
            stderr=None if says_json else subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if process.returncode:
        message = f"{' '.join(map(str, command))} failed with exit code {process.returncode}: {text}"
        raise RuntimeError(message)
    processor = usage.ru_utime + usage.ru_stime
    return Cost(seconds, usage.ru_maxrss / 1024, processor, json.loads(text) if says_json else {})


def best(costs: Sequence[Cost]) -> Cost:
    """Return the run that other work on the machine disturbed least, with the largest peak of all."""
    least = min(costs, key=lambda one: one.seconds)
    return replace(least, megabytes=max(one.megabytes for one in costs))
