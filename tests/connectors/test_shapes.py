"""Requests and answers of a form that only some platforms have."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.connectors.manifest import Errors, RequestTemplate, ResponseTemplate
from audiform.connectors.request import build
from audiform.connectors.response import classify
from audiform.outcome import Category, OutcomeKind, Response
from audiform.sandbox.answers import Refused, gone, success


def kind(errors: Errors | None = None) -> ConnectorType:
    """Return a type that reads per-record errors as `errors` says."""
    shipped = Catalog(None).get("meta_custom_audiences")
    return replace(
        shipped, manifest=shipped.manifest.model_copy(update={"errors": errors or Errors(), "outcomes": ()})
    )


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    """Return an answer as the transport hands it over."""
    return Response(status, headers, json.dumps(body).encode())


def test_an_id_is_read_from_a_header() -> None:
    """What stands in a header only is found there, and its absence is a failure as it is in a body."""
    template = ResponseTemplate(status=201, headers={"X-Made-Id": "{{ destination.id }}"})

    outcome = classify(kind(), template, Response(201, {"x-made-id": "77"}))
    assert "77" == outcome.extracted["destination.id"]
    assert OutcomeKind.FAILED is classify(kind(), template, Response(201)).kind


def test_an_entry_for_every_record_names_the_refused_by_their_place() -> None:
    """Where each record has an entry, those that do not say accepted are the records of their places."""
    errors = Errors(record_path="done", record_message="why", record_accepted={"status": [200, 201]})
    body = {"done": [{"status": 201}, {"status": 400, "why": "no such form"}, {"status": 200}]}

    outcome = classify(kind(errors), ResponseTemplate(), answer(body))
    assert [(1, "no such form")] == [(error.index, error.message) for error in outcome.rejected]
    assert 1 == outcome.rejected_count


def test_entries_that_name_no_record_are_counted() -> None:
    """Where a list of errors says neither index nor identifier, it still says how many were refused."""
    errors = Errors(record_path="failed", record_message="why")
    body = {"failed": [{"why": "no such form"}, {"why": "no such kind"}]}

    outcome = classify(kind(errors), ResponseTemplate(), answer(body))
    assert (OutcomeKind.ACCEPTED, (), 2) == (outcome.kind, outcome.rejected, outcome.rejected_count)


def test_the_sandbox_gives_every_record_its_entry() -> None:
    """The stand-in answers in the form that the client reads: accepted and refused, in order."""
    errors = Errors(record_path="done", record_message="why", record_accepted={"status": [201]})
    told = success(ResponseTemplate(), {"result": {"received": 3}}, errors, [Refused(1, "", "no such form")])

    assert {"done": [{"status": 201}, {"why": "no such form"}, {"status": 201}]} == json.loads(told.body)


def test_a_success_can_say_that_the_object_does_not_exist() -> None:
    """An empty answer to a question for one object means that it is not there, where the manifest says so."""
    template = ResponseTemplate(
        body={"found": [{"id": "{{ destination.id }}"}]}, missing={"found": [[], None]}
    )

    assert Category.DESTINATION_MISSING is classify(kind(), template, answer({"found": []})).category
    assert classify(kind(), template, answer({"found": [{"id": "7"}]})).ok
    told = gone(template)
    assert Category.DESTINATION_MISSING is classify(kind(), template, Response(200, {}, told.body)).category


def test_rows_are_joined_into_one_text() -> None:
    """Rows that a platform wants as one text stand in it with the separator in between."""
    template = RequestTemplate(method="POST", path="/x", body={"all": "{{ rows }}"}, rows_joined_by=",")
    scope = {"settings": {"api_version": "v1"}}

    request = build(kind(), template, scope, b'"a","b\\"c"')
    assert {"all": 'a,b"c'} == json.loads(request.body or b"")
