"""`audiform validate`: everything that is wrong with a project, at once, without network and state."""

from __future__ import annotations

from collections.abc import Sequence

import click

from audiform.cli.failures import Exit
from audiform.cli.options import Options, Part, part_options, project_options
from audiform.config.files import ENVIRONMENTS
from audiform.config.verdict import fingerprint, recalled
from audiform.lazily import load

FORMATS = ("text", "json", "sarif", "github")


@click.command(epilog="Example: audiform validate --all-environments --format github")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    show_default=True,
    help="How to show what is wrong: for people, programs, code scanning or a workflow's annotations.",
)
@click.option("--all-environments", "everywhere", is_flag=True, help="Check each environment, not only one.")
@click.option(
    "--state",
    "with_state",
    is_flag=True,
    help="Also read the state, and point out entries of `moved`, `removed` and `imports` that have been done.",
)
@project_options
@part_options
def command(
    options: Options,
    form: str,
    everywhere: bool,
    with_state: bool,
    targets: tuple[str, ...],
    exclude: tuple[str, ...],
) -> int:
    """Check the project: YAML, templates, references, SQL, and what each connector type can do.

    Uses no network, no secret, and without --state no state. Exit code 1 when there is an error.
    """
    states = {name: fingerprint(options.root, name) for name in _names(options, everywhere)}
    said = [recalled(options.root, state) for state in states.values()]
    part = Part(targets, exclude, with_state)
    if form == FORMATS[0] and None not in said and part == Part():
        for content in said:
            options.output.note(f"valid: {content}")
        return Exit.DONE
    # As the commands themselves: what was found right and has not changed needs nothing of it.
    code: int = load("audiform.cli.validating:validate")(options, form, states, part)
    return code


def _names(options: Options, everywhere: bool) -> Sequence[str | None]:
    """Return the environments to check; None is the default one."""
    if not everywhere:
        return [options.environment]
    folder = options.root / ENVIRONMENTS
    return sorted({file.stem for file in folder.glob("*.y*ml")}) or [None]
