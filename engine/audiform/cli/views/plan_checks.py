"""A plan for checks: JUnit's XML, where each resource and each guard is a case, and SARIF 2.1.0, where findings are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import quote
from xml.etree import ElementTree as ET

from audiform import __version__
from audiform.cli.views.plan_text import WORDS, actions_line, partial_lines, people_line
from audiform.cli.views.shown import Shown, json_text
from audiform.cli.views.xml_text import xml
from audiform.execution.policies import said
from audiform.plan.effect import plan_hash
from audiform.plan.guard import approval, people
from audiform.plan.plan import Change, Finding, GuardResult, Plan
from audiform.plan.summary import is_destructive, is_unknown

_RULES: Final = {
    "guard": "A guard stops the plan",
    "ends": "Something ends, or everybody is removed or known otherwise",
    "people-unknown": "How many people move is not known",
    "approved": "A guard was approved",
    "denied": "A policy denies the plan",
    "warned": "A policy warns of the plan",
}


def as_junit(plan: Plan) -> str:
    """Return one suite; a guard that stops the plan is a failure, and so is each denial of a policy."""
    cases = [case for change in plan.changes for case in _cases(change)]
    cases += [case for name in plan.policies.looked_at for case in _policy_cases(plan, name)]
    head = {
        "name": xml(f"audiform plan: {plan.project}, {plan.environment}"),
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "timestamp": plan.created.isoformat(),
    }
    suite = ET.Element("testsuite", head)
    properties = ET.SubElement(suite, "properties")
    for name, value in (("plan_hash", plan_hash(plan)), ("tool", plan.tool)):
        ET.SubElement(properties, "property", {"name": name, "value": xml(value)})
    suite.extend(cases)
    part = "".join(f"\n{line}" for line in partial_lines(plan))
    ET.SubElement(suite, "system-out").text = xml(f"{actions_line(plan)}. {people_line(plan)}{part}")
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def as_sarif(plan: Plan, file: str, folder: PurePosixPath) -> dict[str, Any]:
    """Return a SARIF log.

    Of changes a plan knows no lines, so they are at the top of `file`, with the address beside it. Findings of policies
    have a line of the project, which is in `folder`.
    """
    results = [result for change in plan.changes for result in _results(change, file)]
    results += [_finding(finding, file, folder) for finding in plan.policies.findings]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "audiform plan",
                        "version": __version__,
                        "rules": [
                            {"id": name, "shortDescription": {"text": text}} for name, text in _RULES.items()
                        ],
                    }
                },
                "properties": {
                    "plan_hash": plan_hash(plan),
                    "project": plan.project,
                    "environment": plan.environment,
                    **({"partial": partial_lines(plan)} if plan.partial else {}),
                },
                "results": results,
            }
        ],
    }


def _cases(change: Change) -> Iterator[ET.Element]:
    case = ET.Element("testcase", {"classname": change.address.kind.value, "name": f"{change.address}"})
    ET.SubElement(case, "system-out").text = xml(_said(change))
    yield case
    for result in change.guards:
        guard = ET.Element("testcase", {"classname": f"{change.address}", "name": xml(result.name)})
        if not result.ok and not result.approved:
            option = approval(result)
            text = xml(result.detail + (f"\napprove it with {option}" if option else ""))
            ET.SubElement(guard, "failure", {"message": xml(result.detail), "type": "guard"}).text = text
        yield guard


def _policy_cases(plan: Plan, name: str) -> Iterator[ET.Element]:
    """Yield a case for a policy: with a failure for each thing that it denies."""
    case = ET.Element("testcase", {"classname": "policy", "name": name})
    for finding in plan.policies.findings:
        if finding.policy != name:
            continue
        text = xml(f"{said(finding)}\n{finding.message}")
        if finding.effect == "warn":
            ET.SubElement(case, "system-out").text = text
        else:
            attributes = {"message": xml(finding.detail), "type": f"policy-{finding.effect}"}
            ET.SubElement(case, "failure", attributes).text = text
    yield case


def _finding(finding: Finding, file: str, folder: PurePosixPath) -> dict[str, Any]:
    rule, level = ("warned", "warning") if finding.effect == "warn" else ("denied", "error")
    where = (folder / finding.file).as_posix() if finding.file else file
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(where)},
            "region": {"startLine": finding.line or 1},
        }
    }
    if finding.address:
        place["logicalLocations"] = [{"fullyQualifiedName": str(finding.address), "kind": "resource"}]
    return {
        "ruleId": rule,
        "ruleIndex": list(_RULES).index(rule),
        "level": level,
        "message": {"text": f"{finding.policy}: {finding.detail}. {finding.message}"},
        "partialFingerprints": {"address/v1": f"{finding.address} {finding.policy} {rule}"},
        "locations": [place],
    }


def _results(change: Change, file: str) -> Iterator[dict[str, Any]]:
    if is_destructive(change):
        yield _result("ends", "warning", _said(change), change, file)
    if change.impact and is_unknown(change.impact):
        yield _result("people-unknown", "note", _said(change), change, file)
    for result in change.guards:
        if result.approved:
            yield _result("approved", "note", f"{result.name}: {result.detail}", change, file)
        elif not result.ok:
            yield _result("guard", "error", _stopped(result), change, file)


def _stopped(result: GuardResult) -> str:
    option = approval(result)
    return f"{result.name}: {result.detail}." + (f" Approve it with {option}." if option else "")


def _said(change: Change) -> str:
    """Say in one line what happens to a resource and to its people."""
    said = f"{change.address}: {WORDS.get(change.action, 'no change')}"
    if change.reason:
        said += f" ({change.reason})"
    if change.impact:
        impact = change.impact
        moves = (("adds", impact.adds), ("removes", impact.removes), ("modifies", impact.modifies))
        said += f"; {', '.join(f'{name} {people(figure)}' for name, figure in moves)}"
    return said


def _result(rule: str, level: str, text: str, change: Change, file: str) -> dict[str, Any]:
    return {
        "ruleId": rule,
        "ruleIndex": list(_RULES).index(rule),
        "level": level,
        "message": {"text": text},
        "partialFingerprints": {"address/v1": f"{change.address} {rule}"},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": quote(file)}, "region": {"startLine": 1}},
                "logicalLocations": [{"fullyQualifiedName": str(change.address), "kind": "resource"}],
            }
        ],
    }


def as_junit_text(plan: Plan, _: Shown) -> str:
    """Return the test report, which is the same however it was asked for."""
    return as_junit(plan)


def as_sarif_text(plan: Plan, shown: Shown) -> str:
    """Return the findings as SARIF text, with their places as seen from where the command runs."""
    return json_text(as_sarif(plan, shown.file, shown.folder))
