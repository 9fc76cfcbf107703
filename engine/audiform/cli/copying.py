"""Files that a command makes for the user: all of them, or none where one is there already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from audiform.diagnostics import Diagnostic, DiagnosticError


def write_new(folder: Path, files: Mapping[Path, bytes]) -> None:
    """Write the files (path in `folder` -> content); a script that starts with `#!` may be run.

    Raises:
        DiagnosticError: a file is there already (`file-exists`): one for each of them, and nothing is written.
    """
    there = [relative for relative in files if (folder / relative).exists()]
    if there:
        raise DiagnosticError(
            [Diagnostic("file-exists", f"`{folder / name}` exists; nothing is overwritten") for name in there]
        )
    for relative, content in files.items():
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if content.startswith(b"#!"):
            path.chmod(0o755)
