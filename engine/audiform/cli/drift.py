"""`audiform drift`: what the platforms have now, against what was applied. Never writes."""

from __future__ import annotations

from typing import Any

import click

from audiform.cli.failures import Exit
from audiform.cli.opening import open_runtime
from audiform.cli.options import Options, project_options
from audiform.cli.running import run
from audiform.cli.views import drift_checks, drift_text
from audiform.cli.views.progress import waiting
from audiform.drift.find import find_drift
from audiform.drift.report import Drift, Verdict

_FORMATS = ("text", "json", "markdown", "junit", "sarif")


@click.command(epilog="Example: audiform -e production drift --format markdown")
@click.option("--format", "form", type=click.Choice(_FORMATS), help="How to show it.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@project_options
def command(options: Options, form: str | None, as_json: bool) -> int:
    """Compare every applied destination with its platform: its object, and how many people are in it.

    Nothing is written, here or there. Ends with 2 when something differs, with 0 when nothing does, and with 1 when a
    platform that can be asked did not answer. What a platform cannot be asked is said, and counts as neither.
    """
    if as_json and form not in {None, "json"}:
        raise click.UsageError(f"--json and --format {form} are two forms; choose one")
    with (
        open_runtime(options) as runtime,
        waiting("Asking the platforms what they have", options.output),
    ):
        found = run(runtime, find_drift(runtime))
    _show(found, "json" if as_json else form or "text", options)
    if found.having(Verdict.DRIFT):
        return Exit.CHANGES
    return Exit.ERROR if found.having(Verdict.FAILED) else Exit.DONE


def _show(found: Drift, form: str, options: Options) -> None:
    data: Any = drift_text.as_json(found) if form == "json" else drift_checks.as_sarif(found)
    match form:
        case "json" | "sarif":
            options.output.json(data)
        case "markdown":
            options.output.data(drift_text.markdown(found))
        case "junit":
            options.output.data(drift_checks.as_junit(found))
        case _:
            options.output.data(drift_text.render(found, colour=options.output.colour))
