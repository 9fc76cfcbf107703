"""What an answer may leave out, write in another way, or say with an error's status, and is understood all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audiform.connectors.catalog import Catalog
from audiform.connectors.manifest import Errors, OutcomeRule, ResponseTemplate
from audiform.connectors.response import classify
from audiform.outcome import Category, Outcome, OutcomeKind, Response

KIND = Catalog().get("klaviyo_lists")
LISTS = {
    "body": {"lists": "{{ destinations }}", "meta": {"next": "{{ page.next }}"}},
    "items": {"destinations": {"id": {"integer": "{{ destination.id }}"}}},
}


def read(
    template: dict[str, Any], body: Any, status: int = 200, rows: bytes | None = None, **manifest: Any
) -> Outcome:
    """Return what an answer means to a type with parts of its own."""
    kind = type(KIND)(
        KIND.name,
        KIND.manifest.model_copy(update={"outcomes": (), "errors": Errors(), **manifest}),
        KIND.folder,
        custom=False,
        digest="",
    )
    return classify(
        kind,
        ResponseTemplate.model_validate(template),
        Response(status, {}, json.dumps(body).encode()),
        rows=rows,
    )


@pytest.mark.parametrize("meta", [{"next": None}, {"self": "here"}, {}, None])
def test_a_last_page_may_leave_its_link_out(meta):
    """An object in an answer that has nothing of what is asked for is no fault: there is no next page."""
    outcome = read(LISTS, {"lists": [{"id": 1}], "meta": meta})
    assert OutcomeKind.ACCEPTED is outcome.kind
    assert ({"destination.id": "1"},) == outcome.extracted["destinations"]
    assert "page.next" not in outcome.extracted


def test_an_answer_of_another_form_is_still_a_failure():
    """An answer that has nothing at all of what is promised is not taken for a success."""
    assert OutcomeKind.FAILED is read(LISTS, {"something": "else"}).kind


def test_a_list_may_be_an_object():
    """An object whose keys are the entries' names is read as a list of key and value."""
    template = {
        "body": {"result": "{{ lookups }}"},
        "items": {"lookups": {"key": "{{ lookup.key }}", "value": {"id": "{{ lookup.id }}"}}},
        "keyed": ["lookups"],
    }
    outcome = read(template, {"result": {"a@example.com": {"id": "1"}, "b@example.com": {"id": "2"}}})
    assert [("a@example.com", "1"), ("b@example.com", "2")] == [
        (entry["lookup.key"], entry["lookup.id"]) for entry in outcome.extracted["lookups"]
    ]


def test_an_error_that_an_operation_names_is_its_success():
    """A status that a response lists is a success of this operation, whatever the rules say of it elsewhere."""
    rule = OutcomeRule(status=404, outcome=OutcomeKind.REJECTED, category=Category.INVALID_RECORD)
    assert OutcomeKind.ACCEPTED is read({"status": (200, 404)}, {}, 404, outcomes=(rule,)).kind
    assert OutcomeKind.REJECTED is read({"status": 200}, {}, 404, outcomes=(rule,)).kind
    assert OutcomeKind.REJECTED is read({"status": "2xx"}, {}, 404, outcomes=(rule,)).kind


def test_a_rule_still_comes_before_a_success():
    """An answer whose status is a success and whose body says no is a no."""
    rule = OutcomeRule(status=200, body={"ok": False}, outcome=OutcomeKind.FAILED)
    assert OutcomeKind.FAILED is read({"status": (200, 202)}, {"ok": False}, outcomes=(rule,)).kind


ROWS = b'{"email":"a@example.com"},{"email":"b@example.com"},{"email":"c@example.com"}'


def test_rejected_records_may_stand_in_several_lists():
    """A platform that has a list for each reason is read to the end of each; a record counts once."""
    errors = Errors(record_path=("invalid", "failed.forgotten"), record_identifier=".")
    body = {"invalid": ["c@example.com"], "failed": {"forgotten": ["a@example.com", "c@example.com"]}}
    outcome = read({}, body, rows=ROWS, errors=errors)
    assert [0, 2] == [error.index for error in outcome.rejected]
    assert 2 == outcome.rejected_count


def test_an_entry_may_name_several_records():
    """One message about several people is one about each of them."""
    errors = Errors(record_path="errors", record_identifier="emails.*", record_message="error")
    body = {"errors": [{"emails": ["a@example.com", "b@example.com"], "error": "not there"}]}
    outcome = read({}, body, rows=ROWS, errors=errors)
    assert [(0, "not there"), (1, "not there")] == [(one.index, one.message) for one in outcome.rejected]
