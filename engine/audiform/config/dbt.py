"""Audiences that are a model of a dbt project: found in its manifest, and read where dbt built it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from audiform.address import Address, Kind
from audiform.config.dbt_manifest import Manifest, ManifestError, Node, read_manifest
from audiform.config.kinds import Audience, Source
from audiform.config.query_kinds import DbtModel
from audiform.config.source_settings import BuiltByDbt, DuckDBSettings
from audiform.diagnostics import Diagnostic, DiagnosticError, did_you_mean

_ADAPTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "postgres": ("postgresql",),
    "mysql": ("mysql", "mariadb"),
    "mysql5": ("mysql", "mariadb"),
    "mariadb": ("mysql", "mariadb"),
    "sqlite": ("sqlite",),
    "snowflake": ("snowflake",),
    "bigquery": ("bigquery",),
    "duckdb": ("duckdb",),
}
"""Kind of database in a manifest -> the types of a source that reads it. Others may speak a protocol that a source speaks too."""
_WITHOUT_RELATION: Final[Mapping[str, str]] = {
    "ephemeral": "dbt puts it as a part into the models that use it, and builds nothing of its own",
    "external": "it is a file beside the database, which no query may open; let the source name the file as a table",
    "inline": "it is built for one command only",
}
"""Materialisation -> why there is nothing to read."""
_LISTED: Final = 10


@dataclass(frozen=True, slots=True)
class BuiltModel:
    """Where dbt built a model: `table` in `database`. `refreshed`: when (epoch seconds), 0 where nobody knows."""

    name: str
    relation: str
    database: str
    table: str
    refreshed: float

    @property
    def sql(self) -> str:
        """All of it."""
        return f"SELECT * FROM {self.relation}"


@dataclass(slots=True)
class DbtModels:
    """The models that audiences name. A manifest that several name is read once."""

    root: Path
    found: dict[str, BuiltModel] = field(default_factory=dict[str, BuiltModel])
    problems: list[Diagnostic] = field(default_factory=list[Diagnostic])
    files: dict[str, Manifest | Diagnostic] = field(default_factory=dict[str, "Manifest | Diagnostic"])

    def read(self, audiences: Mapping[str, Audience], sources: Mapping[str, Source]) -> None:
        """Find the model of each audience that is one; what a wrong source is, is said of the source."""
        for name, audience in audiences.items():
            source = sources.get(audience.source)
            if isinstance(audience.query, DbtModel) and source is not None:
                try:
                    self.found[name] = self._model(audience.query, audience.source, source)
                except DiagnosticError as error:
                    address = Address(Kind.AUDIENCE, name)
                    self.problems += (replace(item, address=address) for item in error.diagnostics)

    def _model(self, query: DbtModel, source_name: str, source: Source) -> BuiltModel:
        settings = source.settings
        if not isinstance(settings, BuiltByDbt) or (
            isinstance(settings, DuckDBSettings) and settings.database is None
        ):
            detail = (
                f"`source.{source_name}` of type `{source.type}` reads files, and dbt builds its models in a database. Let the "
                "source read the database, for example `type: duckdb` with `database: dbt/shop.duckdb`."
            )
            raise _problem("dbt-model-elsewhere", detail)
        file = query.manifest or settings.manifest
        if file is None:
            detail = (
                f"Where dbt built `{query.dbt_model}` stands in the `manifest.json` of the dbt project, and neither the audience "
                f"nor `source.{source_name}` names one."
            )
            hint = f"settings of `source.{source_name}`: manifest: dbt/target/manifest.json"
            raise _problem("dbt-manifest", detail, hint)
        manifest = self._manifest(file)
        expected = _ADAPTERS.get(manifest.adapter, ())
        if expected and source.type not in expected:
            detail = (
                f"`{file}` is of a dbt project on {manifest.adapter}, and `source.{source_name}` is of type `{source.type}`: "
                "the model is not there."
            )
            raise _problem("dbt-model-elsewhere", detail)
        node = _node(manifest, query.dbt_model, file)
        return BuiltModel(node.name, node.relation, node.database, node.table, manifest.refreshed(node))

    def _manifest(self, file: str) -> Manifest:
        if file not in self.files:
            try:
                self.files[file] = read_manifest(self.root, file)
            except ManifestError as error:
                self.files[file] = Diagnostic("dbt-manifest", f"{error}. `dbt parse` writes it anew.")
            except DiagnosticError as error:
                what = error.diagnostics[0].detail
                detail = f"{what} dbt writes it to `target/` of its project with each command, such as `dbt build`."
                self.files[file] = replace(error.diagnostics[0], detail=detail, location=None)
        found = self.files[file]
        if isinstance(found, Diagnostic):
            raise DiagnosticError([replace(found, path=("query",))])
        return found


def _node(manifest: Manifest, name: str, file: str) -> Node:
    """Return what `name` names in the manifest, if that is one thing that can be read."""
    match manifest.nodes.get(name, ()):
        case (node,):
            return _readable(node)
        case ():
            raise _unknown(manifest, name, file)
        case nodes:
            listed = ", ".join(f"`{node.name}`" for node in sorted(nodes, key=lambda node: node.name))
            detail = (
                f"`{name}` can be each of {listed} in `{file}`, and which one is meant must not be guessed."
            )
            raise _problem("ambiguous-dbt-model", detail, "write its package, schema or folders before it")


def _readable(node: Node) -> Node:
    why = _WITHOUT_RELATION.get(node.materialized)
    if why is None and not node.parts:
        why = "its manifest names no table or view of it"
    if why is None:
        return node
    detail = f"The dbt model `{node.name}` ({node.path}) is materialised as `{node.materialized}`: {why}."
    hint = (
        None
        if node.materialized == "external"
        else "materialise it as a table or a view, and run `dbt build`"
    )
    raise _problem("dbt-model-not-built", detail, hint)


def _unknown(manifest: Manifest, name: str, file: str) -> DiagnosticError:
    disabled = manifest.disabled.get(name)
    if disabled:
        detail = f"The dbt model `{disabled[0].name}` ({disabled[0].path}) is disabled (`enabled: false`), so dbt does not build it."
        return _problem("dbt-model-not-built", detail, "enable it in the dbt project, and run `dbt build`")
    return _problem("unknown-dbt-model", *_near(manifest, name, file))


def _near(manifest: Manifest, name: str, file: str) -> tuple[str, str | None]:
    names = [*_shown(manifest.names)]
    detail = f"`{file}` has no model `{name}`. It has {', '.join(names) or 'none'}."
    last = name.rpartition(".")[2]
    # The whole first: of a name that is right, what stands before it may be wrong.
    near = did_you_mean(name, manifest.nodes) or did_you_mean(last, manifest.names)
    return detail, near


def _shown(names: tuple[str, ...]) -> Iterator[str]:
    yield from (f"`{item}`" for item in names[:_LISTED])
    if len(names) > _LISTED:
        yield f"{len(names) - _LISTED} more"


def _problem(code: str, detail: str, hint: str | None = None) -> DiagnosticError:
    return DiagnosticError([Diagnostic(code, detail, hint=hint, path=("query", "dbt_model"))])
