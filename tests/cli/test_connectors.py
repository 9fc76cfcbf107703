"""`audiform connectors` as a user sees it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audiform.check import check
from audiform.cli.main import run
from audiform.cli.views import connectors_data
from audiform.connectors.catalog import Catalog
from audiform.connectors.overview import read_overview
from audiform.sandbox.serve import serve
from connectors.test_readme import project_of

PROJECT = """
connectors:
  ads:
    type: meta_custom_audiences
    settings: {{ad_account_id: "1"}}
    credentials: {{access_token: {{from_env: ADS_TOKEN_FOR_TESTS}}}}
    endpoint: {endpoint}
  crm:
    type: http_audience
    settings: {{base_url: "https://crm.example.com", identity: email}}
  later:
    type: klaviyo_lists
    enabled: false
    credentials: {{private_key: {{from_env: NOT_SET_ANYWHERE}}}}
"""


@pytest.fixture
def project(tmp_path: Path):
    """Return a project whose first connector leads to a sandbox that is there as long as the test."""
    (tmp_path / "audiform.yaml").write_text("project: shop\npolicy: {allowed_hosts: [crm.example.com]}\n")
    with serve({"ads": Catalog().get("meta_custom_audiences")}) as sandbox:
        (tmp_path / "connectors.yaml").write_text(PROJECT.format(endpoint=sandbox.endpoint("ads")))
        yield tmp_path


@pytest.fixture
def secret(monkeypatch):
    """Return a function that sets the secret of the connector `ads`."""
    return lambda value: monkeypatch.setenv("ADS_TOKEN_FOR_TESTS", value)


def said(capsys) -> tuple[str, str]:
    """Return what was printed, and what was said beside it."""
    return tuple(capsys.readouterr())


def test_connectors_of_a_project(project, capsys, snapshot):
    """Each connector with its type, whether it is on, and how many bindings use it."""
    assert 0 == run(["-C", str(project), "connectors", "list"])
    assert snapshot == said(capsys)


def test_the_catalogue(tmp_path, capsys):
    """Every type that ships is there, with what it can do, in a project and outside of one."""
    assert 0 == run(["-C", str(tmp_path), "connectors", "list", "--available"])
    text, _ = said(capsys)
    assert 0 == run(["-C", str(tmp_path), "connectors", "list", "--available", "--json"])
    data = {item["type"]: item for item in json.loads(said(capsys)[0])}

    assert {*Catalog().names()} == data.keys()
    assert all(name in text for name in data)
    assert {"add": True, "remove": True, "modify": False} == {
        key: data["meta_custom_audiences"]["capabilities"][key] for key in ("add", "remove", "modify")
    }
    assert data["http_audience"]["capabilities"]["add"] is None


def test_a_broken_type_of_the_project_hides_no_other(tmp_path, capsys):
    """The catalogue is shown, and what is wrong is said."""
    folder = tmp_path / "connectors" / "crm"
    folder.mkdir(parents=True)
    (folder / "manifest.yaml").write_text("manifest: 2\n")

    assert 1 == run(["-C", str(tmp_path), "connectors", "list", "--available"])
    text, problem = said(capsys)
    assert "klaviyo_lists" in text
    assert "error[invalid-manifest]" in problem


@pytest.mark.parametrize("name", ["meta_custom_audiences", "http_audience"])
def test_a_type(name, tmp_path, capsys, snapshot):
    """Settings, credentials, identifiers, limits, what it cannot do, and an example to copy."""
    assert 0 == run(["-C", str(tmp_path), "connectors", "show", name])
    assert snapshot == said(capsys)


def test_a_type_that_is_not_there(tmp_path, capsys):
    """The nearest name is offered."""
    assert 1 == run(["-C", str(tmp_path), "connectors", "show", "klaviyo_list"])
    assert 'did you mean "klaviyo_lists"?' in said(capsys)[1]


@pytest.mark.parametrize("name", Catalog().names())
def test_the_example_of_each_type_is_right(name, tmp_path, capsys):
    """What `show` offers to copy has what the type needs, and the JSON says the same as the text."""
    kind = Catalog().get(name)
    example = connectors_data.example(kind)

    assert example == connectors_data.detail(kind)["example"]
    section = "event_connectors" if kind.manifest.kind == "event" else "connectors"
    assert [kind.name] == [body["type"] for body in example[section].values()]
    if section == "event_connectors":
        assert [] == [item.detail for item in check(project_of(example), Catalog())]
    assert 0 == run(["-C", str(tmp_path), "connectors", "show", name, "--json"])
    assert name == json.loads(said(capsys)[0])["type"]


def test_credentials_that_work(project, secret, capsys, snapshot):
    """The platform is asked; a type without such a request says so; what is off is left alone."""
    secret("anything")

    assert 0 == run(["-C", str(project), "connectors", "check"])
    assert snapshot == said(capsys)


def test_credentials_that_do_not_work(project, secret, capsys, snapshot):
    """What the platform says is shown with what to do, and never the secret."""
    secret("expired")

    assert 1 == run(["-C", str(project), "connectors", "check", "ads"])
    assert snapshot == said(capsys)


def test_credentials_that_are_not_there(project, capsys, snapshot):
    """A connector that is named is checked, also when it is off; a secret that lacks is a failure."""
    assert 1 == run(["-C", str(project), "connectors", "check", "later", "--json"])
    assert snapshot == said(capsys)


def test_a_connector_that_is_not_there(project, capsys):
    """The nearest name is offered."""
    assert 1 == run(["-C", str(project), "connectors", "check", "adds"])
    assert 'did you mean "ads"?' in said(capsys)[1]


def test_the_catalogue_is_shown_at_once(tmp_path, checkout):
    """The list of all types costs little beside the start of the program: 300 ms, and no model is built for it."""
    probe = (
        "import sys; from audiform.cli.main import run; "
        "assert run(sys.argv[1:]) == 0; assert 'pydantic' not in sys.modules"
    )
    command = [sys.executable, "-c", probe, "-C", str(tmp_path), "connectors", "list", "--available"]
    environment = {**os.environ, "PYTHONPATH": str(checkout / "engine")}
    times = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment)
        times.append(time.perf_counter() - started)

    # Other tests run beside this one: what is measured alone is a third of it.
    assert min(times) < 0.6


@pytest.mark.parametrize("name", Catalog().names())
def test_the_list_says_of_each_type_what_its_manifest_says(name):
    """A shipped type is listed without holding it to its schema; both ways of reading it say the same."""
    kind = Catalog().get(name)

    assert kind.overview == read_overview(kind.folder.parent, name)


def test_a_custom_type_is_listed_as_custom(tmp_path, capsys):
    """Nobody takes a project's own type for one that ships."""
    shipped = Catalog().get("http_audience").folder
    shutil.copytree(shipped, tmp_path / "connectors" / "our_crm")

    assert 0 == run(["-C", str(tmp_path), "connectors", "list", "--available"])
    (line,) = [line for line in said(capsys)[0].splitlines() if "our_crm" in line]
    assert "our_crm *" in line
    assert ", custom" in line


