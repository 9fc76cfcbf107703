"""A dbt project's `manifest.json`: which models there are, how they may be named, where they were built, and when.

Of a manifest only what is needed here is read, so that any of its versions will do whose models say it (v7 to v12 do).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from audiform.config.files import read_data
from audiform.diagnostics import DiagnosticError
from audiform.shapes import is_list, is_map

LARGEST: Final = 256 * 1024 * 1024
RUN_RESULTS: Final = "run_results.json"
"""What the last command of dbt did; dbt writes it beside the manifest."""

_REFERABLE: Final = frozenset({"model", "seed", "snapshot"})
_BUILDS: Final = frozenset({"build", "run", "seed", "snapshot", "retry", "clone"})
"""The commands of dbt that write tables. Others leave results too, of what they only compiled or tested."""
_NAME: Final = re.compile(r'"(?:[^"]|"")+"|`[^`]+`|[A-Za-z_][A-Za-z0-9_$-]*')


@dataclass(frozen=True, slots=True)
class Node:
    """What dbt's `ref` can name. `id` is unique, such as `model.shop.lapsed_buyers`; `path`: its file in the dbt project."""

    id: str
    called: str
    package: str
    database: str
    schema: str
    folders: tuple[str, ...]
    materialized: str
    relation: str
    path: str
    latest: bool

    @property
    def name(self) -> str:
        """The name that is unique: with the package before it."""
        return f"{self.package}.{self.called}"

    @property
    def table(self) -> str:
        """The name of the table or view alone."""
        return self.parts[-1] if self.parts else self.called

    @property
    def parts(self) -> tuple[str, ...]:
        """The names that the relation is made of, without quotes; none where it is not made of names alone."""
        found = list(_NAME.finditer(self.relation))
        plain = ".".join(item.group() for item in found) == self.relation and self.relation != ""
        return tuple(_unquoted(item.group()) for item in found) if plain else ()

    def spellings(self) -> frozenset[str]:
        """Return how it may be named: alone, or after its package, its schema or some of its folders."""
        names = [self.called]
        if self.latest and re.search(r"\.v[^.]+$", self.called):
            names.append(self.called.rpartition(".")[0])
        before = {(), (self.package,), (self.schema,), (self.database, self.schema)}
        before |= {self.folders[start:] for start in range(len(self.folders))}
        return frozenset({self.id} | {".".join((*way, name)) for way in before for name in names})


@dataclass(frozen=True, slots=True)
class Manifest:
    """The models of a dbt project. `nodes` and `disabled`: spelling -> what it names. `adapter`: the kind of database."""

    adapter: str
    names: tuple[str, ...]
    nodes: Mapping[str, tuple[Node, ...]] = field(repr=False)
    disabled: Mapping[str, tuple[Node, ...]] = field(repr=False)
    generated: float
    built: Mapping[str, float] | None = field(repr=False)

    def refreshed(self, node: Node) -> float:
        """Return when dbt last wrote a model (epoch seconds); 0 where what it did last does not say so."""
        return self.generated if self.built is None else self.built.get(node.id, 0.0)


class ManifestError(Exception):
    """It is no manifest; the message says why."""


def read_manifest(root: Path, file: str) -> Manifest:
    """Read the manifest of a dbt project, and what its last run built, where that stands beside it.

    Raises:
        DiagnosticError: the file is not there, too large or outside of the project.
        ManifestError: it is no manifest.
    """
    content = _json(read_data(root, file, LARGEST), file)
    metadata, nodes = content.get("metadata"), content.get("nodes")
    if not is_map(metadata) or not is_map(nodes):
        raise ManifestError(
            f"`{file}` is not the `manifest.json` of a dbt project: it has no `metadata` and `nodes`"
        )
    disabled = content.get("disabled")
    entries = disabled.values() if is_map(disabled) else ()
    found = [*_nodes(nodes.values())]
    return Manifest(
        str(metadata.get("adapter_type") or ""),
        tuple(sorted({node.called for node in found})),
        _by_spelling(found),
        _by_spelling([*_nodes(item for entry in entries if is_list(entry) for item in entry)]),
        _time(metadata.get("generated_at")),
        _built(root, str(PurePosixPath(file).with_name(RUN_RESULTS))),
    )


def _nodes(items: Any) -> Iterator[Node]:
    for item in items:
        if is_map(item) and item.get("resource_type") in _REFERABLE:
            config = item.get("config")
            version = item.get("version")
            called = str(item.get("name"))
            fqn = [str(part) for part in item.get("fqn") or ()]
            yield Node(
                str(item.get("unique_id")),
                called if version is None else f"{called}.v{version}",
                str(item.get("package_name")),
                str(item.get("database") or ""),
                str(item.get("schema") or ""),
                tuple(fqn[: -1 if version is None else -2]),
                str(config.get("materialized") or "") if is_map(config) else "",
                str(item.get("relation_name") or ""),
                str(item.get("original_file_path") or ""),
                version is None or version == item.get("latest_version"),
            )


def _by_spelling(nodes: list[Node]) -> Mapping[str, tuple[Node, ...]]:
    found = defaultdict[str, list[Node]](list)
    for node in nodes:
        for spelling in node.spellings():
            found[spelling].append(node)
    return {spelling: tuple(named) for spelling, named in found.items()}


def _built(root: Path, file: str) -> Mapping[str, float] | None:
    """Return when the models were written that the last command wrote; None where nothing tells of it."""
    try:
        content = _json(read_data(root, file, LARGEST), file)
    except DiagnosticError:
        return None
    arguments = content.get("args")
    if is_map(arguments) and arguments.get("which", "build") not in _BUILDS:
        return {}
    results = content.get("results")
    return {
        str(item.get("unique_id")): max((_ended(step) for step in item.get("timing") or ()), default=0.0)
        for item in (results if is_list(results) else ())
        if is_map(item) and item.get("status") == "success"
    }


def _ended(step: Any) -> float:
    return _time(step.get("completed_at")) if is_map(step) else 0.0


def _json(data: bytes, file: str) -> Mapping[str, Any]:
    import orjson

    try:
        content = orjson.loads(data)
    except ValueError:
        content = None
    if not is_map(content):
        raise ManifestError(f"`{file}` is not JSON as dbt writes it")
    return content


def _time(text: Any) -> float:
    """Return a time of dbt's, which is UTC, as epoch seconds; 0 where it is none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return 0.0
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _unquoted(text: str) -> str:
    return text[1:-1].replace('""', '"') if text[0] in '"`' else text
