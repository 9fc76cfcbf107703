"""Whatever files hold, `validate` says what is wrong and where, in words, and never breaks.

A case is a folder of corpus/: its files are laid over those of corpus/_base. `NAME.absent` takes a file away;
`arguments` holds more of the command line.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from audiform.cli.main import run
from audiform.codes import reading, rendering, scheduling
from audiform.config.files import LARGEST_FILE

CORPUS = Path(__file__).parent / "corpus"
CASES = sorted(folder.name for folder in CORPUS.iterdir() if folder.is_dir() and folder.name != "_base")


def laid_out(target: Path, case: str | None = None) -> Path:
    """Return a project made of the base and the files of one case."""
    for folder in (CORPUS / "_base", *([CORPUS / case] if case else [])):
        shutil.copytree(folder, target, dirs_exist_ok=True)
    for absent in list(target.rglob("*.absent")):
        absent.with_suffix("").unlink()
    return target


def validate(project: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Return the exit code and all that was printed, with the project's folder taken out."""
    code = run(["-C", str(project), "validate", *arguments])
    printed = capsys.readouterr()
    return code, (printed.out + printed.err).replace(str(project), "PROJECT")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests' caches apart from each other and from the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def test_the_corpus_is_there():
    """A corpus that shrinks is noticed."""
    assert len(CASES) >= 60


def test_every_code_has_a_case():
    """Each code of reading, rendering and schedules is shown by a case, as is each of SQL, fields and references."""
    shown = (Path(__file__).parent / "__snapshots__" / "test_corpus.ambr").read_text(encoding="utf-8")
    fields = {
        *("unknown-field", "missing-field", "wrong-type", "invalid-value", "secret-in-clear"),
        *("unknown-reference", "sql-syntax", "sql-not-select", "sql-unsafe"),
    }

    assert set() == {
        code
        for code in {*reading.CODES, *rendering.CODES, *scheduling.CODES, *fields}
        if f"[{code}]" not in shown
    }


@pytest.mark.parametrize("case", CASES)
def test_case(case, tmp_path, capsys, snapshot: SnapshotAssertion):
    """Each case gives the diagnostics and the exit code that its snapshot shows, twice in a row."""
    project = laid_out(tmp_path / "project", case)
    arguments = project / "arguments"
    extra = arguments.read_text(encoding="utf-8").split() if arguments.exists() else []

    first = validate(project, capsys, *extra)

    assert snapshot == f"exit code {first[0]}\n{first[1]}"
    assert first == validate(project, capsys, *extra), "what is remembered changed what is said"
    assert "canary" not in first[1]
    assert first[0] in {0, 1}, "a bug was reported"


@pytest.mark.parametrize(
    ("file", "target"),
    [
        ("audiences.yaml", "/etc/hostname"),
        ("environments/test.yaml", "/etc/hostname"),
        ("audiform.yaml", "/etc/hostname"),
        ("lapsed.sql", "/etc/hostname"),
        ("audiences.yaml", "nowhere.yaml"),
        ("audiences.yaml", "audiences.yaml"),
    ],
)
def test_links_do_not_lead_out(file, target, tmp_path, capsys, snapshot: SnapshotAssertion):
    """A link out of the project, to nothing or to itself is said, and what it leads to is not shown."""
    project = laid_out(tmp_path / "project", "query_file_missing")
    (project / file).unlink(missing_ok=True)
    (project / file).symlink_to(target)

    code, text = validate(project, capsys)

    assert snapshot == f"exit code {code}\n{text}"
    assert 1 == code


def test_linked_folders_are_not_followed(tmp_path, capsys):
    """A folder that is a link holds nothing of the project, and a ring of them ends."""
    project = laid_out(tmp_path / "project")
    (project / "ring").symlink_to(project)

    assert 0 == validate(project, capsys)[0]


def test_a_pipe_does_not_hang(tmp_path, capsys, snapshot: SnapshotAssertion):
    """A pipe with the name of a YAML file is refused, where reading it would wait for ever."""
    project = laid_out(tmp_path / "project")
    os.mkfifo(project / "pipe.yaml")

    assert snapshot == validate(project, capsys)


def test_a_file_too_large_is_not_read(tmp_path, capsys, snapshot: SnapshotAssertion):
    """A file beyond the limit is refused, whatever is in it."""
    project = laid_out(tmp_path / "project")
    (project / "large.yaml").write_bytes(b"#" * (LARGEST_FILE + 1))

    assert snapshot == validate(project, capsys)


@pytest.mark.parametrize("form", ["json", "sarif", "github"])
def test_formats(form, tmp_path, capsys, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch):
    """Programs get the same problems, with paths from where they run."""
    project = laid_out(tmp_path / "project", "unknown_fields")
    monkeypatch.chdir(tmp_path)

    assert snapshot == validate(project, capsys, "--format", form)


@pytest.mark.parametrize("form", ["json", "sarif", "github"])
def test_formats_without_a_problem(form, tmp_path, capsys, snapshot: SnapshotAssertion):
    """Nothing wrong is a valid document too, also when it is remembered."""
    project = laid_out(tmp_path / "project")
    first = validate(project, capsys, "--format", form)

    assert snapshot == first
    assert first == validate(project, capsys, "--format", form)


def test_all_environments(tmp_path, capsys, snapshot: SnapshotAssertion):
    """What is wrong in all environments is said once; what is wrong in one of them names it."""
    project = laid_out(tmp_path / "project")
    (project / "environments" / "production.yaml").write_text("values: {days: 30}\n", encoding="utf-8")
    (project / "broken.yaml").write_text("bindigns: {}\n", encoding="utf-8")

    assert snapshot == validate(project, capsys, "--all-environments")


def test_all_environments_valid(tmp_path, capsys):
    """Each valid environment is named, also when that is remembered."""
    project = laid_out(tmp_path / "project")
    (project / "environments" / "production.yaml").write_text("values: {account: '1'}\n", encoding="utf-8")

    first = validate(project, capsys, "--all-environments")

    assert (0, True, True) == (first[0], "corpus in production" in first[1], "corpus in test" in first[1])
    assert first == validate(project, capsys, "--all-environments")
