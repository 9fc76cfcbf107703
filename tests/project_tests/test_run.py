"""A project's own tests: what passes, and what is said of what does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from audiform.cli.main import run
from audiform.config.load import load
from audiform.config.project_tests import read_tests
from audiform.connectors.catalog import Catalog
from audiform.project_tests.run import run_test

PROJECT = """
sources:
  shop: {type: duckdb, settings: {tables: {customers: customers.csv}}}
connectors:
  ads:
    type: meta_custom_audiences
    settings: {ad_account_id: "1"}
    credentials: {access_token: {from_env: NOT_SET_ANYWHERE}}
  crm:
    type: google_data_manager
    settings: {operating_account_id: "1", customer_match_terms: ACCEPTED}
    credentials: {client_id: {from_env: X}, client_secret: {from_env: X}, refresh_token: {from_env: X}}
audiences:
  buyers:
    source: shop
    query: SELECT id, email, consent, born FROM customers WHERE since > DATE '2026-01-01'
    profile_key: id
    identifiers: {email: email, birth_year: born}
    consent: consent
bindings:
  on_ads: {audience: buyers, connector: ads, destination: {name: Buyers}, on_delete: keep}
  on_crm: {audience: buyers, connector: crm, destination: {name: Buyers}, on_delete: keep}
"""
ADA = "{id: 1, email: ' Ada@example.com', consent: true, since: 2026-02-01, born: '1970-01-02'}"
BOB = "{id: 2, email: bob@example.com, consent: false, since: 2026-02-01}"
CY = "{id: 3, email: none, consent: true, since: 2026-02-01}"
DAN = "{id: 4, email: dan@example.com, consent: true, since: 2025-02-01}"
HASH = "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72"
URL = "https://graph.facebook.com/v25.0/test/users"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project whose own file says which types its columns have."""
    (tmp_path / "audiform.yaml").write_text("project: shop\n")
    (tmp_path / "all.yaml").write_text(PROJECT)
    (tmp_path / "customers.csv").write_text(
        "id,email,consent,since,born\n9,x@example.com,true,2026-01-02,1970-01-01\n"
    )
    return tmp_path


def problems(project: Path, body: str) -> list[str]:
    """Run one test and return what it found."""
    (project / "tests.yaml").write_text(f"tests:\n  it: {body}\n")
    loaded, found = load(project, None)
    assert loaded is not None, list(found)
    tests, wrong = read_tests(project)
    assert [] == list(wrong)
    return [*asyncio.run(run_test(loaded, Catalog(project), "it", tests["it"])).problems]


PASSING = {
    "audience": f"{{audience: buyers, given: {{customers: [{ADA}, {BOB}, {CY}, {DAN}]}}, "
    "expect: {members: [1, 3], left_out: {no_consent: 1}}}",
    "binding": f"{{binding: on_ads, given: {{customers: [{ADA}, {BOB}, {CY}, {DAN}]}}, "
    "expect: {members: ['1'], left_out: {no_consent: 1, invalid_identifier: 1}}}",
    "requests": f"{{binding: on_ads, given: {{customers: [{ADA}]}}, expect: {{requests: [{{method: POST, url: '{URL}', "
    f"body: {{payload: {{schema: [EMAIL, DOBY], data: [[{HASH}, "
    "ad1f3889d0032e7c2791053060e4c044837353325fbd42cdeeef65638ed31c2a]]}}}]}}",
    "an id of the destination": f"{{binding: on_ads, destination_id: '77', given: {{customers: [{ADA}]}}, "
    f"expect: {{requests: [{{url: '{URL.replace('test', '77')}'}}]}}}}",
    "a token is not a request of the project": f"{{binding: on_crm, given: {{customers: [{ADA}]}}, "
    "expect: {requests: [{url: 'https://datamanager.googleapis.com/v1/audienceMembers:ingest'}]}}",
    "nobody": "{binding: on_ads, given: {customers: []}, expect: {members: [], left_out: {}, requests: []}}",
    "a table that is not given is empty": "{audience: buyers, expect: {members: []}}",
}


@pytest.mark.parametrize("name", PASSING)
def test_what_passes(project, name):
    """Rows are read with the types of the source's own files, and judged as in a sync."""
    assert [] == problems(project, PASSING[name])


