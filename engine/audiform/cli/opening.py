"""Opens what a command works with: the checked project, and the runtime with state, ledger and network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from audiform.check.ledger import check_ledger
from audiform.cli.checking import checked
from audiform.cli.options import Options
from audiform.cli.views.diagnostics import render_text
from audiform.config.load import load
from audiform.config.places import place_all
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.diagnostics import DiagnosticError, Diagnostics
from audiform.memory import Memory, memory_of
from audiform.runtime import Runtime
from audiform.state.ledger_key import ledger_keys
from audiform.state.open import open_state as state_at
from audiform.state.open import open_store
from audiform.state.segments.ledger import SegmentLedger
from audiform.state.store import StateStore
from audiform.state.tables.store import TableStore
from audiform.transports.routed import RoutedTransport


def open_project(options: Options) -> tuple[Project, Catalog]:
    """Return the project, loaded, rendered and checked; say its warnings.

    Raises:
        DiagnosticError: it has errors: all of them.
    """
    found = checked(options.root, options.environment)
    if found.project is None or found.diagnostics.has_errors:
        raise DiagnosticError(tuple(found.diagnostics))
    _say(found.diagnostics, options)
    return found.project, found.catalog


@contextmanager
def open_runtime(options: Options) -> Iterator[Runtime]:
    """Yield a runtime on the project's state; the state is closed at the end.

    Raises:
        DiagnosticError: the project has errors, the memory limit is none, or the ledger's key is not there or is another one.
    """
    given = memory_of(options.memory_limit) if options.memory_limit is not None else None
    project, catalog = open_project(options)
    memory = given or (memory_of(project.memory_limit) if project.memory_limit else Memory())
    unprotected = check_ledger(project, catalog, ledger_keys(os.environ))
    problems = tuple(place_all(project.root, project.environment.name, tuple(unprotected)))
    if problems:
        raise DiagnosticError(problems)
    store, ledger = state_of(project, memory=memory)
    try:
        ledger.verify_key()
        yield Runtime(project, catalog, store, ledger, RoutedTransport(), memory=memory)
    finally:
        store.close()


def state_of(
    project: Project, url: str | None = None, memory: Memory | None = None
) -> tuple[TableStore, SegmentLedger]:
    """Return the project's state and ledger, or those at another `url`, with the keys that the environment variables hold.

    Raises:
        DiagnosticError: one of them is none (`invalid-ledger-key`), or the state's URL leads nowhere.
    """
    keys = ledger_keys(os.environ)
    place = (url or project.state.url, project.root, project.environment.name)
    return state_at(*place, keys, project=project.name, memory=memory)


@contextmanager
def open_state(options: Options) -> Iterator[tuple[Project, StateStore]]:
    """Yield the project and its state, for commands that only look at what is recorded.

    What the resources mean is not checked: a mistake in one of them must not keep anybody from unlocking the state.

    Raises:
        DiagnosticError: the project cannot be read.
    """
    project = _loaded(options)
    store = open_store(project.state.url, project.root, project.environment.name, project=project.name)
    try:
        yield project, store
    finally:
        store.close()


@contextmanager
def open_ledger(options: Options) -> Iterator[tuple[Project, TableStore, SegmentLedger]]:
    """Yield the project with its state and its ledger, for commands that mend what is recorded of members.

    Raises:
        DiagnosticError: the project cannot be read, or a key of the ledger is none.
    """
    project = _loaded(options)
    store, ledger = state_of(project)
    try:
        yield project, store, ledger
    finally:
        store.close()


def _loaded(options: Options) -> Project:
    project, diagnostics = load(options.root, options.environment)
    if project is None:
        raise DiagnosticError(tuple(diagnostics))
    return project


def _say(diagnostics: Diagnostics, options: Options) -> None:
    if len(diagnostics):
        options.output.note(render_text(tuple(diagnostics), colour=options.output.error_colour))
