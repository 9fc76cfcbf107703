"""Runs `audiform sync` for an orchestrator: starts it, reads what it did, and says what its exit code means.

Needs nothing but Python, so that it can be copied beside DAGs and assets. `audiform` itself may be in an environment of its own:
`program` says where.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Verdict(Enum):
    """What an orchestrator does next."""

    DONE = "done"
    """Everybody was sent."""
    LATER = "later"
    """Another run has the state's lock: try again in a while. Nothing is wrong."""
    AGAIN = "again"
    """Something did not work; what was accepted is recorded, and the next try goes on from there."""
    PERSON = "person"
    """A guard or a policy stopped it: trying again gives the same answer until somebody has looked."""


_VERDICTS = {0: Verdict.DONE, 3: Verdict.PERSON, 4: Verdict.LATER}


@dataclass(frozen=True)
class Result:
    """What came of a sync. `people`: binding -> what was sent and left out, in numbers."""

    verdict: Verdict
    code: int
    people: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: Sequence[str] = ()

    @property
    def text(self) -> str:
        """One line for the log."""
        return "; ".join(self.problems) or f"`audiform sync` ended with exit code {self.code}"


@dataclass
class Sync:
    """One sync. `environment` None is the project's default; no `bindings` are all of them."""

    project: str
    environment: str | None = None
    bindings: Sequence[str] = ()
    program: Sequence[str] = ("audiform",)
    _process: subprocess.Popen[str] | None = None

    @property
    def command(self) -> list[str]:
        """The command, as somebody could type it."""
        environment = ["-e", self.environment] if self.environment else []
        return [*self.program, "-C", self.project, *environment, "sync", *self.bindings, "--json"]

    def run(self) -> Result:
        """Run it to its end. What it says on stderr goes where this process says it."""
        with subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True) as process:
            self._process = process
            printed, _ = process.communicate()
        return result_of(process.returncode, printed)

    def stop(self) -> None:
        """End it as Ctrl-C does: what platforms accepted is recorded. The orchestrator's own kill would come too early."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(60)


def result_of(code: int, printed: str) -> Result:
    """Return what an exit code and the report mean."""
    try:
        report = json.loads(printed)
    except ValueError:
        report = {}  # it ended before it had anything to report
    people = {each["binding"]: each for each in report.get("people", ())}
    counts = {
        name: {key: each[key] for key in ("status", "sent", "rejected", "left_out")}
        for name, each in people.items()
    }
    return Result(_VERDICTS.get(code, Verdict.AGAIN), code, counts, tuple(_problems(report)))


def _problems(report: Mapping[str, Any]) -> list[str]:
    found = [problem["message"] for failure in report.get("failed", ()) for problem in failure["problems"]]
    for each in report.get("people", ()):
        found += [
            f"{guard['name']}: {guard['detail']}"
            for guard in each["guards"]
            if not (guard["ok"] or guard["approved"])
        ]
        found += [f"{each['binding']}: {problem['message']}" for problem in each["problems"]]
    return [*found, *(item["detail"] for item in report.get("refused", ()))]
