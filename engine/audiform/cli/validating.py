"""The work behind `audiform validate`: each environment checked, and what was found, said."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from audiform.cli.checking import Checked, checked
from audiform.cli.failures import Exit
from audiform.cli.options import Options, Part
from audiform.cli.views.diagnostics import count_text, render_text
from audiform.cli.views.diagnostics_data import FORMATS, under
from audiform.config.evolution import Entry
from audiform.config.places import place_all, place_in
from audiform.config.project import Project
from audiform.config.verdict import Fingerprint, keep
from audiform.diagnostics import Diagnostic, Severity
from audiform.plan.evolve import Evolved, at_entry, evolve
from audiform.plan.select import addresses_of
from audiform.policies.found import CODES
from audiform.policies.judge import judge_project
from audiform.state.open import open_store
from audiform.state.store import StateView


def validate(options: Options, form: str, states: Mapping[str | None, Fingerprint], part: Part) -> int:
    """Check the project in each environment of `states` (None: the default one); return the exit code."""
    found: dict[str | None, tuple[Diagnostic, ...]] = {}
    said: list[str] = []
    for name, state in states.items():
        result = checked(options.root, name)
        found[name] = (*_inside(result, part, options), *_policies(result), *_evolved(result, part))
        if result.project is not None:
            said.append(_content(result.project))
            if not found[name] and part == Part():
                keep(options.root, state, said[-1], result.project.query_files)
    problems = joined(found)
    errors = {item.code for item in problems if item.severity is Severity.ERROR}
    if form in FORMATS:
        _print(problems, form, options)
    else:
        _show(problems, [] if errors else said, options)
    if errors == {CODES["deny"]}:
        return Exit.STOPPED
    return Exit.ERROR if errors else Exit.DONE


def _inside(result: Checked, part: Part, options: Options) -> Sequence[Diagnostic]:
    """Return the problems of the part that was asked for, and those that are of no resource."""
    items = tuple(result.diagnostics)
    if result.project is None or not (part.targets or part.exclude):
        return items
    evolved = Evolved(StateView("", 0, {}))
    chosen = addresses_of(result.project, evolved, part.targets, part.exclude)
    left = len(result.project.digests) - len(chosen)
    options.output.note(f"note: only a part is checked; problems of {left:,} resources are left out")
    return [item for item in items if item.address is None or item.address in chosen]


def _evolved(result: Checked, part: Part) -> Sequence[Diagnostic]:
    """Return what the state says of entries that move, remove and import."""
    project = result.project
    if project is None or not part.with_state or not project.evolution:
        return ()
    store = open_store(project.state.url, project.root, project.environment.name)
    try:
        evolved = evolve(project, store.read())
    finally:
        store.close()
    done = [(entry.file, _done(entry)) for entry in evolved.done]
    return place_in(project.root, [*map(at_entry, evolved.conflicts), *done])


def _done(entry: Entry) -> Diagnostic:
    text = "The state is as this entry says, so it does nothing any more. Take it out when every environment has been applied."
    return Diagnostic("already-done", text, severity=Severity.WARNING, path=entry.path)


def _policies(result: Checked) -> Sequence[Diagnostic]:
    """Return what policies find in the configuration; of a project that is wrong by itself they are not asked."""
    project = result.project
    if project is None or result.diagnostics.has_errors:
        return ()
    found = [item.diagnostic for item in judge_project(project, result.catalog)]
    return place_all(project.root, project.environment.name, found)


def joined(found: Mapping[str | None, Sequence[Diagnostic]]) -> list[Diagnostic]:
    """Return what was found in several environments, each problem once; say where it is not in all of them."""
    places: dict[Diagnostic, list[str | None]] = {}
    for name, items in found.items():
        for item in items:
            places.setdefault(item, []).append(name)
    return [
        item
        if len(names) == len(found)
        else replace(
            item, detail=f"{item.detail.rstrip()}\nOnly in {', '.join(f'`{name}`' for name in names)}."
        )
        for item, names in places.items()
    ]


def _show(problems: Sequence[Diagnostic], said: Sequence[str], options: Options) -> None:
    if problems:
        options.output.data(f"{render_text(problems, colour=options.output.colour)}\n")
        options.output.note(count_text(problems))
    for content in said:
        options.output.note(f"valid: {content}")


def _content(project: Project) -> str:
    """Return `shop in production: 1 source, 3 connectors, 4 audiences, 4 bindings`."""
    tables = {
        "source": project.sources,
        "connector": project.connectors,
        "audience": project.audiences,
        "binding": project.bindings,
        **{
            word: named
            for word, named in (
                ("event source", project.event_sources),
                ("event type", project.event_types),
                ("event connector", project.event_connectors),
            )
            if named
        },
    }
    parts = [f"{len(table):,} {noun}{'s' * (len(table) != 1)}" for noun, table in tables.items()]
    if project.policies:
        parts.append(f"{len(project.policies):,} polic{'y' if len(project.policies) == 1 else 'ies'}")
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
