"""Secret references: what they resolve to, and what is said (and never said) when they do not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from audiform.config.secret_references import FromCommand, FromEnv, FromFile, LocalReference
from audiform.config.secrets import exposed, resolve
from audiform.diagnostics import DiagnosticError

CANARY = "canary-s3cret"


def printing(text: str, status: int = 0) -> FromCommand:
    """Return a reference to a command that prints `text` on both channels."""
    code = f"import sys; sys.stdout.buffer.write({text.encode()!r}); sys.stderr.write({text!r}); sys.exit({status})"
    return FromCommand(from_command=(sys.executable, "-c", code))


def refusal(reference: LocalReference, root: Path) -> str:
    """Return the message of a reference that does not resolve."""
    with pytest.raises(DiagnosticError) as caught:
        resolve(reference, root)
    assert ["secret-unavailable"] == [diagnostic.code for diagnostic in caught.value.diagnostics]
    return caught.value.diagnostics[0].detail


def test_from_env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """An environment variable's value is the secret, spaces included."""
    monkeypatch.setenv("AUDIFORM_TEST_SECRET", f" {CANARY}\n")

    assert f" {CANARY}\n" == resolve(FromEnv(from_env="AUDIFORM_TEST_SECRET"), tmp_path)


@pytest.mark.parametrize("content", [CANARY, f"{CANARY}\n", f"{CANARY}\r\n"])
def test_from_file_without_its_last_newline(tmp_path: Path, content: str):
    """A file's content is the secret, without the newline that an editor puts at its end."""
    (tmp_path / "token").write_bytes(content.encode())

    assert CANARY == resolve(FromFile(from_file="token"), tmp_path)


def test_from_file_keeps_other_newlines(tmp_path: Path):
    """A key of several lines stays whole: only one newline is taken off."""
    (tmp_path / "key.pem").write_text("a\nb\n\n")

    assert "a\nb\n" == resolve(FromFile(from_file="key.pem"), tmp_path)


def test_from_command_without_a_shell(tmp_path: Path):
    """A command runs in the project's folder, and its arguments mean only themselves."""
    command = (sys.executable, "-c", "import os, sys; print(os.getcwd() + sys.argv[1])", "; echo $HOME")

    assert f"{tmp_path.resolve()}; echo $HOME" == resolve(FromCommand(from_command=command), tmp_path)


def test_each_way_of_missing_has_its_message(tmp_path: Path, snapshot):
    """What is missing is named, with what to do."""
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff\xfe" + CANARY.encode())
    references: list[LocalReference] = [
        FromEnv(from_env="AUDIFORM_NOT_SET"),
        FromFile(from_file="absent"),
        FromFile(from_file="empty"),
        FromFile(from_file="folder"),
        FromFile(from_file="binary"),
        FromCommand(from_command=("audiform-no-such-program",)),
        FromCommand(from_command=("/",)),
    ]

    assert snapshot == [refusal(reference, tmp_path) for reference in references]


def test_what_a_failing_command_printed_is_not_shown(tmp_path: Path):
    """A command that fails may have printed the secret on either channel: only its status is told."""
    message = refusal(printing(CANARY, status=3), tmp_path)

    assert CANARY not in message
    assert "status 3" in message


def test_no_secret_in_the_chain_of_exceptions(tmp_path: Path):
    """An exception that holds the undecodable bytes is not carried along."""
    (tmp_path / "binary").write_bytes(b"\xff" + CANARY.encode())
    with pytest.raises(DiagnosticError) as caught:
        resolve(FromFile(from_file="binary"), tmp_path)

    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None


def test_a_file_that_everybody_can_read_is_warned_of(tmp_path: Path):
    """A world-readable secret file is a warning with the command that mends it; a private one is none."""
    path = tmp_path / "token"
    path.write_text(CANARY)
    path.chmod(0o644)
    warning = exposed(FromFile(from_file="token"), tmp_path)
    assert warning is not None
    assert ("secret-exposed", "warning") == (warning.code, warning.severity)
    assert f"chmod 600 {path}" in warning.detail

    path.chmod(0o600)
    assert exposed(FromFile(from_file="token"), tmp_path) is None
    assert exposed(FromFile(from_file="absent"), tmp_path) is None
    assert exposed(FromEnv(from_env="HOME"), tmp_path) is None
