"""Policies as a user sees them: what is denied, where, in every form, and that nothing was sent."""

from __future__ import annotations

import json
import re
from typing import Any

from audiform.cli.views.plan_formats import FORMATS
from cli.shell import Shell

FEW = {"message": "Ask the CRM team first", "deny": 'change.kind == "binding" and change.adds > 2'}
OWNED = {
    "message": "Say who is asked when something is wrong",
    "effect": "warn",
    "require": {"owner": True},
    "applies_to": {"resources": ["binding.*"]},
}


def bound(shell: Shell, **policies: object) -> Shell:
    """Return the shell with a binding and these policies."""
    shell.bind("buyers_on_mail", "mail")
    shell.write(policies=policies)
    return shell


def sarif(result: dict[str, Any]) -> tuple[Any, ...]:
    """Return what code scanning shows of a result, its file without the folders before it."""
    place = result["locations"][0]["physicalLocation"]
    file = place["artifactLocation"]["uri"].rpartition("/")[2]
    return result["ruleId"], result["level"], result["message"]["text"], file, place["region"]["startLine"]


def test_a_plan_that_is_denied(shell, snapshot):
    """Plan and apply end with 3 and say which policy, why and where; an edited plan file changes nothing of that."""
    bound(shell, few_at_once=FEW, owned=OWNED)
    file = shell.root / "plan.json"

    assert 0 == shell("validate").code, "what only a plan decides"
    planned = shell("plan", "--out", str(file))
    assert snapshot == str(planned)
    assert snapshot == str(shell("apply", "--auto-approve"))
    assert snapshot == str(shell("apply", "--auto-approve", "--json"))
    plan = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**plan, "policies": {"findings": [], "looked_at": [], "switched_off": {}}}))
    assert snapshot == str(shell("apply", str(file)))
    assert [] == shell.objects("mail")


def test_each_form_of_a_denied_plan(shell, snapshot):
    """Comments, pages, checks and programs are told the policy, its message and the line."""
    bound(shell, few_at_once=FEW, owned=OWNED)
    file = shell.root / "plan.json"
    shell("plan", "--out", str(file))
    forms = [form for form in FORMATS if form != "hash"]
    said = {form: shell("show", str(file), "--format", form).out for form in forms}

    assert [("few_at_once", "deny", "bindings.yaml", 3)] == [
        (item["policy"], item["effect"], item["file"], item["line"])
        for item in json.loads(said["json"])["denied_by"]
    ]
    assert ["policy-deny"] == re.findall(r'<failure .* type="([^"]*)"', said["junit"])
    assert dict.fromkeys(forms, True) == {form: FEW["message"] in text for form, text in said.items()}
    assert snapshot == [sarif(result) for result in json.loads(said["sarif"])["runs"][0]["results"]]
    assert snapshot == [line for line in said["markdown"].splitlines() if "policy" in line]
    assert snapshot == said["html"][said["html"].index('<section class="stop">') :].split("</section>")[0]


def test_what_the_configuration_decides_is_known_to_validate(shell, snapshot):
    """Its exit code is that of a denial; nothing of it needs a state or a platform."""
    bound(shell, no_mails={"message": "Ads get no addresses", "forbid": {"identifiers": ["email"]}})

    assert snapshot == str(shell("validate"))


def test_a_policy_that_cannot_be_evaluated_stops_the_plan(shell, snapshot):
    """It is an error, and not a pass: exit code 1, and nothing is sent."""
    bound(shell, typo={**FEW, "deny": "change.ads > 2"})

    assert 1 == shell("plan").code
    assert snapshot == str(shell("apply", "--auto-approve", "--json"))
    assert [] == shell.objects("mail")


def test_policies_come_change_and_go_in_the_plan(shell, snapshot):
    """Whoever reviews a plan sees which policies it loosens; what was applied is not planned again."""
    bound(shell, few_at_once={**FEW, "deny": "change.adds > 200"}, owned=OWNED)
    first = shell("apply", "--auto-approve")
    assert (0, 3) == (first.code, len(shell.members("mail", "Buyers on mail")))
    assert "No changes" in shell("plan").out

    shell.write(policies={"few_at_once": {**FEW, "deny": "change.adds > 5000", "enabled": False}})

    assert snapshot == str(shell("plan"))


def test_a_built_in_policy_is_switched_off_in_the_open(shell, snapshot):
    """A protected environment denies what has no consent, until the project says why not; the plan shows that."""
    (shell.root / "environments").mkdir()
    (shell.root / "environments" / "default.yaml").write_text("protected: true\n", encoding="utf-8")
    audiences = json.loads((shell.root / "audiences.yaml").read_text(encoding="utf-8"))["audiences"]
    del audiences["buyers"]["consent"]
    shell.write(audiences=audiences)
    shell.bind("buyers_on_ads")
    allowed = "project: shop\npolicy:\n  custom_connectors: allowed\n"
    (shell.root / "audiform.yaml").write_text(allowed, encoding="utf-8")
    assert snapshot == str(shell("validate"))

    off = f"{allowed}  switched_off: {{consent_required: Only members are kept}}\n"
    (shell.root / "audiform.yaml").write_text(off, encoding="utf-8")
    plan = shell("plan")

    assert 0 == plan.code
    assert "The policy consent_required is switched off: Only members are kept" in plan.out
    (shell.root / "audiform.yaml").write_text(off.replace("required", "requred"), encoding="utf-8")
    assert snapshot == str(shell("validate"))


def test_a_secret_from_a_forbidden_place_is_not_resolved(shell):
    """A command that a policy forbids is not run by the plan that denies it, nor by an apply."""
    connectors = json.loads((shell.root / "connectors.yaml").read_text(encoding="utf-8"))["connectors"]
    connectors["mail"]["credentials"] = {"private_key": {"from_command": ["touch", "was_run"]}}
    shell.write(connectors=connectors)
    bound(shell, no_commands={"message": "No", "forbid": {"secret_sources": ["from_command"]}})
    plan = shell("plan")

    assert (3, 3) == (plan.code, shell("apply", "--auto-approve").code)
    assert "note: no secret was resolved and no platform was asked" in plan.out
    assert not (shell.root / "was_run").exists()
