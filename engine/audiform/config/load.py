"""Text to a checked `Project`: read, merge, render, validate, resolve references, look at the SQL. One straight line.

All problems are collected, and made concrete late: a project without one never pays for places. Nothing that files
hold makes this raise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from audiform.address import Address, Kind
from audiform.config.cache import Remembered, recall, remember
from audiform.config.dbt import BuiltModel, DbtModels
from audiform.config.declared import Declarations, Table, merge
from audiform.config.dialects import check_foreign
from audiform.config.digests import Digests
from audiform.config.documents import Document, read_documents
from audiform.config.engine import Engine
from audiform.config.environment import Frame, read_frame
from audiform.config.event_kinds import EventConnector, EventSource, EventType
from audiform.config.event_sources import source_problems
from audiform.config.evolution import Evolution
from audiform.config.evolving import read_evolution
from audiform.config.expand import override, rendered, repeat
from audiform.config.files import Folder, read_folder
from audiform.config.kinds import Audience, Binding, Connector, EventLogPlace, Policy, Source, State
from audiform.config.models import Model
from audiform.config.places import Places
from audiform.config.policies import NamedPolicy
from audiform.config.project import Environment, Project
from audiform.config.queries import Queries, with_sql
from audiform.config.references import Names, unknown_event_sources, unknown_references
from audiform.config.schedule import schedule_problems
from audiform.config.schema import problems_of
from audiform.config.source_settings import SETTINGS, DatabaseSettings
from audiform.config.sql import check_queries
from audiform.config.template import Scope
from audiform.diagnostics import Diagnostic, Diagnostics
from audiform.garbage import uncollected

_MODELS: Mapping[Kind, type[Model]] = {
    Kind.SOURCE: Source,
    Kind.CONNECTOR: Connector,
    Kind.AUDIENCE: Audience,
    Kind.BINDING: Binding,
    Kind.POLICY: NamedPolicy,
    Kind.EVENT_SOURCE: EventSource,
    Kind.EVENT_TYPE: EventType,
    Kind.EVENT_CONNECTOR: EventConnector,
}


def load(root: Path, environment: str | None = None) -> tuple[Project | None, Diagnostics]:
    """Return the project in `root` for one environment (None: the default one), and all that is wrong with it.

    With an error there is no project. Never raises for what files hold.
    """
    with uncollected():
        return _load(root, environment)


def _load(root: Path, environment: str | None) -> tuple[Project | None, Diagnostics]:
    folder = read_folder(root)
    if folder.project is None:
        return None, Diagnostics([*folder.problems])
    known = recall(root)
    frame = read_frame(folder, environment, known.documents, Places(folder))
    places = Places(folder, frame.environment.name if frame.environment else None)
    documents, problems = read_documents(folder.resources, known.documents)
    declared = merge(documents, places)
    # A file that could not be read may declare anything.
    declared.incomplete |= len(documents) < len(folder.resources) or bool(folder.problems)
    found = [*folder.problems, *frame.problems, *problems]
    if frame.environment is None:
        return None, _reported([*found, *declared.problems], places)
    resources = _resources(root, frame, frame.environment, declared, places, known.queries)
    _remember(root, known, folder, [*frame.documents, *documents], resources.queries)
    reported = _reported([*found, *declared.problems, *resources.problems], places)
    if reported.has_errors:
        return None, reported
    return _project(root, frame, frame.environment, resources), reported


# --- Resources


@dataclass(frozen=True, slots=True)
class _Resources:
    """What was made of the declared resources; `queries`: digests of the SQL that was found right; `files`: those it came from."""

    tables: Mapping[Kind, Mapping[str, Any]]
    evolution: Evolution
    problems: list[Diagnostic]
    queries: frozenset[str]
    files: frozenset[str]
    built: Mapping[str, BuiltModel]


def _resources(
    root: Path,
    frame: Frame,
    environment: Environment,
    declared: Declarations,
    places: Places,
    known: frozenset[str],
) -> _Resources:
    if frame.text is not None:
        override(declared, environment.file.overrides, frame.text, places)
    scope = Scope({"values": frame.values, "environment": environment.name, "project": frame.name})
    problems: list[Diagnostic] = []
    tables = {kind: repeat(declared, kind, scope) for kind in declared.tables}
    models = {kind: _validated(kind, table, scope, problems) for kind, table in tables.items()}
    audiences: Mapping[str, Audience] = models[Kind.AUDIENCE]
    names = Names(tables, declared.spoiled)
    evolution, found = read_evolution(
        declared.evolving, names, scope, environment.name, places, whole=not declared.incomplete
    )
    problems += found
    if not declared.incomplete:
        problems += unknown_references(audiences, models[Kind.BINDING], names)
        problems += unknown_event_sources(models[Kind.EVENT_CONNECTOR], names)
    queries = Queries(root, scope)
    queries.read(audiences, tables[Kind.AUDIENCE])
    built = DbtModels(root)
    built.read(audiences, models[Kind.SOURCE])
    foreign = _in_databases(audiences, models[Kind.SOURCE])
    verdict = check_queries(queries.texts(queries.found.keys() - foreign), known)
    elsewhere = {text: check_foreign(text) for text in queries.texts(foreign)}
    problems += [
        *queries.problems,
        *built.problems,
        *queries.judged(verdict.problems, queries.found.keys() - foreign, places),
        *queries.judged(elsewhere, foreign, places),
    ]
    models[Kind.AUDIENCE] = with_sql(audiences, queries.found, built.found)
    files = frozenset({*queries.files, *built.files})
    return _Resources(models, evolution, problems, verdict.right, files, built.found)


def _in_databases(audiences: Mapping[str, Audience], sources: Mapping[str, Source]) -> frozenset[str]:
    """Return the audiences whose SQL a database runs, in a dialect of its own."""
    asked = {name for name, source in sources.items() if isinstance(source.settings, DatabaseSettings)}
    return frozenset(name for name, audience in audiences.items() if audience.source in asked)


def _validated(kind: Kind, table: Table, scope: Scope, problems: list[Diagnostic]) -> dict[str, Any]:
    """Return the model of each resource that is right by itself."""
    model = _MODELS[kind]
    validate: Callable[[Any], Any] = model.__pydantic_validator__.validate_python
    found: dict[str, Any] = {}
    for name, body in rendered(kind, table, scope, problems):
        try:
            found[name] = validate(body)
        except ValidationError as error:
            problems += problems_of(error, model, Address(kind, name), _settings_of(kind, body))
        else:
            if kind is Kind.EVENT_SOURCE:
                problems += source_problems(Address(kind, name), found[name])
            elif kind is Kind.BINDING:
                problems += schedule_problems(found[name].schedule, Address(kind, name))
    return found


def _settings_of(kind: Kind, body: Mapping[str, Any]) -> type[Model] | None:
    return SETTINGS.get(str(body.get("type"))) if kind is Kind.SOURCE else None


def _project(root: Path, frame: Frame, environment: Environment, resources: _Resources) -> Project:
    file = frame.project
    tables = resources.tables
    return Project(
        root=root,
        name=frame.name,
        environment=environment,
        state=file.state if file else State(),
        event_log=file.event_log if file else EventLogPlace(),
        memory_limit=file.memory_limit if file else None,
        policy=file.policy if file else Policy(),
        engine=environment.file.engine or (file.engine if file else Engine()),
        sources=tables[Kind.SOURCE],
        connectors=tables[Kind.CONNECTOR],
        audiences=tables[Kind.AUDIENCE],
        bindings=tables[Kind.BINDING],
        event_sources=tables[Kind.EVENT_SOURCE],
        event_types=tables[Kind.EVENT_TYPE],
        event_connectors=tables[Kind.EVENT_CONNECTOR],
        digests=Digests(tables),
        query_files=resources.files,
        evolution=resources.evolution,
        built=resources.built,
        policies=tables[Kind.POLICY],
    )


# --- Around it


def _reported(problems: list[Diagnostic], places: Places) -> Diagnostics:
    """Return the problems with their places, in order of these; what each repetition of a resource says, once."""
    placed = {
        (item.code, item.detail, item.location or item.address): item for item in map(places.placed, problems)
    }
    return Diagnostics(sorted(placed.values(), key=_order))


def _order(item: Diagnostic) -> tuple[str, int, int]:
    place = item.location
    return (place.file, place.line, place.column) if place else ("", 0, 0)


def _remember(
    root: Path, known: Remembered, folder: Folder, documents: list[Document], queries: frozenset[str]
) -> None:
    """Keep what was read for the next time; other environments' files too, while they are as they were."""
    now = {document.text.digest: document.value for document in documents}
    for text in folder.environments.values():
        if text.digest in known.documents:
            now.setdefault(text.digest, known.documents[text.digest])
    if now.keys() != known.documents.keys() or not queries <= known.queries:
        remember(root, Remembered(now, queries))
