"""`examples/ci`, run as it stands: a repository with two branches, a state in PostgreSQL, each job in a clone of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from audiform.cli.main import run
from audiform.connectors.catalog import Catalog
from audiform.sandbox.serve import Sandbox, serve
from ci.team import Team, copied, make_team
from servers import Database

pytestmark = pytest.mark.slow

LIST = "Inactive customers [production]"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Serve the one platform of the starter project."""
    with serve({"ads": Catalog().get("meta_custom_audiences")}) as served:
        yield served


@pytest.fixture
def team(tmp_path: Path, database: Database, sandbox: Sandbox) -> Team:
    """Return a team whose `main` has the starter project, with its state in a schema of the database."""
    made = make_team(tmp_path, PGUSER=database.user, PGPASSWORD=database.password)
    assert 0 == run(["-C", str(made.laptop), "init", "."])
    made.edit(
        "audiform.yaml",
        "default_environment: staging",
        f'default_environment: production\nstate: {{url: "{database.url}?schema=w{uuid4().hex[:12]}"}}',
    )
    with (made.laptop / "environments/production.yaml").open("a", encoding="utf-8") as file:
        file.write(f'overrides:\n  connectors:\n    ads: {{endpoint: "{sandbox.endpoint("ads")}"}}\n')
    for runner in ("shell", "github", "gitlab"):
        assert 0 == run(["-C", str(made.laptop), "-e", "production", "ci", "init", runner])
    made.push("Begin")
    return made


def people(sandbox: Sandbox) -> int:
    """Count whose e-mail address is in the platform's list."""
    return len(sandbox.members("ads", LIST)["email"])


def test_a_change_goes_from_a_laptop_to_the_platform(team, sandbox):
    """Checked, planned, edited, planned again, merged, applied elsewhere, compared, undone; and a person forgotten."""
    first = f"{team.shared}/first"
    assert 0 == team.job("main", f"ci/plan.sh production {first}").code
    assert 0 == team.job("main", f"ci/apply.sh production {first}").code
    before = people(sandbox)

    plan = reviewed(team)
    approval_holds_for_the_same_effect_only(team, plan)
    merged_and_applied_once(team)
    assert people(sandbox) < before
    what_was_changed_by_hand_is_told(team, sandbox)
    undone(team)
    assert people(sandbox) == before
    forgotten(team, "person.1@example.com")
    assert people(sandbox) < before


def reviewed(team: Team) -> str:
    """Make a branch with fewer people; its comment says how many, before anybody approves it. Return how it is planned."""
    team.git("switch", "--quiet", "--create", "stricter")
    team.edit("environments/production.yaml", "inactive_days: 90", "inactive_days: 120")
    team.push("Wait longer before somebody counts as inactive")
    plan = f"ci/plan.sh production {team.shared}/change"
    assert 0 == team.job("stricter", f"ci/check.sh && {plan}").code
    comment = (team.shared / "change" / "plan.md").read_text(encoding="utf-8")
    assert approved_of(team) in comment
    assert "inactive_on_ads" in comment
    return plan


def approved_of(team: Team) -> str:
    """Return what a reviewer approves."""
    return (team.shared / "change" / "plan.hash").read_text(encoding="utf-8").strip()


def approval_holds_for_the_same_effect_only(team: Team, plan: str) -> None:
    """A comment in the YAML changes no effect; fewer days do."""
    approved = approved_of(team)
    team.edit("environments/production.yaml", "inactive_days: 120", "inactive_days: 120   # a season")
    team.push("Say why")
    assert 0 == team.job("stricter", f"{plan} {approved}").code
    team.edit("environments/production.yaml", "inactive_days: 120", "inactive_days: 100")
    team.push("A little less strict")
    other = team.job("stricter", f"{plan} {approved}")
    assert 3 == other.code
    assert "this plan does not do what was approved" in other.text
    team.git("revert", "--no-edit", "HEAD")
    team.git("push", "--quiet")
    assert 0 == team.job("stricter", f"{plan} {approved}").code


def merged_and_applied_once(team: Team) -> None:
    """Another runner applies the plan that was read, and nobody applies it again."""
    team.git("switch", "--quiet", "main")
    team.git("merge", "--quiet", "--no-edit", "stricter")
    team.git("push", "--quiet")
    apply = f"ci/apply.sh production {team.shared}/change"
    assert 0 == team.job("main", apply).code
    again = team.job("main", apply)
    assert 1 == again.code
    assert "error[plan-used]" in again.text


