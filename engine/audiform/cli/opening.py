"""Opens what a command works with: the checked project, and the runtime with state, ledger and network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from audiform.cli.checking import checked
from audiform.cli.options import Options
from audiform.cli.views.diagnostics import render_text
from audiform.config.load import load
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.diagnostics import DiagnosticError, Diagnostics
from audiform.runtime import Runtime
from audiform.state.open import open_ledger, open_store
from audiform.state.store import StateStore
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
    """Yield a runtime on the project's state; the state is closed at the end."""
    project, catalog = open_project(options)
    place = (project.state.url, project.root, project.environment.name)
    store = open_store(*place)
    try:
        yield Runtime(project, catalog, store, open_ledger(*place), RoutedTransport())
    finally:
        store.close()


@contextmanager
def open_state(options: Options) -> Iterator[tuple[Project, StateStore]]:
    """Yield the project and its state, for commands that only look at what is recorded.

    What the resources mean is not checked: a mistake in one of them must not keep anybody from unlocking the state.

    Raises:
        DiagnosticError: the project cannot be read.
    """
    project, diagnostics = load(options.root, options.environment)
    if project is None:
        raise DiagnosticError(tuple(diagnostics))
    store = open_store(project.state.url, project.root, project.environment.name)
    try:
        yield project, store
    finally:
        store.close()


def _say(diagnostics: Diagnostics, options: Options) -> None:
    if len(diagnostics):
        options.output.note(render_text(tuple(diagnostics), colour=options.output.error_colour))
