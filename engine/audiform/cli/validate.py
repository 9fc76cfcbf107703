"""`audiform validate`: everything that is wrong with a project, at once, without network and state."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import click

from audiform.cli.checking import checked
from audiform.cli.failures import Exit
from audiform.cli.options import Options, project_options
from audiform.cli.views.diagnostics import count_text, render_text
from audiform.cli.views.diagnostics_data import FORMATS, under
from audiform.config.files import read_folder
from audiform.config.project import Project
from audiform.diagnostics import Diagnostic, Severity

TEXT = "text"


@click.command(epilog="Example: audiform validate --all-environments --format github")
@click.option(
    "--format",
    "form",
    type=click.Choice([TEXT, *FORMATS]),
    default=TEXT,
    show_default=True,
    help="How to show what is wrong: for people, programs, code scanning or a workflow's annotations.",
)
@click.option("--all-environments", "everywhere", is_flag=True, help="Check each environment, not only one.")
@project_options
def command(options: Options, form: str, everywhere: bool) -> int:
    """Check the project: YAML, templates, references, SQL, and what each connector type can do.

    Uses no network, no state and no secret. Exit code 1 when there is an error.
    """
    names: Sequence[str | None] = [options.environment]
    if everywhere:
        names = [*read_folder(options.root).environments] or names
    projects: list[Project] = []
    found: dict[str | None, tuple[Diagnostic, ...]] = {}
    for name in names:
        result = checked(options.root, name)
        found[name] = tuple(result.diagnostics)
        if result.project is not None:
            projects.append(result.project)
    problems = joined(found)
    if form == TEXT:
        _show(problems, projects, options)
    else:
        _print(problems, form, options)
    return Exit.ERROR if any(item.severity is Severity.ERROR for item in problems) else Exit.DONE


def joined(found: Mapping[str | None, Sequence[Diagnostic]]) -> list[Diagnostic]:
    """Return what was found in several environments, each problem once; say where it is not in all of them."""
    places: dict[Diagnostic, list[str | None]] = {}
    for name, items in found.items():
        for item in items:
            places.setdefault(item, []).append(name)
    return [
        item
        if len(names) == len(found)
        else replace(item, detail=f"{item.detail.rstrip()}\nOnly in: {', '.join(map(str, names))}.")
        for item, names in places.items()
    ]


def _show(problems: Sequence[Diagnostic], projects: Sequence[Project], options: Options) -> None:
    if problems:
        options.output.data(f"{render_text(problems, colour=options.output.colour)}\n")
        options.output.note(count_text(problems))
    if not any(item.severity is Severity.ERROR for item in problems):
        for project in projects:
            options.output.note(f"valid: {_content(project)}")


def _content(project: Project) -> str:
    """Return `shop in production: 1 source, 3 connectors, 4 audiences, 4 bindings`."""
    tables = {
        "source": project.sources,
        "connector": project.connectors,
        "audience": project.audiences,
        "binding": project.bindings,
    }
    parts = [f"{len(table):,} {noun}{'s' * (len(table) != 1)}" for noun, table in tables.items()]
    return f"{project.name} in {project.environment.name}: {', '.join(parts)}"


def _print(problems: Sequence[Diagnostic], form: str, options: Options) -> None:
    # Programs resolve files from where they run, and not from the project's folder.
    moved = under(PurePosixPath(Path(os.path.relpath(options.root)).as_posix()), problems)
    shown = FORMATS[form](moved)
    if isinstance(shown, str):
        if shown:
            options.output.data(shown)
    else:
        options.output.json(shown)
