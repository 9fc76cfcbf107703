"""`audiform graph`: what depends on what, as text, Graphviz or Mermaid, and what a plan does to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from audiform.address import Address, Kind
from audiform.cli.opening import open_project
from audiform.cli.options import Options, project_options
from audiform.cli.plan_file import plan_keys, read_plan
from audiform.cli.views.plan_text import WORDS
from audiform.config.project import Project
from audiform.plan.plan import Action

Edge = tuple[Address, Address]
"""(what needs, what is needed)."""
Marks = Mapping[Address, Action]
"""What a plan does to a resource."""
_COLOURS: Mapping[Action, str] = {
    Action.CREATE: "#1a7f4b",
    Action.UPDATE: "#9a6700",
    Action.REPLACE: "#c0362c",
    Action.DELETE: "#c0362c",
    Action.FORGET: "#c0362c",
    Action.MOVE: "#9a6700",
    Action.IMPORT: "#1a7f4b",
    Action.SYNC: "#2563a8",
}


@click.command(epilog="Example: audiform graph --format mermaid > graph.mmd")
@click.option(
    "--format", "form", type=click.Choice(["text", "dot", "mermaid"]), default="text", help="How to draw it."
)
@click.option(
    "--plan",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Mark what this plan changes.",
)
@project_options
def command(options: Options, form: str, file: Path | None) -> None:
    """Draw the project: bindings with the audience and the connector that they join, and the sources.

    With a plan each resource that it changes is marked, and those that the project no longer has are drawn too.
    """
    project, _ = open_project(options)
    draw = {"text": as_text, "dot": as_dot, "mermaid": as_mermaid}[form]
    options.output.data(draw(edges(project), _marks(file)))


def _marks(file: Path | None) -> Marks:
    plan = read_plan(file, plan_keys()) if file else None
    return (
        {change.address: change.action for change in plan.changes if change.action in WORDS} if plan else {}
    )


def edges(project: Project) -> list[Edge]:
    """Return every dependency, sorted."""
    found: list[Edge] = []
    for name, binding in project.bindings.items():
        here = Address(Kind.BINDING, name)
        found += [
            (here, Address(Kind.AUDIENCE, binding.audience)),
            (here, Address(Kind.CONNECTOR, binding.connector)),
        ]
    for name, audience in project.audiences.items():
        found.append((Address(Kind.AUDIENCE, name), Address(Kind.SOURCE, audience.source)))
    for name, connector in project.event_connectors.items():
        here = Address(Kind.EVENT_CONNECTOR, name)
        sources = connector.events.sources
        found += [(here, Address(Kind.EVENT_SOURCE, source)) for source in sources or project.event_sources]
    return sorted(found)


def as_text(found: Sequence[Edge], marks: Marks) -> str:
    """Return one indented block per resource that needs others, and a line for each other one that is marked."""
    lines: list[str] = []
    previous: Address | None = None
    for here, needed in found:
        if here != previous:
            lines.append(_said(here, marks))
            previous = here
        lines.append(f"  needs {_said(needed, marks)}")
    lines += [_said(address, marks) for address in _alone(found, marks)]
    return "\n".join(lines) or "Nothing depends on anything yet"


def as_dot(found: Sequence[Edge], marks: Marks) -> str:
    """Return the graph in Graphviz's language."""
    return "\n".join(
        [
            "digraph audiform {",
            "  rankdir=LR;",
            *(
                f'  "{address}" [label="{action.value} {address}", color="{_COLOURS[action]}", penwidth=2];'
                for address, action in marks.items()
            ),
            *(f'  "{needed}" -> "{here}";' for here, needed in found),
            "}",
        ]
    )


def as_mermaid(found: Sequence[Edge], marks: Marks) -> str:
    """Return the graph in Mermaid's language, which code hosts draw in Markdown."""
    return "\n".join(
        [
            "graph LR",
            *(f"  {_node(needed, marks)} --> {_node(here, marks)}" for here, needed in found),
            *(f"  {_node(address, marks)}" for address in _alone(found, marks)),
            *(
                f"  style {_id(address)} stroke:{_COLOURS[action]},stroke-width:3px"
                for address, action in marks.items()
            ),
        ]
    )


def _alone(found: Iterable[Edge], marks: Marks) -> list[Address]:
    """Return what is marked and joined to nothing: what the project no longer has."""
    joined = {address for edge in found for address in edge}
    return [address for address in marks if address not in joined]


def _said(address: Address, marks: Marks) -> str:
    action = marks.get(address)
    return str(address) if action is None else f"{address}  ({action.value} {WORDS[action]})"


def _node(address: Address, marks: Marks) -> str:
    action = marks.get(address)
    label = str(address) if action is None else f"{action.value} {address}"
    return f'{_id(address)}["{label}"]'


def _id(address: Address) -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", str(address))
