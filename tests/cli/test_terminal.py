"""On a terminal somebody is asked, and whoever interrupts gets a clean end. Real processes on a real terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cli.shell import Shell

PATIENCE = 30.0


@dataclass
class Session:
    """A process on a terminal of its own."""

    process: subprocess.Popen[bytes]
    terminal: int
    seen: bytes = b""

    def until(self, text: str) -> None:
        """Read until `text` was printed."""
        end = time.monotonic() + PATIENCE
        while text.encode() not in self.seen and time.monotonic() < end:
            with suppress(OSError):
                self.seen += os.read(self.terminal, 65536)
        assert text in self.seen.decode(), self.seen.decode()

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self.terminal, f"{line}\n".encode())

    def ended(self) -> int:
        """Read to the end and return the exit code."""
        with suppress(OSError):
            while chunk := os.read(self.terminal, 65536):
                self.seen += chunk
        return self.process.wait(PATIENCE)


@contextmanager
def session(root: Path, *arguments: str) -> Iterator[Session]:
    """Start a command on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        (sys.executable, "-m", "audiform", "-C", str(root), *arguments),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "XDG_CACHE_HOME": str(root / "cache")},
    )
    os.close(theirs)
    try:
        yield Session(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)


def test_yes_applies(shell: Shell):
    """Whoever types `yes` after the plan gets it done."""
    shell.bind("buyers_on_mail", "mail")
    with session(shell.root, "apply") as terminal:
        terminal.until("Only `yes` is taken as yes")
        terminal.type("yes")
        code = terminal.ended()

    assert 0 == code, terminal.seen.decode()
    assert 3 == len(shell.members("mail", "Buyers on mail"))


def test_anything_else_does_not(shell: Shell):
    """`y` is no yes: nothing is done, and that is said."""
    shell.bind("buyers_on_mail", "mail")
    with session(shell.root, "apply") as terminal:
        terminal.until("Only `yes` is taken as yes")
        terminal.type("y")
        code = terminal.ended()

    assert 1 == code
    assert "Not applied: nothing was done" in terminal.seen.decode()
    assert [] == shell.objects("mail")


def test_an_interrupted_apply_ends_cleanly_and_goes_on_later(shell: Shell):
    """Ctrl-C while a platform is slow: 130, no traceback, and the next apply finishes without doubling anything."""
    shell.bind("buyers_on_ads")
    shell.sandbox.faults.add("slow", operation="create", seconds=3.0)
    with session(shell.root, "apply", "--auto-approve") as terminal:
        end = time.monotonic() + PATIENCE
        while not shell.sandbox.services.count and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.2)
        terminal.process.send_signal(signal.SIGINT)
        code = terminal.ended()
    said = terminal.seen.decode()

    assert 130 == code, said
    assert "Interrupted." in said
    assert "Traceback" not in said

    time.sleep(3.0)  # until the slow platform has made it after all
    shell.sandbox.faults.clear()
    assert 0 == shell("apply", "--auto-approve").code
    assert ["Buyers on ads"] == shell.objects("ads")
    assert 0 == shell("plan", "--detailed-exitcode").code
