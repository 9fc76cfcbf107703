"""What platforms really answered, recorded some years ago: each answer to something that a type does is read as what it was."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from audiform.cases.model import read_cases
from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.connectors.manifest import ResponseTemplate, SignalOperation
from audiform.connectors.response import classify
from audiform.outcome import Response

SCHEMAS = Path(__file__).parent / "schemas"

KNOWN: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "iterable_lists": (
        "iterable.json",
        {
            "POST /api/lists": "create",
            "GET /api/lists": "find",
            "DELETE /api/lists/[0-9]+": "delete",
            "POST /api/lists/subscribe": "add",
            "POST /api/lists/unsubscribe": "remove",
            "POST /api/users/update": "other",
        },
    ),
    "sendgrid_lists": (
        "sendgrid.json",
        {
            "POST /v3/marketing/lists": "create",
            "GET /v3/marketing/lists": "find",
            "DELETE /v3/marketing/lists/[^/]+": "delete",
            "PUT /v3/marketing/contacts": "add",
            "DELETE /v3/marketing/lists/[^/]+/contacts": "remove",
        },
    ),
    "braze_users": ("braze.json", {"POST /users/track": "add"}),
    # Nothing of segments was recorded of these two: only the form of their errors and of an empty success.
    "mailchimp_segments": ("mailchimp.json", {"GET /3.0/lists/[^/]+/members/[^/]+": "other"}),
    "customerio_segments": ("customerio.json", {"PUT /api/v1/customers/[^/]+": "other"}),
}
"""Type -> its recording, and which of its operations a request stands for (`other`: its errors are the type's too)."""


def template_of(kind: ConnectorType, operation: str) -> ResponseTemplate:
    """Return what the type takes the answer to an operation for."""
    signal = dict[Any, Any](kind.manifest.signals).get(operation)
    if isinstance(signal, SignalOperation):
        return signal.response
    part = None if operation == "other" else getattr(kind.manifest.destination, operation)
    return ResponseTemplate(status="2xx") if part is None else part.response


def operation_of(operations: Mapping[str, str], exchange: Mapping[str, Any]) -> str | None:
    """Return the operation that a recorded request stands for."""
    path = exchange["url"].partition("://")[2].partition("/")[2].partition("?")[0]
    asked = f"{exchange['method']} /{path}"
    return next((name for pattern, name in operations.items() if re.fullmatch(pattern, asked)), None)


def meaning(kind: ConnectorType, operation: str, exchange: Mapping[str, Any]) -> str:
    """Return what the classifier makes of an answer."""
    answer = exchange["response"]
    body = b"" if answer == "" else json.dumps(answer).encode()
    outcome = classify(kind, template_of(kind, operation), Response(exchange["status"], {}, body))
    said = f" ({outcome.category}: {outcome.message})" if outcome.category else ""
    refused = f", {outcome.rejected_count} rejected" if outcome.rejected_count else ""
    names = sorted(name for name, value in outcome.extracted.items() if value is not None)
    return f"{exchange['status']} -> {outcome.kind}{said}{refused}" + (
        f" with {', '.join(names)}" if names else ""
    )


@pytest.mark.parametrize("name", KNOWN)
def test_recorded_answers_are_understood(name: str, shared: Path, snapshot) -> None:
    """Each kind of answer is read as what it was; the reading was reviewed one by one."""
    kind = Catalog().get(name)
    file, operations = KNOWN[name]
    recorded = json.loads((shared / "recorded" / file).read_text(encoding="utf-8"))
    read = {
        f"{operation}: {meaning(kind, operation, exchange)}"
        for exchange in recorded["exchanges"]
        if (operation := operation_of(operations, exchange)) is not None
    }

    assert snapshot == sorted(read)


def test_attributes_for_braze_have_the_documented_form() -> None:
    """What Braze's specification leaves open is what its page on the attributes object describes."""
    schema = json.loads((SCHEMAS / "braze_attributes.schema.json").read_text(encoding="utf-8"))
    bodies = [
        exchange.request.body
        for _, case in read_cases(Catalog().get("braze_users").folder)
        if case.do != "erase"
        for exchange in case.exchanges
    ]

    assert len(bodies) > 5
    for body in bodies:
        jsonschema.validate(body, schema)


@pytest.mark.parametrize(
    "wrong",
    [
        {"external_id": 1},
        {"email": "a@example.com"},
        {"external_id": "u", "audiences": {"$add": ["vip"]}},
        {"external_id": "u", "audiences": {"add": []}},
        {"external_id": "u", "_update_existing_only": "true"},
        {"external_id": "u", "phone": "0151"},
    ],
)
def test_other_attributes_do_not(wrong: Mapping[str, Any]) -> None:
    """The schema has teeth: what Braze would not understand is seen."""
    schema = json.loads((SCHEMAS / "braze_attributes.schema.json").read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"attributes": [wrong]}, schema)
