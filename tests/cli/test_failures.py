"""How a command ends that the machine does not let go on: with what is in the way, and not as a bug."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from audiform.cli.failures import Exit, exit_code_of


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (
            PermissionError(errno.EACCES, "", "/srv/shop/state.sqlite"),
            "`/srv/shop/state.sqlite` cannot be used",
        ),
        (ModuleNotFoundError(name="uvloop"), "pip install 'audiform[events]'"),
        (ModuleNotFoundError(name="nats.errors"), "pip install 'audiform[nats]'"),
    ],
    ids=["folder of another user", "server of events", "client of NATS"],
)
def test_what_the_machine_lacks_is_no_bug(problem, said, capsys):
    """A file that this user may not use, and an extra that was not installed, are named with what to do."""
    code = exit_code_of(problem)

    assert (Exit.ERROR, True) == (code, said in capsys.readouterr().err)


@pytest.mark.parametrize(
    ("unbuffered", "code"), [("", 0), ("1", 0), ("1", 1)], ids=["late", "at once", "wrong"]
)
def test_whoever_reads_may_go_away(unbuffered, code):
    """`audiform ... | head` ends as the command does, however its output is buffered."""
    reader, writer = os.pipe()
    os.close(reader)
    command = ["connectors", "list", "--available"] if code == 0 else ["connectors", "show", "unknown"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "audiform", *command],
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=writer,
            stderr=writer if code else subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)

    assert (code, done.stderr or b"") == (done.returncode, b"")
