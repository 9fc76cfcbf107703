"""Files: nothing outside of the project is read, and what is written is for its owner only, whatever the umask."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from audiform.cli.main import run
from audiform.config.cache import read_json, write_json
from audiform.connectors.signing import new_key, problem_of, sign
from audiform.diagnostics import DiagnosticError
from audiform.outcome import Request
from audiform.plan.serialise import from_text
from audiform.transports.places import local
from cli.shell import Shell


@contextmanager
def umask(mode: int) -> Iterator[None]:
    """Set the process's umask until the block is left."""
    before = os.umask(mode)
    try:
        yield
    finally:
        os.umask(before)


def open_to_others(root: Path) -> list[str]:
    """Return what another user could read: files and folders below `root` to which each folder on the way lets in."""
    found: list[str] = []
    for entry in sorted(root.iterdir()):
        mode = stat.S_IMODE(entry.lstat().st_mode)
        if mode & 0o077:
            found.append(entry.name)
        if entry.is_dir() and mode & 0o011:
            found += [f"{entry.name}/{inner}" for inner in open_to_others(entry)]
    return found


@pytest.mark.parametrize("mode", [0o000, 0o022])
def test_what_an_apply_leaves_is_for_its_owner(shell: Shell, tmp_path: Path, mode: int):
    """State, key, ledger, lock and plan: 0600 in folders of 0700, also for a user whose umask hides nothing."""
    shell.bind("lapsed")
    there = {entry.name for entry in shell.root.iterdir()}
    with umask(mode):
        assert 0 == shell("plan", "--out", str(tmp_path / "a.plan")).code
        assert 0 == shell("apply", str(tmp_path / "a.plan")).code
        assert 0 == shell("sync").code

    made = {entry.name for entry in shell.root.iterdir()} - there
    assert {".audiform", "a.plan"} == made
    assert [] == [name for name in open_to_others(shell.root) if name.split("/")[0] in made]
    assert (tmp_path / ".audiform/default/key").is_file()


def test_a_link_in_place_of_a_plan_is_replaced_and_not_followed(shell: Shell, tmp_path: Path):
    """Somebody who has put a link there gets neither the plan nor another file overwritten."""
    shell.bind("lapsed")
    victim = tmp_path / "victim"
    victim.write_text("as it was", encoding="utf-8")
    (tmp_path / "a.plan").symlink_to(victim)

    assert 0 == shell("plan", "--out", str(tmp_path / "a.plan")).code

    assert "as it was" == victim.read_text(encoding="utf-8")
    assert not (tmp_path / "a.plan").is_symlink()


def test_a_plan_that_cannot_be_written_leaves_nothing(shell: Shell, tmp_path: Path):
    """A folder in its place is an error, and no half a plan stays beside it."""
    shell.bind("lapsed")
    (tmp_path / "a.plan").mkdir()

    said = shell("plan", "--out", str(tmp_path / "a.plan"))

    assert 1 == said.code
    assert [] == list(tmp_path.glob(".a.plan.*"))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"version":' * 100_000, "1" * 10_000, '{"version": 1}'])
def test_a_plan_that_is_nested_for_ever_is_no_plan(text: str):
    """A file that somebody hands over cannot crash who reads it."""
    with pytest.raises(DiagnosticError) as caught:
        from_text(text, "a.plan")

    assert "invalid-plan" == caught.value.diagnostics[0].code


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside", "..", "."])
def test_the_name_of_an_environment_leads_nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
):
    """The state's folder has the name of the environment, so only one that the project has is taken."""
    root = tmp_path / "project"
    (root / "environments").mkdir(parents=True)
    (root / "audiform.yaml").write_text("project: shop\n", encoding="utf-8")
    (root / "environments" / "test.yaml").write_text("values: {}\n", encoding="utf-8")
    (tmp_path / "outside.yaml").write_text("values: {}\n", encoding="utf-8")

    codes = [run(["-C", str(root), "-e", name, *command]) for command in (["validate"], ["state", "list"])]

    assert [1, 1] == codes
    assert "unknown-environment" in capsys.readouterr().err
    assert {"project", "outside.yaml"} == {entry.name for entry in tmp_path.iterdir()}


@pytest.mark.parametrize(
    "url", ["https://example.com/state", "sqlite:a", "../state", "ftp://example.com/a", "file:"]
)
def test_state_is_in_a_known_place_or_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str):
    """A URL of another scheme is refused before anything is opened."""
    (tmp_path / "audiform.yaml").write_text(
        f"project: shop\nstate: {json.dumps({'url': url})}\n", encoding="utf-8"
    )

    assert 1 == run(["-C", str(tmp_path), "state", "list"])
    assert "unknown-state-backend" in capsys.readouterr().err


def test_what_another_user_owns_is_no_cache(tmp_path: Path):
    """A file that somebody else has put into a shared cache folder is not believed."""
    if os.getuid() != 0:  # pragma: no cover - only root gives files away
        return
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    os.chown(path, 12345, -1)

    assert read_json(path) is None


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_what_a_group_may_write_is_no_cache(tmp_path: Path, mode: int):
    """Nor is one that the group or all could have changed; ours is 0600 whatever the umask."""
    path = tmp_path / "a.json"
    with umask(0):
        write_json(path, {"a": 1})
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)

    path.chmod(mode)
    assert read_json(path) is None


def test_a_cache_runs_no_code(tmp_path: Path):
    """What is in the file is JSON; a pickle, or JSON that is nested for ever, is no cache."""
    path = tmp_path / "a.json"
    for content in (b"\x80\x04c__builtin__\nprint\n.", b"[" * 60_000, b"[" * 100_000):
        path.write_bytes(content)
        path.chmod(0o600)

        assert read_json(path) is None


def test_a_link_beside_a_file_of_people_is_not_followed(tmp_path: Path):
    """In a folder that others may write to, a link with the name that is written first overwrites nothing."""
    victim, link = tmp_path / "victim", tmp_path / f".a.csv.{os.getpid()}"
    victim.write_text("as it was", encoding="utf-8")
    link.symlink_to(victim)

    local(Request("POST", "file:///"), 1.0)(str(tmp_path / "a.csv").lstrip("/"), b"people")

    assert ("as it was", "people") == (victim.read_text(), (tmp_path / "a.csv").read_text())
    assert {"victim", "a.csv"} == {entry.name for entry in tmp_path.iterdir()}


def test_a_link_in_a_signed_type_is_no_part_of_it(tmp_path: Path):
    """What a link leads to can change after it was signed, so a type with one is neither signed nor used."""
    folder = tmp_path / "connectors" / "own"
    folder.mkdir(parents=True)
    (folder / "manifest.yaml").write_text("title: Own\n", encoding="utf-8")
    private, public = new_key()
    sign(folder, private)
    assert problem_of(folder, [public]) is None

    (folder / "more.yaml").symlink_to("/etc/hostname")

    problem = problem_of(folder, [public])
    assert problem is not None
    assert "custom-connector-changed" == problem.code
    with pytest.raises(DiagnosticError):
        sign(folder, private)
