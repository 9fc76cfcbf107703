"""`audiform doctor`: says what a machine lacks, by name, and never what a secret is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from audiform.bundled import bundled
from audiform.cli.doctor import Finding, Level, project_findings
from audiform.cli.main import run
from audiform.config.load import load
from servers import free_port

CANARY = "canary-s3cret"
CONNECTORS = """
connectors:
  from_env:
    type: meta_custom_audiences
    settings: {ad_account_id: "1"}
    credentials: {access_token: {from_env: DOCTOR_TEST_TOKEN}}
  from_file:
    type: meta_custom_audiences
    settings: {ad_account_id: "1"}
    credentials: {access_token: {from_file: token.txt}}
  from_command:
    type: meta_custom_audiences
    settings: {ad_account_id: "1"}
    credentials: {access_token: {from_command: [no-such-program-anywhere, --token]}}
  switched_off:
    type: meta_custom_audiences
    settings: {ad_account_id: "1"}
    credentials: {access_token: {from_env: NEVER_SET_TOKEN}}
    enabled: false
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the starter project with connectors that have their secrets in all places."""
    root = tmp_path / "project"
    shutil.copytree(bundled() / "examples" / "starter", root)
    (root / "bindings.yaml").unlink()
    (root / "connectors.yaml").write_text(CONNECTORS, encoding="utf-8")
    return root


def findings(root: Path, environment: str = "staging") -> dict[str, Finding]:
    """Return what is found about the project, by what was looked at."""
    loaded, problems = load(root, environment)
    assert loaded is not None, [*problems]
    return {item.what: item for item in project_findings(loaded)}


def test_secrets_that_are_missing(project, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion):
    """Each secret that is not there is named by its reference; a connector that is switched off needs none."""
    monkeypatch.delenv("DOCTOR_TEST_TOKEN", raising=False)
    found = findings(project)

    assert snapshot == {
        what: (item.level.value, item.detail) for what, item in found.items() if "connector" in what
    }


def test_secrets_that_are_there(project, monkeypatch: pytest.MonkeyPatch):
    """A secret is looked for and not shown, and a file that everybody can read is a warning."""
    monkeypatch.setenv("DOCTOR_TEST_TOKEN", CANARY)
    (project / "token.txt").write_text(CANARY, encoding="utf-8")
    (project / "token.txt").chmod(0o644)
    found = findings(project)

    assert Level.OK is found["connector.from_env, access_token"].level
    assert Level.WARNING is found["connector.from_file, access_token"].level
    assert CANARY not in str(found)


@pytest.mark.parametrize(
    ("environment", "level"), [("staging", Level.WARNING), ("production", Level.PROBLEM)]
)
def test_a_sandbox_in_a_protected_environment_is_a_problem(project, environment, level):
    """An endpoint on this machine is a trial elsewhere, and a mistake where people are to be reached."""
    file = project / "environments" / f"{environment}.yaml"
    override = "overrides: {connectors: {from_env: {endpoint: 'http://127.0.0.1:8484/x'}}}\n"
    file.write_text(file.read_text(encoding="utf-8") + override, encoding="utf-8")

    assert level is findings(project, environment)["connector.from_env, endpoint"].level


def test_data_that_is_missing(project):
    """A table without a file is a problem."""
    (project / "data" / "customers.csv").unlink()

    assert Level.PROBLEM is findings(project)["source.warehouse, table customers"].level


def test_a_state_that_cannot_be_kept(project):
    """A file where the state's folder should be is a problem before the first apply finds it."""
    (project / ".audiform").write_text("", encoding="utf-8")

    assert Level.PROBLEM is findings(project)["state"].level


def test_a_database_that_does_not_answer(project):
    """A state that is no folder is asked, and what it needs is said."""
    file = project / "audiform.yaml"
    url = f"postgresql://127.0.0.1:{free_port()}/shop"
    file.write_text(file.read_text(encoding="utf-8") + f'state: {{url: "{url}"}}\n', encoding="utf-8")
    found = findings(project)["state"]

    assert (Level.PROBLEM, True) == (found.level, "cannot be reached" in found.detail)


def test_exit_code_and_json(project, capsys, monkeypatch: pytest.MonkeyPatch):
    """A problem makes the command fail, and `--json` prints each finding."""
    monkeypatch.delenv("DOCTOR_TEST_TOKEN", raising=False)

    assert 1 == run(["-C", str(project), "doctor", "--json"])
    levels = {item["level"] for item in json.loads(capsys.readouterr().out)}
    assert {"ok", "problem"} <= levels


def test_without_a_project_the_machine_is_looked_at(tmp_path, capsys):
    """Outside of a project, what every project needs is still checked."""
    assert 0 == run(["-C", str(tmp_path), "doctor"])
    printed = capsys.readouterr().out
    assert ("DuckDB" in printed, "warning  project" in printed) == (True, True)


def test_a_broken_project_is_said(project, capsys):
    """What is wrong with the project is counted, and the command that shows it named."""
    (project / "sources.yaml").write_text("source: {}\n", encoding="utf-8")

    assert 1 == run(["-C", str(project), "doctor"])
    assert "`audiform validate` shows them" in capsys.readouterr().out
