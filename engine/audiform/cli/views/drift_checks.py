"""Drift for checks: JUnit's XML, where each layer of a binding is a case, and SARIF 2.1.0, where findings are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from xml.etree import ElementTree as ET

from audiform import __version__
from audiform.cli.views.drift_text import details, summary
from audiform.cli.views.xml_text import xml
from audiform.drift.report import Drift, Drifted, Verdict

_RULES: Final = {
    "object-drift": "The object at the platform is not what was applied",
    "member-drift": "The people at the platform are not those of the ledger",
    "no-answer": "A platform did not answer",
}
_LAYERS = (("object", "object-drift"), ("members", "member-drift"))


def as_junit(drift: Drift) -> str:
    """Return one suite; drift is a failure, no answer an error, and what cannot be asked is skipped."""
    cases = [case for one in drift.bindings for case in _cases(one)]
    suite = ET.Element(
        "testsuite",
        {
            "name": xml(f"audiform drift: {drift.project}, {drift.environment}"),
            "tests": str(len(cases)),
            "failures": str(sum(case.find("failure") is not None for case in cases)),
            "errors": str(sum(case.find("error") is not None for case in cases)),
            "skipped": str(sum(case.find("skipped") is not None for case in cases)),
            "timestamp": drift.at.isoformat(),
        },
    )
    suite.extend(cases)
    ET.SubElement(suite, "system-out").text = summary(drift)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def as_sarif(drift: Drift) -> dict[str, Any]:
    """Return a SARIF log; findings are at the top of audiform.yaml, with the address beside it."""
    results = [result for one in drift.bindings for result in _results(one)]
    rules = [{"id": name, "shortDescription": {"text": text}} for name, text in _RULES.items()]
    driver = {"name": "audiform drift", "version": __version__, "rules": rules}
    properties = {"project": drift.project, "environment": drift.environment}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "properties": properties, "results": results}],
    }


def _cases(one: Drifted) -> Iterator[ET.Element]:
    for (layer, rule), verdict in zip(_LAYERS, one.verdicts, strict=True):
        case = ET.Element("testcase", {"classname": str(one.address), "name": layer})
        tag = {Verdict.DRIFT: "failure", Verdict.FAILED: "error", Verdict.UNKNOWN: "skipped"}.get(verdict)
        if tag is not None:
            said = xml("; ".join(details(one)))
            ET.SubElement(
                case, tag, {"message": said} if tag == "skipped" else {"message": said, "type": rule}
            )
        yield case


def _results(one: Drifted) -> Iterator[dict[str, Any]]:
    said = "; ".join(details(one))
    for (_, rule), verdict in zip(_LAYERS, one.verdicts, strict=True):
        if verdict is Verdict.DRIFT:
            yield _result(rule, "warning", said, one)
        elif verdict is Verdict.FAILED:
            yield _result("no-answer", "error", said, one)


def _result(rule: str, level: str, text: str, one: Drifted) -> dict[str, Any]:
    return {
        "ruleId": rule,
        "ruleIndex": list(_RULES).index(rule),
        "level": level,
        "message": {"text": f"{one.address}: {text}"},
        "partialFingerprints": {"address/v1": f"{one.address} {rule}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "audiform.yaml"},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [{"fullyQualifiedName": str(one.address), "kind": "resource"}],
            }
        ],
    }
