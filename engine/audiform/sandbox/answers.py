"""Answers as the manifest says that the platform gives them: successes filled in, errors made from outcome rules.

An error is the first of the manifest's rules (or the standard status) whose answer the engine itself would
read as the wanted category: what the sandbox says and what the client understands cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audiform.connectors.catalog import ConnectorType
from audiform.connectors.manifest import Errors, Manifest, ResponseTemplate
from audiform.connectors.paths import put_at
from audiform.connectors.request import texts
from audiform.connectors.response import classify
from audiform.connectors.template import MISSING, references, render
from audiform.outcome import Category, OutcomeKind, Response, Then
from audiform.sandbox.wire import Answer, answer_json
from audiform.shapes import Json

_STATUS = {
    Category.INVALID_CREDENTIALS: 401,
    Category.PERMISSION_DENIED: 403,
    Category.DESTINATION_MISSING: 404,
    Category.INVALID_REQUEST: 400,
    Category.INVALID_RECORD: 400,
    Category.RATE_LIMITED: 429,
    Category.UNAVAILABLE: 500,
    Category.TIMEOUT: 504,
    Category.OTHER: 400,
}
_CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Refused:
    """One record that the platform does not take: its 0-based index, a value of it, and why."""

    index: int
    identifier: str
    message: str


def success(
    template: ResponseTemplate, scope: Mapping[str, Any], errors: Errors, refused: Sequence[Refused] = ()
) -> Answer:
    """Return the answer of `template`. `scope` is nested; its lists are already rendered with `entries`."""
    told = [_entry(template, scope, item) for item in refused]
    filled = {
        **scope,
        "errors": _as_written(template, "errors", told) if "errors" in template.items else None,
    }
    body: Any = render(template.body, filled) if template.body is not None else MISSING
    if body is MISSING:
        body = None if template.body is None else {}
    listed = _listed(errors, refused, scope.get("result", {}).get("received", 0))
    if listed and errors.record_paths and "errors" not in template.items:
        body = put_at(body if body is not None else {}, errors.record_paths[0].split("."), listed)
    status = _success_status(template)
    headers = dict(texts(template.headers, scope))
    return Answer(status, headers=headers) if body is None else answer_json(status, body, headers)


def gone(template: ResponseTemplate) -> Answer:
    """Return the success of `template` that says that the object does not exist."""
    body: Any = {}
    for path, condition in template.missing.items():
        value = _value_for(condition)
        body = body if value is MISSING else put_at(body, path.split("."), value)
    return answer_json(_success_status(template), body)


def entries(template: ResponseTemplate, name: str, scopes: Sequence[Mapping[str, Any]]) -> Any:
    """Return what stands for `{{ name }}` in the body: one entry per scope."""
    rendered = [render(template.items.get(name, {}), scope) for scope in scopes]
    return _as_written(template, name, [entry for entry in rendered if entry is not MISSING])


def tells_errors(template: ResponseTemplate, errors: Errors) -> bool:
    """Whether a success of this shape can say that records were rejected."""
    return (
        "errors" in template.items
        or "result.invalid" in references(template.body)
        or bool(errors.record_paths)
    )


def failure(
    connector_type: ConnectorType, category: Category, message: str, headers: Mapping[str, str] | None = None
) -> Answer:
    """Return an error answer that the engine reads as `category`, as near to it as the manifest allows."""
    found = list(_failures(connector_type, category, message, headers or {}))
    fitting = (answer for answer in found if _category(connector_type, answer) is category)
    return next(fitting, found[-1])


def outdated(connector_type: ConnectorType, message: str) -> Answer:
    """Return the refusal after which the engine reads the state of the members again."""
    manifest = connector_type.manifest
    rule = next((rule for rule in manifest.outcomes if rule.then is Then.READ_AGAIN), None)
    if rule is None:
        return failure(connector_type, Category.INVALID_REQUEST, message)
    status = _concrete(rule.status) or _CONFLICT
    return answer_json(status, _error_body(rule.body, manifest, message, status))


def can_fail_with(connector_type: ConnectorType, category: Category) -> bool:
    """Whether the manifest has a rule of this category."""
    return any(rule.category is category for rule in connector_type.manifest.outcomes)


def _failures(
    connector_type: ConnectorType, category: Category, message: str, headers: Mapping[str, str]
) -> Iterator[Answer]:
    manifest = connector_type.manifest
    for rule in manifest.outcomes:
        if rule.category is category and rule.outcome not in (OutcomeKind.ACCEPTED, OutcomeKind.PENDING):
            status = _concrete(rule.status) or _STATUS[category]
            yield answer_json(status, _error_body(rule.body, manifest, message, status), headers)
    yield answer_json(_STATUS[category], _error_body({}, manifest, message, _STATUS[category]), headers)


def _category(connector_type: ConnectorType, answer: Answer) -> Category | None:
    response = Response(
        answer.status, {name.lower(): text for name, text in answer.headers.items()}, answer.body
    )
    return classify(connector_type, ResponseTemplate(status=299), response).category


def _error_body(conditions: Mapping[str, Any], manifest: Manifest, message: str, status: int) -> Any:
    """Return a body that meets the conditions, with the message and a code where the platform puts them."""
    body: Any = {}
    errors = manifest.errors
    wanted = {path: _value_for(condition) for path, condition in conditions.items()}
    for path, value in wanted.items():
        if value is not MISSING:
            body = put_at(body, path.split("."), value)
    if errors.message and not any(path in wanted for path in errors.message):
        body = put_at(body, errors.message[0].split("."), message)
    if errors.code and not any(path in wanted for path in errors.code):
        body = put_at(body, errors.code[0].split("."), _code(manifest, status))
    return body


def _code(manifest: Manifest, status: int) -> int | str:
    """Return a code of no meaning: a text where the codes that the manifest knows are texts."""
    paths = {_any_entry(path) for path in manifest.errors.code}
    known = [
        condition
        for rule in manifest.outcomes
        for path, condition in rule.body.items()
        if _any_entry(path) in paths
    ]
    return str(status) if any(isinstance(_value_for(code), str) for code in known) else status


def _any_entry(path: str) -> str:
    return ".".join("*" if part.isdigit() else part for part in path.split("."))


def _value_for(condition: Json) -> Any:
    """Return a value that meets a rule's condition; MISSING where it asks for none."""
    match condition:
        case {"exists": False}:
            return MISSING
        case {"exists": True}:
            return "sandbox"
        case list() | tuple():
            return condition[0]
        case _:
            return condition


