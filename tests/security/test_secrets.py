"""A secret is in no command line, no environment that we make, and no text that is shown."""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

from audiform.config.secret_references import FromCommand
from audiform.config.secrets import resolve
from audiform.connectors.auth.scheme import Context, Session
from audiform.diagnostics import DiagnosticError
from audiform.outcome import Request, Response
from audiform.plan.seal import keys_of
from cli.shell import Shell

CANARY = "sk-canary-4d1f0c7e9a"


def test_a_command_gets_no_secret_of_ours(shell: Shell, tmp_path: Path):
    """Neither its arguments nor its environment hold one; nobody's list of processes does while it runs."""
    (tmp_path / "secret.txt").write_text(CANARY, encoding="utf-8")
    seen, script = tmp_path / "seen", tmp_path / "ask.py"
    script.write_text(
        "import os, pathlib, sys\n"
        "lines = [p.read_bytes() for p in pathlib.Path('/proc').glob('[0-9]*/cmdline') if os.access(p, os.R_OK)]\n"
        f"pathlib.Path({str(seen)!r}).write_bytes(b'\\n'.join([*lines, repr(dict(os.environ)).encode()]))\n"
        "print('token-of-the-command')\n",
        encoding="utf-8",
    )
    connectors = {
        name: {**body, "credentials": {key: {"from_file": "secret.txt"} for key in body["credentials"]}}
        for name, body in _connectors(tmp_path).items()
    }
    connectors["mail"]["credentials"] = {"private_key": {"from_command": [sys.executable, "ask.py"]}}
    shell.write(connectors=connectors)
    shell.bind("lapsed")
    shell.bind("lapsed_by_mail", connector="mail")

    assert 0 == shell("apply", "--auto-approve").code

    assert CANARY.encode() not in seen.read_bytes()
    assert str(script.name).encode() in seen.read_bytes()


def test_a_command_is_no_shell(tmp_path: Path):
    """What an argument holds is an argument: nothing in it is run, expanded or redirected."""
    argument = "$(touch ran); `touch ran` > ran $HOME *"
    secret = resolve(
        FromCommand(from_command=(sys.executable, "-c", "import sys; print(sys.argv[1])", argument)), tmp_path
    )

    assert argument == secret
    assert [] == list(tmp_path.iterdir())


def test_no_traceback_holds_a_secret(tmp_path: Path):
    """Not even the one that a debugger would show: a command's output is in no message and no cause."""
    program = f"import sys; print({CANARY[:9]!r} + {CANARY[9:]!r}); sys.exit(1)"
    with pytest.raises(DiagnosticError) as caught:
        resolve(FromCommand(from_command=(sys.executable, "-c", program)), tmp_path)

    said = "".join(traceback.format_exception(caught.value))
    assert CANARY not in said
    assert caught.value.__cause__ is None


def test_values_do_not_show_themselves():
    """A request, an answer, a token and the keys of plans hide what they hold when they are printed."""
    request = Request(
        "POST", "https://example.com/a", (("authorization", f"Bearer {CANARY}"),), CANARY.encode()
    )
    shown = [
        request,
        Response(200, {"set-cookie": CANARY}, CANARY.encode()),
        Session(token=CANARY),
        Context({"credentials": {"token": CANARY}}, Session(token=CANARY), 0.0),
        keys_of({"AUDIFORM_PLAN_KEY": CANARY * 4}),
    ]

    assert [] == [repr(value) for value in shown if CANARY in repr(value)]


def _connectors(root: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((root / "connectors.yaml").read_text())["connectors"]
    return found