def test_the_page_of_a_type_says_what_the_command_says(tmp_path, capsys, checkout):
    """The documentation and the terminal show one sheet, in two forms."""
    assert 0 == run(["-C", str(tmp_path), "connectors", "show", "klaviyo_lists", "--markdown"])
    page = said(capsys)[0]
    assert (checkout / "docs/connectors/klaviyo_lists.md").read_text(encoding="utf-8") == page
    assert 0 == run(["-C", str(tmp_path), "connectors", "show", "klaviyo_lists"])
    text = said(capsys)[0]

    for fact in ("10,000 people per request", "type: klaviyo_lists", "HTTP 410", "a real account"):
        assert fact in page
        assert fact in text


OPENED = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from audiform.cli.main import run
assert run(sys.argv[1:]) == 0
print(*sorted({name.split("/")[-2] for name in opened if name.endswith("manifest.yaml")}))
"""


def test_only_the_types_in_use_are_opened(tmp_path, checkout):
    """The catalogue costs nothing when it is not used: a project of three types opens three manifests."""
    (tmp_path / "audiform.yaml").write_text("project: shop\npolicy: {allowed_hosts: [crm.example.com]}\n")
    text = PROJECT.replace("    endpoint: {endpoint}\n", "").format()
    (tmp_path / "connectors.yaml").write_text(text)
    command = [sys.executable, "-c", OPENED, "-C", str(tmp_path), "validate"]
    environment = {**os.environ, "PYTHONPATH": str(checkout / "engine")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    assert 0 == done.returncode, done.stderr
    assert "http_audience klaviyo_lists meta_custom_audiences" == done.stdout.strip().splitlines()[-1]
