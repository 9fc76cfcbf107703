"""Secret references become secrets here and in `secret_stores`, at the moment a request is sent, and nowhere else.

A secret is a `str` that is passed on and dropped: never kept, logged or put into a message. A message names
the reference (a variable's name, a path, a program), which a reviewer of the YAML can see anyway; what a
command printed, on either channel, is never shown.
"""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

from audiform.config.secret_references import FromCommand, FromEnv, FromFile, LocalReference, SecretReference
from audiform.diagnostics import Diagnostic, DiagnosticError, Severity

COMMAND_SECONDS = 30.0


def resolve(reference: LocalReference, root: Path) -> str:
    """Return the secret. Paths are relative to `root`, the project's folder; commands run in it, without a shell.

    Raises:
        DiagnosticError: it is not there, cannot be read or is empty (`secret-unavailable`).
    """
    secret = _read(reference, root)
    if not secret:
        raise unavailable(
            f"{_shown(reference)} is empty, and an empty secret is never right. Give it a value."
        )
    return secret


def exposed(reference: SecretReference, root: Path) -> Diagnostic | None:
    """Return a warning when everybody on this machine can read the file of the reference."""
    if not isinstance(reference, FromFile):
        return None
    path = root / reference.from_file
    try:
        mode = path.stat().st_mode
    except OSError:
        return None
    if not mode & stat.S_IROTH:
        return None
    return Diagnostic(
        code="secret-exposed",
        severity=Severity.WARNING,
        detail=f"{_shown(reference)} can be read by every user of this machine. Take that away:\n\n    chmod 600 {path}\n",
    )


def _read(reference: LocalReference, root: Path) -> str:
    match reference:
        case FromEnv(from_env=name):
            return _from_env(name)
        case FromFile(from_file=path):
            return _from_file(path, root)
        case FromCommand(from_command=command):
            return _from_command(command, root)


def _from_env(name: str) -> str:
    secret = os.environ.get(name)
    if secret is None:
        raise unavailable(f"The environment variable {name} is not set. Set it where this command runs.")
    return secret


def _from_file(path: str, root: Path) -> str:
    try:
        return (root / path).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except FileNotFoundError:
        raise unavailable(
            f"The file {path} does not exist. Paths are relative to the project's folder."
        ) from None
    except OSError as error:
        raise unavailable(f"The file {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        # The exception holds the bytes, which are the secret: it must not be chained.
        raise unavailable(f"The file {path} is not UTF-8 text. A secret in it must be.") from None


def _from_command(command: tuple[str, ...], root: Path) -> str:
    program = command[0]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, timeout=COMMAND_SECONDS, check=False)
        output = done.stdout.decode("utf-8")
    except FileNotFoundError:
        raise unavailable(
            f"The command `{program}` does not exist on this machine. Install it, or name its path."
        ) from None
    except OSError as error:
        raise unavailable(f"The command `{program}` cannot be started: {error.strerror}.") from None
    except subprocess.TimeoutExpired:
        raise unavailable(
            f"The command `{program}` did not end within {COMMAND_SECONDS:.0f} seconds; "
            "it may wait for input, which it cannot get here. Make it answer without questions."
        ) from None
    except UnicodeDecodeError:
        raise unavailable(f"The command `{program}` did not print UTF-8 text. A secret must be.") from None
    if done.returncode:
        raise unavailable(
            f"The command `{program}` ended with status {done.returncode}. What it printed is not shown, because it "
            "could hold the secret; run it by hand to see."
        )
    return output.removesuffix("\n").removesuffix("\r")


def _shown(reference: LocalReference) -> str:
    match reference:
        case FromEnv(from_env=name):
            return f"The environment variable {name}"
        case FromFile(from_file=path):
            return f"The file {path}"
        case FromCommand(from_command=command):
            return f"What the command `{command[0]}` prints"


def unavailable(detail: str) -> DiagnosticError:
    """Return the refusal of a secret that cannot be had."""
    return DiagnosticError((Diagnostic(code="secret-unavailable", detail=detail),))