def _concrete(status: int | str | tuple[int, ...] | None) -> int | None:
    match status:
        case int():
            return status
        case str():
            return int(status.lower().replace("x", "0"))
        case tuple():
            return status[0]
        case _:
            return None


def _success_status(template: ResponseTemplate) -> int:
    return _concrete(template.status) or 200


def _as_written(template: ResponseTemplate, name: str, listed: list[Any]) -> Any:
    return {entry["key"]: entry["value"] for entry in listed} if name in template.keyed else listed


def _entry(template: ResponseTemplate, scope: Mapping[str, Any], item: Refused) -> Any:
    error = {
        "index": item.index,
        "identifier": item.identifier,
        "message": item.message,
        "code": "invalid",
        "count": 1,
    }
    return render(template.items.get("errors", {}), {**scope, "error": error})


def _listed(errors: Errors, refused: Sequence[Refused], size: int) -> list[Any]:
    """Return the list of per-record errors: of those that were refused, or an entry for every record."""
    if errors.record_accepted is None:
        return [_plain(errors, item) for item in refused]
    told = {item.index: _plain(errors, item) for item in refused}
    accepted: Any = {}
    for path, condition in errors.record_accepted.items():
        accepted = put_at(accepted, path.split("."), _value_for(condition))
    return [told.get(index, accepted) for index in range(size)]


def _plain(errors: Errors, item: Refused) -> Any:
    entry: Any = {}
    paths = {
        errors.record_index: item.index,
        errors.record_identifier: item.identifier,
        errors.record_message: item.message,
    }
    for path, value in paths.items():
        if path == ".":
            return value
        if path is not None:
            entry = put_at(entry, path.split("."), value)
    return entry
