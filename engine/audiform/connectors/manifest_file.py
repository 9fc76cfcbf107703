"""Reads one manifest.yaml: parsed, validated and its references checked; every problem with its place."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from audiform.connectors.aliases import parse
from audiform.connectors.auth import problems_of_auth
from audiform.connectors.events.problems import check_kind
from audiform.connectors.manifest import FromSetting, Manifest
from audiform.connectors.scopes import Problem, check_references
from audiform.connectors.wording import in_words
from audiform.diagnostics import Diagnostic, DiagnosticError, Location

_MAX_BYTES = 1_000_000
"""A manifest is some kilobytes; a megabyte of it is a mistake or an attack."""


def read_manifest(path: Path, label: str, *, custom: bool = False) -> tuple[Manifest, Any]:
    """Return the manifest at `path` and its plain data. `label` is the file's name in diagnostics.

    Of a `custom` one it is not known who wrote it.

    Raises:
        DiagnosticError: all problems of the file, with code `invalid-manifest`.
    """
    text = path.read_bytes()
    if len(text) > _MAX_BYTES:
        raise DiagnosticError(
            [_whole(label, f"The manifest has {len(text):,} bytes; at most {_MAX_BYTES:,} are read.")]
        )
    return _parse(text, label, custom=custom)


@lru_cache(maxsize=256)
def _parse(content: bytes, label: str, *, custom: bool) -> tuple[Manifest, Any]:
    """Cached by content: a catalogue that is opened again in one process costs nothing."""
    import yaml12

    try:
        text = content.decode()
        data = parse(text) if custom else yaml12.parse_yaml(text)
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        found = [
            Problem(tuple(item["loc"]), in_words(item))
            for item in error.errors(include_url=False, include_input=False)
        ]
        raise DiagnosticError(list(_located(content, label, found))) from None
    except ValueError as error:
        raise DiagnosticError([_whole(label, f"The manifest is not YAML: {error}.")]) from None
    found = [*check_kind(manifest, data), *_auth_problems(manifest), *check_references(manifest)]
    if found:
        raise DiagnosticError(list(_located(content, label, found)))
    return manifest, data


def _auth_problems(manifest: Manifest) -> Iterable[Problem]:
    if isinstance(manifest.auth, FromSetting):
        return ()
    names = manifest.credentials.get("properties", {})
    return (Problem(("auth", *path), text) for path, text in problems_of_auth(manifest.auth, names))


def _located(content: bytes, label: str, problems: Iterable[Problem]) -> Iterable[Diagnostic]:
    lines = content.decode().splitlines()
    root = _compose(content)
    for problem in problems:
        line, column = _place(root, problem.path)
        where = ".".join(map(str, problem.path)) or "the manifest"
        yield Diagnostic(
            "invalid-manifest",
            f"`{where}`: {problem.text}. A connector type with a wrong manifest is not loaded, because it would "
            "send something else than what it says.",
            hint=problem.hint,
            location=Location(label, line, column, text=lines[line - 1] if line <= len(lines) else ""),
            path=problem.path,
        )


def _compose(content: bytes) -> Any:
    from ruamel.yaml import YAML

    yaml: Any = YAML(typ="safe", pure=True)  # its `compose` is not typed
    return yaml.compose(content.decode())


def _place(node: Any, path: tuple[str | int, ...]) -> tuple[int, int]:
    """Follow `path` as far as the file has it; pydantic's paths also name union members, which it has not."""
    mark: Any = getattr(node, "start_mark", None)
    for part in path:
        kind = getattr(node, "id", None)
        if kind == "sequence" and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            mark = node.start_mark
        elif kind == "mapping":
            for key, item in node.value:
                if key.value == str(part):
                    mark, node = key.start_mark, item
                    break
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _whole(label: str, detail: str) -> Diagnostic:
    return Diagnostic("invalid-manifest", detail, location=Location(label, 1, 1))
