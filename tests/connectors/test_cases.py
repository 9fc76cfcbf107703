"""Every connector type against its own cases: a new case needs no Python."""

from __future__ import annotations

import asyncio

import pytest

from audiform.cases.model import Case, Exchange, ExpectedRequest, GivenResponse, read_cases
from audiform.cases.run import run_case
from audiform.cases.script import Script
from audiform.cases.standard import run_standard, standard_names
from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.connectors.manifest import Manifest
from audiform.outcome import Request

TYPES = [Catalog().get(name) for name in Catalog().names()]
CASES = [
    pytest.param(kind, case, id=f"{kind.name}/{file.removesuffix('.yaml')}: {case.case}")
    for kind in TYPES
    for file, case in read_cases(kind.folder)
]


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_a_case(kind: ConnectorType, case: Case) -> None:
    """What goes out and what comes of it is what the case says."""
    assert () == asyncio.run(run_case(case, kind))


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_every_operation_has_a_case(kind: ConnectorType) -> None:
    """Whatever a type can do is shown by at least one case."""
    shown = {case.do for _, case in read_cases(kind.folder)}

    assert set() == operations(kind.manifest) - shown


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_standard_cases(kind: ConnectorType) -> None:
    """Every type does the same on a platform's bad day."""
    found = asyncio.run(run_standard(kind, [case for _, case in read_cases(kind.folder)]))

    assert dict.fromkeys(standard_names(kind), ()) == found


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_every_case_has_a_name_of_its_own(kind: ConnectorType) -> None:
    """A name that fails in a report leads to one case."""
    names = [f"{file}: {case.case}" for file, case in read_cases(kind.folder)]

    assert sorted(set(names)) == sorted(names)


def operations(manifest: Manifest) -> set[str]:
    """Return what a type can do."""
    target = manifest.destination
    names = ("create", "read", "update", "delete", "find", "members")
    found = {name for name in names if getattr(target, name)}
    return found | set(manifest.signals) | ({"check"} if manifest.check else set())


def changed(case: Case, **expected: object) -> Case:
    """Return a case that expects something else."""
    return case.model_copy(update={"outcome": case.outcome.model_copy(update=expected)})


def test_a_case_that_does_not_hold_says_what_differs() -> None:
    """The runner sees a wrong answer, a wrong request and one that was not sent."""
    kind = Catalog().get("meta_custom_audiences")
    case = next(case for _, case in read_cases(kind.folder) if case.do == "add")
    request = case.exchanges[0].request.model_copy(update={"method": "PUT", "body": None})
    wrong = case.exchanges[0].model_copy(update={"request": request})

    assert ("0 records are rejected, not 3",) == asyncio.run(run_case(changed(case, rejected_count=3), kind))
    first, *_, last = asyncio.run(run_case(case.model_copy(update={"exchanges": (wrong, wrong)}), kind))
    assert ("request 1: POST, not PUT", "request 2 was not sent") == (first, last)


def test_rows_may_be_left_out() -> None:
    """A case says how many people have nothing valid to be known by."""
    kind = Catalog().get("meta_custom_audiences")
    case = Case(case="nobody", do="add", rows=({"email": "no address"},), settings={"ad_account_id": "1"})

    assert ("1 rows were left out, not 0",) == asyncio.run(run_case(case, kind))


def test_a_form_that_no_case_expected_is_a_difference() -> None:
    """What goes out and is no JSON is told as the text that it is."""
    request = ExpectedRequest(method="POST", url="https://a.example.com/token")
    script = Script((Exchange(request=request, response=GivenResponse(status=200)),))
    script.answer(Request("POST", "https://a.example.com/token", body=b"grant_type=x"))

    assert ["request 1: the body is grant_type=x, not null"] == script.problems
