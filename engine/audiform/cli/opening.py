"""Opens what a command works with: the checked project, and the runtime with state, ledger and network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from audiform.check import check
from audiform.cli.options import Options
from audiform.cli.views.diagnostics import render_text
from audiform.config.load import load
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.diagnostics import DiagnosticError, Diagnostics
from audiform.runtime import Runtime
from audiform.state.open import open_ledger, open_store
from audiform.transport import HttpTransport


def open_project(options: Options) -> tuple[Project, Catalog]:
    """Return the project, loaded, rendered and checked; say its warnings.

    Raises:
        DiagnosticError: it has errors: all of them.
    """
    project, diagnostics = load(options.root, options.environment)
    catalog = Catalog(options.root)
    if project is not None:
        diagnostics.extend(check(project, catalog))
    if project is None or diagnostics.has_errors:
        raise DiagnosticError(tuple(diagnostics))
    _say(diagnostics, options)
    return project, catalog


@contextmanager
def open_runtime(options: Options) -> Iterator[Runtime]:
    """Yield a runtime on the project's state; the state is closed at the end."""
    project, catalog = open_project(options)
    store = open_store(project)
    try:
        yield Runtime(project, catalog, store, open_ledger(project), HttpTransport())
    finally:
        store.close()


def _say(diagnostics: Diagnostics, options: Options) -> None:
    if len(diagnostics):
        options.output.note(render_text(tuple(diagnostics), colour=options.output.error_colour))
