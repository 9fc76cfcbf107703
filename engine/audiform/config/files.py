"""Finds and reads the project's files: nothing outside of its folder, nothing endless, nothing that is not text."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from audiform.diagnostics import Diagnostic, DiagnosticError, Location

PROJECT_FILE = "audiform.yaml"
ENVIRONMENTS = "environments"
LARGEST_FILE = 8 * 1024 * 1024
_SUFFIXES = (".yaml", ".yml")
_NOT_RESOURCES = frozenset({ENVIRONMENTS, "connectors", "tests", "node_modules"})


@dataclass(frozen=True, slots=True)
class Text:
    """One file. `file` is relative to the project's folder; `digest` is of its bytes."""

    file: str
    content: str
    digest: str


@dataclass(frozen=True, slots=True)
class Folder:
    """The YAML of a project. `environments` is by name; resource files are in order of their paths."""

    root: Path
    project: Text | None
    environments: Mapping[str, Text]
    resources: tuple[Text, ...]
    problems: tuple[Diagnostic, ...]


def read_folder(root: Path) -> Folder:
    """Read every YAML file that is part of the project; what cannot be read is a problem, not an exception.

    Folders that start with a dot, `connectors/` and `tests/` at the top, and folders that are projects
    themselves hold no resources. Linked folders are not followed; a linked file must stay in the project.
    """
    problems: list[Diagnostic] = []
    texts: dict[str, Text] = {}
    for file in _yaml_files(root):
        if not file.isprintable():
            problems.append(_strange_name(file))
            continue
        try:
            texts[file] = read_text(root, file)
        except DiagnosticError as error:
            problems.extend(error.diagnostics)
    project = texts.pop(PROJECT_FILE, None)
    if project is None and not (root / PROJECT_FILE).is_file():
        problems.insert(0, _no_project(root))
    environments = {
        Path(file).stem: texts.pop(file) for file in list(texts) if file.startswith(f"{ENVIRONMENTS}/")
    }
    return Folder(root, project, environments, tuple(texts.values()), tuple(problems))


def read_text(root: Path, file: str) -> Text:
    """Read one text file of the project. `file` is relative to `root`; all line ends become line feeds.

    Raises:
        DiagnosticError: as for `read_data`, or it is not UTF-8.
    """
    data = read_data(root, file)
    return Text(file, _decoded(file, data), sha256(data).hexdigest())


def read_data(root: Path, file: str, largest: int = LARGEST_FILE) -> bytes:
    """Read one file of the project. `file` is relative to `root`.

    Raises:
        DiagnosticError: it leaves the project, is not there or too large.
    """
    path = root / file
    if not _is_inside(root, path):
        raise DiagnosticError([_outside(file)])
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            # A pipe would wait for a writer for ever.
            raise DiagnosticError([_problem("unreadable-file", file, f"`{file}` is not a file.")])
        with path.open("rb") as stream:
            data = stream.read(largest + 1)
    except FileNotFoundError:
        raise DiagnosticError(
            [_problem("missing-file", file, f"There is no file `{file}` in the project.")]
        ) from None
    except OSError as error:
        detail = f"`{file}` cannot be read: {error.strerror}."
        raise DiagnosticError([_problem("unreadable-file", file, detail)]) from None
    if len(data) > largest:
        detail = f"`{file}` is larger than {largest // 1024 // 1024} MiB."
        raise DiagnosticError([_problem("file-too-large", file, detail)])
    return data


def relative_to(file: str, path: str) -> str:
    """Return `path`, which stands in `file`, as a path relative to the project's folder."""
    return os.path.normpath((Path(file).parent / path).as_posix()).replace(os.sep, "/")


def _decoded(file: str, data: bytes) -> str:
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8", "replace")) + 1
        detail = f"`{file}` is not UTF-8 text: byte 0x{data[error.start]:02x} cannot stand there."
        raise DiagnosticError(
            [Diagnostic("not-utf8", detail, location=Location(file, line, column))]
        ) from None
    return content.replace("\r\n", "\n") if "\r" in content else content


def _yaml_files(root: Path) -> Iterator[str]:
    """Yield paths relative to `root`, folder by folder in order of name."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        files, folders = _entries(root, folder)
        yield from files
        waiting += reversed(folders)


def _entries(root: Path, folder: str) -> tuple[list[str], list[str]]:
    files: list[str] = []
    folders: list[str] = []
    try:
        entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
    except OSError:
        return files, folders
    if folder and any(entry.name == PROJECT_FILE for entry in entries):
        return files, folders
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.name.endswith(_SUFFIXES) and not _is_folder(entry):
            files.append(path)
        elif entry.is_dir(follow_symlinks=False) and (path == ENVIRONMENTS or path not in _NOT_RESOURCES):
            folders.append(path)
    return files, folders


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link to itself is nothing; opening it says so.
        return False


def _is_inside(root: Path, path: Path) -> bool:
    # os.path.realpath follows every link, also those of the folders on the way.
    home = os.path.realpath(root)
    real = os.path.realpath(path)
    return real == home or real.startswith(f"{home.rstrip(os.sep)}{os.sep}")


def _problem(code: str, file: str, detail: str) -> Diagnostic:
    return Diagnostic(code, detail, location=Location(file, 1, 1))


def _strange_name(file: str) -> Diagnostic:
    # A line feed in it would begin a line of a log, where a CI service looks for commands.
    name = file.encode("unicode_escape", "surrogateescape").decode("ascii", "backslashreplace")
    detail = f"The name of `{name}` has a character that cannot be seen, or is no text. Rename the file."
    return _problem("unreadable-file", name, detail)


def _outside(file: str) -> Diagnostic:
    detail = (
        f"`{file}` lies outside of the project's folder, or is a link that leads out of it. "
        "What is reviewed must be all that decides what is sent."
    )
    return _problem("path-outside-project", file, detail)


def _no_project(root: Path) -> Diagnostic:
    where = "This folder" if root == Path() else f"The folder {root}"
    return Diagnostic(
        "no-project",
        f"{where} holds no {PROJECT_FILE}.",
        hint="name the project's folder with `-C DIR`, or make a project with `audiform init`",
    )
