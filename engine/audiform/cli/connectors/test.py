"""`audiform connectors test`: a type held to its own cases, its vectors and the cases of every type, offline."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass

import click
from pydantic import ValidationError

from audiform.cases.model import Case, read_cases
from audiform.cases.run import run_case
from audiform.cases.standard import run_standard, standard_names
from audiform.cli.failures import Exit
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.output import Style, paint
from audiform.cli.views.table import table
from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.connectors.vectors import check_vectors, read_vectors
from audiform.diagnostics import Diagnostic, DiagnosticError, Location


@dataclass(frozen=True, slots=True)
class Tested:
    """One thing that a type was held to. `kind`: vectors, case or standard; no `problems`: it passed."""

    kind: str
    name: str
    problems: tuple[str, ...]


@click.command(epilog="Example: audiform connectors test our_crm")
@click.argument("type_name", metavar="TYPE")
@json_option
@project_options
def command(options: Options, type_name: str, as_json: bool) -> int:
    """Run the cases of the connector type TYPE and what every type must stand, offline; print what conforms."""
    found = _held(Catalog(options.root).get(type_name))
    failed = sum(bool(item.problems) for item in found)
    if as_json:
        options.output.json(
            {"type": type_name, "passed": not failed, "results": [asdict(one) for one in found]}
        )
    else:
        options.output.data(_text(found, colour=options.output.colour))
        options.output.note(f"{len(found) - failed:,} passed, {failed:,} failed")
    return Exit.ERROR if failed else Exit.DONE


def _held(kind: ConnectorType) -> list[Tested]:
    label = f"connectors/{kind.name}"
    try:
        cases = list(read_cases(kind.folder))
    except (ValidationError, ValueError) as error:
        first = str(error).split("\n", 1)[0]
        text = f"A file in {label}/cases is no file of cases: {first}. `audiform connectors new` makes some that are."
        raise DiagnosticError(
            [Diagnostic("invalid-cases", text, location=Location(f"{label}/cases", 1, 1))]
        ) from None
    vectors = read_vectors(kind.folder, label)
    wrong = tuple(item.detail for item in check_vectors(kind.manifest, vectors, label))
    own = [
        Tested("case", f"{file.removesuffix('.yaml')}: {case.case}", _ran(case, kind)) for file, case in cases
    ]
    return [
        Tested("vectors", f"published examples of values: {len(vectors):,}", wrong),
        *_shown(kind, cases),
        *own,
        *_standard(kind, cases),
    ]


def _shown(kind: ConnectorType, cases: list[tuple[str, Case]]) -> list[Tested]:
    """Say of each operation whether a case shows it."""
    target, shown = kind.manifest.destination, {case.do for _, case in cases}
    able = [name for name in ("create", "read", "update", "delete", "find") if getattr(target, name)]
    able += [*kind.manifest.signals, *(["check"] if kind.manifest.check else [])]
    why = "no case shows it: what it sends is not held to anything"
    return [Tested("operation", name, () if name in shown else (why,)) for name in able]


def _ran(case: Case, kind: ConnectorType) -> tuple[str, ...]:
    return asyncio.run(run_case(case, kind))


def _standard(kind: ConnectorType, cases: list[tuple[str, Case]]) -> list[Tested]:
    found = asyncio.run(run_standard(kind, [case for _, case in cases]))
    why = ("there is no case in which people or events are added: nothing to try it with",)
    return [Tested("standard", name, found.get(name, why)) for name in standard_names(kind)]


def _text(found: list[Tested], *, colour: bool) -> str:
    rows = table([(item.kind, item.name) for item in found], left=2)
    lines: list[str] = []
    for item, row in zip(found, rows, strict=True):
        word = (
            paint("failed", Style.ERROR, colour=colour)
            if item.problems
            else paint("passed", Style.CREATE, colour=colour)
        )
        lines.append(f"{word}  {row}")
        lines += [f"          {problem}" for problem in item.problems]
    return "\n".join(lines)
