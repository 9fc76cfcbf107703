"""`audiform test`: the project's own test cases, offline."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import click

from audiform.cli.failures import Exit
from audiform.cli.opening import open_project
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.output import Style, paint
from audiform.config.kinds import ProjectTest
from audiform.config.project import Project
from audiform.config.project_tests import read_tests
from audiform.connectors.catalog import Catalog
from audiform.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from audiform.project_tests.result import Result
from audiform.project_tests.run import run_test


@click.command(epilog="Example: audiform -e staging test lapsed_are_found")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@json_option
@project_options
def command(options: Options, names: tuple[str, ...], as_json: bool) -> int:
    """Run the project's tests: given rows, expected members, people left out, and requests. Nothing is sent.

    A test of a policy gives resources and changes, and says what of them is denied.

    A test stands in the section `tests` of any of the project's files:

    \b
      tests:
        lapsed_are_found:
          binding: lapsed_on_ads
          given: {customers: [{customer_id: 1, email: ada@example.com}]}
          expect: {members: [1], left_out: {}}
    """  # noqa: D301 - click wants the character itself
    project, catalog = open_project(options)
    tests, problems = read_tests(options.root)
    if problems.has_errors:
        raise DiagnosticError(tuple(problems))
    results = asyncio.run(_run(project, catalog, _chosen(tests, names)))
    if as_json:
        options.output.json([{"name": item.name, "problems": list(item.problems)} for item in results])
    elif results:
        options.output.data(_text(results, colour=options.output.colour))
    else:
        options.output.note("The project has no tests yet: `audiform test --help` shows one")
    return Exit.ERROR if any(item.problems for item in results) else Exit.DONE


async def _run(project: Project, catalog: Catalog, tests: Mapping[str, ProjectTest]) -> list[Result]:
    return [await run_test(project, catalog, name, test) for name, test in tests.items()]


def _chosen(tests: Mapping[str, ProjectTest], names: Sequence[str]) -> Mapping[str, ProjectTest]:
    unknown = [name for name in names if name not in tests]
    if unknown:
        raise DiagnosticError(
            [
                Diagnostic(
                    "unknown-reference",
                    f"The project has no test `{name}`; `audiform test` runs all that it has.",
                    hint=did_you_mean(name, tests),
                )
                for name in unknown
            ]
        )
    return {name: test for name, test in tests.items() if not names or name in names}


def _text(results: Sequence[Result], *, colour: bool) -> str:
    lines: list[str] = []
    for item in results:
        word = "FAILED" if item.problems else "ok"
        style = Style.ERROR if item.problems else Style.CREATE
        lines.append(f"{paint(word, style, colour=colour)}  {item.name}")
        lines += [f"  {problem}" for problem in item.problems]
    failed = sum(bool(item.problems) for item in results)
    passed = f"{len(results) - failed:,} passed"
    return "\n".join([*lines, "", f"{passed}, {failed:,} failed" if failed else passed])
