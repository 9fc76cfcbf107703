"""`audiform fmt`: one way to lay out YAML; comments, quotes and anchors stay."""

from __future__ import annotations

import difflib
import io
import os
import tempfile
from pathlib import Path
from typing import Any

import click

from audiform.cli.failures import Exit
from audiform.cli.options import Options, project_options
from audiform.config.documents import read_document
from audiform.config.files import Text, read_text
from audiform.diagnostics import Diagnostic, DiagnosticError, Location

SKIPPED = {".audiform", ".git", ".venv", "node_modules"}


@click.command(epilog="Example: audiform fmt --check")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if a file would change.")
@click.option("--diff", "show_diff", is_flag=True, help="Print what would change, and change nothing.")
@project_options
def command(options: Options, check: bool, show_diff: bool) -> int:
    """Format the project's YAML files: indentation and spacing; comments, quotes and order are kept."""
    changed = 0
    for path in _yaml_files(options.root):
        name = path.relative_to(options.root).as_posix()
        before = read_text(options.root, name).content
        after = formatted(before, name)
        if after == before:
            continue
        changed += 1
        if show_diff:
            options.output.data(_difference(before, after, name))
        elif not check:
            _replace(path, after)
        options.output.note(f"{'would format' if check or show_diff else 'formatted'} {name}")
    options.output.note(f"{changed} of the project's files {'need' if check else 'needed'} formatting")
    return Exit.ERROR if check and changed else Exit.DONE


def formatted(text: str, name: str) -> str:
    """Return the YAML `text` in the one layout; formatting twice changes nothing more.

    Raises:
        DiagnosticError: it is not YAML.
    """
    _, problems = read_document(Text(name, text, ""))
    # What is no map is not for a project to read, but can be laid out all the same.
    problems = [item for item in problems if item.code != "not-a-map"]
    if problems:
        raise DiagnosticError(problems)
    from ruamel.yaml import YAMLError

    try:
        documents: Any = _round_trip().load(text)
    except YAMLError:
        detail = f"`{name}` is YAML that the formatter cannot keep as it is, so it was left alone."
        raise DiagnosticError([Diagnostic("yaml-syntax", detail, location=Location(name, 1, 1))]) from None
    if documents is None:
        return text
    buffer = io.StringIO()
    _round_trip().dump(documents, buffer)
    return buffer.getvalue()


def _round_trip() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # long lines are the author's decision
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _yaml_files(root: Path) -> list[Path]:
    found = [path for pattern in ("*.yaml", "*.yml") for path in root.rglob(pattern)]
    return sorted(
        path
        for path in found
        if not SKIPPED.intersection(path.relative_to(root).parts) and not path.is_symlink()
    )


def _replace(path: Path, text: str) -> None:
    """Write beside and move into place, so that a crash leaves one of the two whole."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).chmod(path.stat().st_mode)
    Path(temporary).replace(path)


def _difference(before: str, after: str, name: str) -> str:
    return "".join(
        difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), name, name)
    ).rstrip("\n")
