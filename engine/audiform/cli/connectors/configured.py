"""The connectors of a project, listed."""

from __future__ import annotations

from audiform.cli.failures import Exit
from audiform.cli.opening import open_project
from audiform.cli.options import Options
from audiform.cli.views import connectors_data, connectors_text


def show(options: Options, *, as_json: bool) -> int:
    """List the project's connectors; return the exit code."""
    found = connectors_data.configured(*open_project(options))
    if as_json:
        options.output.json(found)
    elif found:
        options.output.data(connectors_text.configured(found))
    else:
        options.output.note(
            "The project has no connector yet: `audiform connectors list --available` shows the types"
        )
    return Exit.DONE