def what_was_changed_by_hand_is_told(team: Team, sandbox: Sandbox) -> None:
    """Somebody changes the list in the platform's console; the morning's run says so."""
    assert 0 == team.job("main", "ci/drift.sh production").code
    (found,) = sandbox.destinations("ads")
    found.attributes["description"] = "Changed by hand"
    drifted = team.job("main", "ci/drift.sh production")
    assert 2 == drifted.code
    assert "Changed by hand" in drifted.text
    found.attributes["description"] = "Win-back"


def undone(team: Team) -> None:
    """The last apply is undone by a plan like any other."""
    done = team.job(
        "main",
        f"""
        id=$(audiform -e production history | awk '/ apply /{{print $1; exit}}')
        audiform -e production plan --inverse "$id" --out {team.shared}/inverse.json
        audiform -e production apply {team.shared}/inverse.json
        """,
    )
    assert 0 == done.code, done.text


def forgotten(team: Team, email: str) -> None:
    """Somebody asks to be forgotten. The request is a file, because arguments are seen by others."""
    request = team.folder / "request.txt"
    request.write_text(f"email: {email}\n", encoding="utf-8")
    done = team.job("main", f"audiform -e production forget --from {request} --auto-approve")
    assert 0 == done.code, done.text
    assert email not in done.text


# --- The workflow of GitHub and the pipeline of GitLab, whose steps are run as they are written

INSTALL = "Install"


def steps(workflow: Path, job: str) -> str:
    """Return the commands of a job, without those that install."""
    body = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"][job]
    return "\n".join(step["run"] for step in body["steps"] if "run" in step and step["name"] != INSTALL)


def test_the_workflow_of_github(team, sandbox):
    """The plan stands in one comment, which each push replaces; what was read is what the merge applies."""
    workflow = team.laptop / ".github/workflows/audiform.yml"
    variables = {
        "ENVIRONMENT": "production",
        "PULL_REQUEST": "7",
        "GITHUB_REPOSITORY": "a/b",
        "GITHUB_SHA": "c",
    }
    (team.shared / "number").write_text("7\n", encoding="utf-8")
    team.git("switch", "--quiet", "--create", "first")
    team.edit("bindings.yaml", "Win-back", "Win them back")
    team.push("Say it in words")

    assert 0 == team.job("first", steps(workflow, "check"), **variables).code
    for comment in ("Win them back", "Come back"):
        planned = team.job("first", steps(workflow, "plan"), **variables)
        assert 0 == planned.code, planned.text
        copied(team, "plan-7", "plan.json")
        assert comment in (team.shared / "comment.md").read_text(encoding="utf-8")
        if comment != "Come back":
            team.edit("bindings.yaml", "Win them back", "Come back")
            team.push("Say it shorter")
    team.git("switch", "--quiet", "main")
    team.git("merge", "--quiet", "first")
    team.git("push", "--quiet")
    applied = team.job("main", steps(workflow, "apply"), **variables)

    assert 0 == applied.code, applied.text
    assert 0 < people(sandbox)


def test_the_pipeline_of_gitlab(team, sandbox):
    """The merge request has the plan as a page and as a check; `apply` does what the plan of its pipeline says."""
    pipeline: dict[str, Any] = yaml.safe_load(
        (team.laptop / ".gitlab/audiform.yml").read_text(encoding="utf-8")
    )
    scripts = {
        name.removeprefix("audiform "): "\n".join(body["script"])
        for name, body in pipeline.items()
        if name.startswith("audiform ")
    }
    assert ["check", "plan", "apply", "drift"] == list(scripts)
    whole = "\n".join([scripts["check"], scripts["plan"], "ls plan.html plan.xml", scripts["apply"]])
    done = team.job("main", whole, ENVIRONMENT="production")

    assert 0 == done.code, done.text
    assert 0 < people(sandbox)


def test_what_is_made_is_the_projects_own(team):
    """Secrets, environment and extra are those of the project, and nothing is overwritten."""
    text = (team.laptop / ".github/workflows/audiform.yml").read_text(encoding="utf-8")

    assert 2 < text.count("META_ACCESS_TOKEN: ${{ secrets.META_ACCESS_TOKEN }}")
    assert "AUDIFORM: audiform[postgresql]" in text
    assert "ENVIRONMENT: production" in text
    assert 1 == run(["-C", str(team.laptop), "-e", "production", "ci", "init", "github"])
