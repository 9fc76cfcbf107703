"""`audiform connectors new`: a connector type that works, to change step by step."""

from __future__ import annotations

import re
from pathlib import Path

import click

from audiform.bundled import bundled
from audiform.cli.options import Options, project_options
from audiform.connectors.homes import names
from audiform.connectors.signing import FILE as SIGNATURE
from audiform.diagnostics import Diagnostic, DiagnosticError

_PEOPLE = ("custom_connector", "our_crm")
_EVENTS = ("custom_events", "our_events")
"""Example and the type in it that a new one begins with."""


@click.command(epilog="Example: audiform connectors new our_loyalty")
@click.argument("type_name", metavar="TYPE")
@click.option(
    "--events", is_flag=True, help="A type that sends events as they happen, not one that audiences fill."
)
@project_options
def command(options: Options, type_name: str, events: bool) -> None:
    """Begin the connector type TYPE in the project's connectors/: manifest, cases, vectors and README, all green."""
    _refuse(options.root, type_name)
    example, template = _EVENTS if events else _PEOPLE
    source = bundled() / "examples" / example / "connectors" / template
    target = options.root / "connectors" / type_name
    files = {path.relative_to(source): path for path in sorted(source.rglob("*")) if path.is_file()}
    files.pop(Path(SIGNATURE), None)
    for name, path in files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8").replace(template, type_name)
        (target / name).write_text(text, encoding="utf-8", newline="\n")
    options.output.note(
        f"Made {len(files)} files in {target}. Change one at a time, and look:\n\n"
        f"    audiform connectors test {type_name}\n    audiform connectors show {type_name}\n"
    )


def _refuse(root: Path, name: str) -> None:
    """Raise what speaks against the name."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        text = (
            f"`{name}` cannot name a connector type: lower-case letters, digits and `_`, such as `our_crm`."
        )
        raise DiagnosticError([Diagnostic("invalid-name", text)])
    if name in names(root):
        text = f"There is a connector type `{name}` already; `new` overwrites nothing"
        raise DiagnosticError([Diagnostic("file-exists", text)])
