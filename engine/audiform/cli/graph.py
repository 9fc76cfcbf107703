"""`audiform graph`: what depends on what, as text, Graphviz or Mermaid."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from audiform.address import Address, Kind
from audiform.cli.opening import open_project
from audiform.cli.options import Options, project_options
from audiform.config.project import Project

Edge = tuple[Address, Address]
"""(what needs, what is needed)."""


@click.command(epilog="Example: audiform graph --format mermaid > graph.mmd")
@click.option(
    "--format", "form", type=click.Choice(["text", "dot", "mermaid"]), default="text", help="How to draw it."
)
@project_options
def command(options: Options, form: str) -> None:
    """Draw the project: bindings with the audience and the connector that they join, and the sources."""
    project, _ = open_project(options)
    draw = {"text": as_text, "dot": as_dot, "mermaid": as_mermaid}[form]
    options.output.data(draw(edges(project)))


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
    return sorted(found)


def as_text(found: Sequence[Edge]) -> str:
    """Return one indented block per resource that needs others."""
    lines: list[str] = []
    previous: Address | None = None
    for here, needed in found:
        if here != previous:
            lines.append(str(here))
            previous = here
        lines.append(f"  needs {needed}")
    return "\n".join(lines) or "Nothing depends on anything yet"


def as_dot(found: Sequence[Edge]) -> str:
    """Return the graph in Graphviz's language."""
    return "\n".join(
        [
            "digraph audiform {",
            "  rankdir=LR;",
            *(f'  "{needed}" -> "{here}";' for here, needed in found),
            "}",
        ]
    )


def as_mermaid(found: Sequence[Edge]) -> str:
    """Return the graph in Mermaid's language, which code hosts draw in Markdown."""
    return "\n".join(["graph LR", *(f"  {_node(needed)} --> {_node(here)}" for here, needed in found)])


def _node(address: Address) -> str:
    return f'{re.sub(r"[^A-Za-z0-9]", "_", str(address))}["{address}"]'
