"""Every way in which a command can end badly: what is said, and with which exit code."""

from __future__ import annotations

import errno
import os
import platform
import tempfile
import traceback
from enum import IntEnum
from pathlib import Path

import click

from audiform import __version__
from audiform.cli.output import Output, Style, paint
from audiform.cli.views.diagnostics import render_text
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.execution.stopped import Stopped
from audiform.state.store import LockedError


class Exit(IntEnum):
    """The exit codes that a script may rely on."""

    DONE = 0
    ERROR = 1
    CHANGES = 2
    STOPPED = 3
    LOCKED = 4
    BUG = 70
    INTERRUPTED = 130


def exit_code_of(problem: BaseException) -> int:
    """Say what went wrong on stderr; return the exit code."""
    output = Output()
    match problem:
        case SystemExit():
            return problem.code if isinstance(problem.code, int) else Exit.DONE
        case click.exceptions.Exit():
            return problem.exit_code
        case KeyboardInterrupt() | click.Abort():
            output.problem("Interrupted.")
            return Exit.INTERRUPTED
        case DiagnosticError():
            output.problem(render_text(problem.diagnostics, colour=output.error_colour))
            return Exit.ERROR
        case Stopped():
            output.problem(_headed("stopped", str(problem), output))
            return Exit.STOPPED
        case LockedError():
            output.problem(_headed("locked", str(problem), output))
            return Exit.LOCKED
        case click.ClickException():
            output.problem(_headed("error", problem.format_message(), output))
            if isinstance(problem, click.UsageError) and problem.ctx is not None:
                output.problem(f"\nhint: `{problem.ctx.command_path} --help` shows how it is used")
            return Exit.ERROR
        case _:
            return _unforeseen(problem, output)


_OF_THE_MACHINE = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.EISDIR}
)
"""What a file system refuses for reasons that only its owner can do something about."""


_EXTRAS = {
    "confluent_kafka": "kafka",
    "httptools": "events",
    "nats": "nats",
    "prometheus_client": "events",
    "uvicorn": "events",
    "uvloop": "events",
}
"""Packages that whole commands stand on, and the extra that brings each."""


def _unforeseen(problem: BaseException, output: Output) -> Exit:
    """Say what the machine refuses, where it is that; whatever else gets here is a bug."""
    if isinstance(problem, OSError) and problem.filename and problem.errno in _OF_THE_MACHINE:
        text = (
            f"`{problem.filename}` cannot be used: {os.strerror(problem.errno)}; the command stopped there\n"
            "Give this user the right to read and write it, make room, or name another place; then run the command again"
        )
        output.problem(_headed("error", text, output))
        return Exit.ERROR
    if isinstance(problem, ModuleNotFoundError) and (
        extra := _EXTRAS.get(f"{problem.name}".partition(".")[0])
    ):
        text = f"This needs the Python package `{problem.name}`, which is not installed: run `pip install 'audiform[{extra}]'`."
        missing = Diagnostic("library-missing", text)
        output.problem(render_text((missing,), colour=output.error_colour))
        return Exit.ERROR
    output.problem(_bug(problem, output))
    return Exit.BUG


def _headed(head: str, text: str, output: Output) -> str:
    return f"{paint(head, Style.ERROR, Style.BOLD, colour=output.error_colour)}: {text}"


def _bug(problem: BaseException, output: Output) -> str:
    """Write a report without values of variables or messages (they could hold people) and say where it is."""
    frames = "".join(
        f"  {Path(frame.filename).name}:{frame.lineno} {frame.name}\n"
        for frame in traceback.extract_tb(problem.__traceback__)
    )
    report = (
        f"# Audiform bug report\n\naudiform {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{type(problem).__module__}.{type(problem).__qualname__}\n\n{frames}"
    )
    handle, path = tempfile.mkstemp(prefix="audiform-bug-", suffix=".md", text=True)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(report)
    return _headed(
        "bug",
        f"{type(problem).__name__} where none should be: this is a bug in Audiform, not in your project\n"
        f"A report without your data is in {path}; please send it to the maintainers",
        output,
    )
