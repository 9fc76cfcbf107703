"""Says what an apply or a sync did, and turns it into an exit code."""

from __future__ import annotations

from audiform.cli.failures import Exit
from audiform.cli.options import Options
from audiform.cli.views import report_json, report_text
from audiform.cli.views.diagnostics import render_text
from audiform.execution.report import Report


def say(report: Report, options: Options, *, as_json: bool, verb: str, total: int) -> None:
    """Print the report; bindings that the project's files kept from being sent are told on stderr."""
    output = options.output
    if report.refused:
        output.problem(render_text(report.refused, colour=output.error_colour))
    if as_json:
        output.json(report_json.render(report))
    elif total or report.notes or report.refused:
        output.data(report_text.render(report, verb=verb, total=total, colour=output.colour))


def exit_code(report: Report) -> Exit:
    """Return 0 when all was done; an error counts more than a guard that stopped another binding."""
    if report.ok:
        return Exit.DONE
    people = (*report.delivered, *report.withdrawn)
    broken = report.failed or report.refused or any(one.status == "failed" for one in people)
    return Exit.ERROR if broken else Exit.STOPPED
