"""A command in a process of its own, that can be killed at any moment."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from audiform.cli.main import main
from processes import started


@dataclass(frozen=True)
class Running:
    """A command that runs, or has run; what it says goes to a file."""

    process: BaseProcess
    output: Path

    @property
    def code(self) -> int | None:
        """The exit code, -9 of a killed command, or None while it runs."""
        return self.process.exitcode

    def kill(self) -> None:
        """Kill it, with no chance to tidy up."""
        self.process.kill()

    def ended(self, patience: float) -> tuple[int | None, str]:
        """Wait for the end; return the exit code and what the command said."""
        self.process.join(patience)
        return self.code, self.output.read_text(encoding="utf-8")


def start(root: Path, command: str, *options: str) -> Running:
    """Start `audiform COMMAND` on the project in `root`."""
    output = root / "output.txt"
    output.touch()
    return Running(started(_command, root, output, [command, *options]), output)


def _command(root: Path, output: Path, arguments: list[str]) -> None:
    os.environ |= {"XDG_CACHE_HOME": str(root / "cache"), "TMPDIR": str(root)}
    tempfile.tempdir = None
    with output.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    main(["-C", str(root), *arguments])
