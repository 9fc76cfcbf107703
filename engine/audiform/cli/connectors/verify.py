"""`audiform connectors verify`."""

from __future__ import annotations

import click

from audiform.cli.failures import Exit
from audiform.cli.options import Options, json_option, project_options
from audiform.config.load import load
from audiform.connectors.homes import homes, names
from audiform.connectors.signing import problem_of
from audiform.diagnostics import DiagnosticError


@click.command(epilog="Example: audiform -e production connectors verify")
@json_option
@project_options
def command(options: Options, as_json: bool) -> int:
    """Say of each of the project's own connector types whether a trusted key has signed it as it is now."""
    project, diagnostics = load(options.root, options.environment)
    if project is None:
        raise DiagnosticError(tuple(diagnostics))
    home, trusted = homes(options.root)[-1][0], frozenset(project.policy.trusted_keys)
    custom = [name for name, own in names(options.root).items() if own]
    found = {name: problem_of(home / name, trusted) for name in custom}
    if as_json:
        rows = [
            {"type": name, "signed": item is None, "code": item and item.code, "reason": item and item.detail}
            for name, item in found.items()
        ]
        options.output.json(rows)
    elif found:
        lines = [
            f"{name}: {'signed, unchanged' if item is None else item.detail}" for name, item in found.items()
        ]
        options.output.data("\n".join(lines))
    else:
        options.output.note("The project has no connector type of its own")
    return Exit.ERROR if any(found.values()) else Exit.DONE
