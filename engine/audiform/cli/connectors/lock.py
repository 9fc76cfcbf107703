"""`audiform connectors lock`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from audiform.check.trust import trust_of
from audiform.cli.failures import Exit
from audiform.cli.options import Options, project_options
from audiform.config.files import read_folder
from audiform.config.load import load
from audiform.connectors.catalog import Catalog
from audiform.connectors.pins import FILE, Pin, read_pins, write_pins
from audiform.diagnostics import DiagnosticError


@click.command(epilog="Example: audiform connectors lock")
@project_options
def command(options: Options) -> int:
    """Pin the version of each connector type that the project uses, in any environment, in audiform.lock."""
    pins = _pins(options)
    try:
        before = read_pins(options.root) or {}
    except DiagnosticError:
        before = {}
    write_pins(options.root, pins)
    for name in sorted(pins.keys() | before.keys()):
        options.output.note(f"{_word(name, before, pins)}  {name}")
    options.output.note(f"wrote {FILE}; `audiform plan` says what a new version changes")
    return Exit.DONE


def _pins(options: Options) -> dict[str, Pin]:
    """Return the types in use.

    Raises:
        DiagnosticError: the project cannot be read in one of its environments, or a type not opened.
    """
    pins: dict[str, Pin] = {}
    environments: Sequence[str | None] = [*read_folder(options.root).environments] or [None]
    for environment in environments:
        project, diagnostics = load(options.root, environment)
        if project is None:
            raise DiagnosticError(tuple(diagnostics))
        catalog = Catalog(options.root, trust_of(project))
        used = {item.type for item in project.connectors.values()}
        used |= {item.type for item in project.event_connectors.values()}
        for kind in map(catalog.get, used):
            pins[kind.name] = Pin(version=kind.manifest.api_version, digest=kind.digest)
    return pins


def _word(name: str, before: Mapping[str, Pin], pins: Mapping[str, Pin]) -> str:
    if name not in pins:
        return "dropped"
    if name not in before:
        return "pinned "
    return "same   " if before[name] == pins[name] else "changed"