FAILING = {
    "members": f"{{audience: buyers, given: {{customers: [{ADA}]}}, expect: {{members: [1, 2, 2]}}}}",
    "one too many": f"{{audience: buyers, given: {{customers: [{ADA}]}}, expect: {{members: []}}}}",
    "left out": f"{{binding: on_ads, given: {{customers: [{ADA}, {BOB}]}}, expect: {{left_out: {{no_identifier: 1}}}}}}",
    "no request": f"{{binding: on_ads, given: {{customers: [{ADA}]}}, expect: {{requests: []}}}}",
    "another request": f"{{binding: on_ads, given: {{customers: [{ADA}]}}, "
    "expect: {requests: [{method: PUT, url: 'https://x.example', body: {}}]}}",
    "column": "{audience: buyers, given: {customers: [{id: 1, emial: x}]}, expect: {}}",
    "table": "{audience: buyers, given: {customer: [{id: 1}]}, expect: {}}",
    "value": "{audience: buyers, given: {customers: [{id: 1, since: yesterday}]}, expect: {}}",
    "audience": "{audience: buyer, expect: {}}",
    "binding": "{binding: on_adds, expect: {}}",
}


@pytest.mark.parametrize("name", FAILING)
def test_what_fails(project, name, snapshot):
    """What differs is said, or why the test cannot be run."""
    assert snapshot == problems(project, FAILING[name])


def test_without_the_files_types_are_those_of_the_rows(project):
    """A project can be tested where its data is not."""
    (project / "customers.csv").unlink()

    assert [] == problems(project, PASSING["audience"])
    assert [
        "`customers` has no rows, and its own files are not here to say which columns it has"
    ] == problems(project, PASSING["nobody"])


WRONG = {
    "neither": "{expect: {}}",
    "both": "{audience: buyers, binding: on_ads, expect: {}}",
    "requests of an audience": "{audience: buyers, expect: {requests: []}}",
    "field": "{audience: buyers, expct: {}}",
    "inner": "{audience: buyers, expect: {member: [1]}}",
    "template": "{audience: buyers, expect: {members: ['{{ 1 + 1 }}']}}",
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_test(project, name, snapshot):
    """A test that says nothing clear is refused at its line."""
    (project / "tests.yaml").write_text(f"tests:\n  it: {WRONG[name]}\n")

    _, found = read_tests(project)
    assert snapshot == [
        f"{item.code} {item.location and (item.location.line, item.location.column)}: {item.detail} [{item.hint}]"
        for item in found
    ]


def test_a_name_is_given_once(project):
    """Two tests of one name are an error, also in two files."""
    (project / "tests.yaml").write_text("tests:\n  it: {audience: buyers, expect: {}}\n")
    (project / "more.yaml").write_text("tests:\n  it: {audience: buyers, expect: {}}\n")

    assert ["duplicate-name"] == [item.code for item in read_tests(project)[1]]


def test_the_command(project, capsys, snapshot):
    """Exit code 0 when all pass, 1 when one fails; names choose; JSON has the same."""
    (project / "tests.yaml").write_text(
        f"tests:\n  passes: {PASSING['binding']}\n  fails: {FAILING['members']}\n"
    )

    assert 1 == run(["-C", str(project), "test"])
    assert 0 == run(["-C", str(project), "test", "passes"])
    assert 1 == run(["-C", str(project), "test", "fails", "--json"])
    assert 1 == run(["-C", str(project), "test", "nothing"])
    assert snapshot == capsys.readouterr()


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_example_passes_its_own_tests(environment, checkout, capsys):
    """The shop shows how a project tests itself."""
    assert 0 == run(["-C", str(checkout / "examples" / "shop"), "-e", environment, "test"])
    assert "5 passed" in capsys.readouterr().out


def test_the_latest_row_of_a_profile_is_tested(project: Path):
    """An audience with a watermark has its members in a test as in a delivery: of several rows the last one, and nobody who is gone."""
    text = PROJECT.replace(
        "    consent: consent\n", "    consent: consent\n    watermark: since\n    deleted: gone\n"
    )
    text = text.replace(
        "consent, born FROM customers", "consent, born, since, CAST(gone AS BOOLEAN) AS gone FROM customers"
    )
    (project / "all.yaml").write_text(text)
    (project / "customers.csv").write_text(
        "id,email,consent,since,born,gone\n9,x@example.com,true,2026-01-02,1970-01-01,true\n"
    )
    rows = [
        "{id: 1, email: a@example.com, consent: true, since: 2026-02-01, gone: false}",
        "{id: 1, email: a@example.com, consent: true, since: 2026-02-02, gone: true}",
        "{id: 2, email: b@example.com, consent: true, since: 2026-02-01, gone: true}",
        "{id: 2, email: b@example.com, consent: true, since: 2026-02-02, gone: false}",
    ]
    given = f"given: {{customers: [{', '.join(rows)}]}}, expect: {{members: [2], left_out: {{}}}}"

    assert [] == problems(project, f"{{audience: buyers, {given}}}")
    assert [] == problems(project, f"{{binding: on_ads, {given}}}")
