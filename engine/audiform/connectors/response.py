"""From an operation and an HTTP answer to what it means: pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from audiform.connectors.catalog import ConnectorType
from audiform.connectors.manifest import Errors, OutcomeRule, RefusedRecords, ResponseTemplate
from audiform.connectors.masking import mask
from audiform.connectors.standard import remedy_of, retry_after, standard_outcome
from audiform.connectors.template import Bindings, references, unify, unify_texts
from audiform.outcome import Category, Outcome, OutcomeKind, RecordError, Response
from audiform.shapes import Json, is_list, is_map

_ESSENTIAL = ("destination.id", "job.id", "job.status", "upload.id")
"""References without which nothing can go on, where the template names them."""
_LARGEST_CODE = 10_000_000
_UNREADABLE = object()


def classify(
    connector_type: ConnectorType,
    template: ResponseTemplate,
    response: Response,
    *,
    rows: bytes | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Return what `response` means for the request whose answer `template` describes.

    The manifest's rules come first, then the standard ones. `rows`: the batch's rows as they were sent, to
    find the index of a record that the platform names by its identifier. `now`: for a Retry-After date.
    """
    now = now or datetime.now(UTC)
    manifest = connector_type.manifest
    if response.status == 0:
        return standard_outcome(response, "", now)
    body = _json(response.body)
    message = _message(manifest.errors, body)
    rules = () if _is_named_error(template.status, response.status) else manifest.outcomes
    rule = next((rule for rule in rules if _applies(rule, response.status, body)), None)
    if rule is not None and rule.outcome not in (OutcomeKind.ACCEPTED, OutcomeKind.PENDING):
        return _ruled(rule, response, message, body, now)
    if rule is None and not _has_status(template.status, response.status):
        return standard_outcome(response, message or _unexpected(template, response.status), now)
    if template.missing and _meets_all(body, template.missing):
        return _missing(response)
    return _success(manifest.errors, template, response, body, rule, rows)


def values_at(body: Any, path: str) -> Iterator[Any]:
    """Yield what the dotted `path` finds in JSON data: list entries by number, `*` for each of them."""
    found = [body]
    for part in path.split("."):
        found = [inner for value in found for inner in _step(value, part)]
    yield from found


def _step(value: Json, part: str) -> Iterator[Any]:
    match value:
        case dict() if part in value:
            yield value[part]
        case list() if part == "*":
            yield from value
        case list() if part.isdigit() and int(part) < len(value):
            yield value[int(part)]
        case _:
            pass


def _json(body: bytes) -> Any:
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return _UNREADABLE


def _applies(rule: OutcomeRule, status: int, body: Any) -> bool:
    return _has_status(rule.status, status) and _meets_all(body, rule.body)


def _meets_all(body: Any, conditions: Mapping[str, Any]) -> bool:
    return all(_meets(body, path, wanted) for path, wanted in conditions.items())


def _has_status(wanted: int | str | tuple[int, ...] | None, status: int) -> bool:
    match wanted:
        case None:
            return True
        case int():
            return wanted == status
        case str():
            return wanted[0] == str(status)[0]
        case _:
            return status in wanted


def _is_named_error(wanted: int | str | tuple[int, ...], status: int) -> bool:
    """Whether an operation names an error's status as a success of its own: 404 where somebody is gone already."""
    return status >= 400 and not isinstance(wanted, str) and _has_status(wanted, status)  # noqa: PLR2004 - an error


def _meets(body: Any, path: str, wanted: Any) -> bool:
    found = list(values_at(body, path))
    match wanted:
        case {"exists": bool() as exists}:
            return bool(found) is exists
        case list() | tuple():
            return any(value in wanted for value in found)
        case _:
            return any(value == wanted for value in found)


def _message(errors: Errors, body: Any) -> str:
    text = next((value for path in errors.message for value in values_at(body, path) if value), "")
    code = next((value for path in errors.code for value in values_at(body, path) if value is not None), None)
    message = mask(text)
    return f"{message} (code {_shown(code)})".lstrip() if code is not None else message


def _shown(code: Any) -> str:
    """Return an error code. Seven digits may be a telephone number in a text, but no number that is a code."""
    return str(code) if isinstance(code, int) and abs(code) < _LARGEST_CODE else mask(code)


def _ruled(rule: OutcomeRule, response: Response, message: str, body: Any, now: datetime) -> Outcome:
    kind, category = rule.outcome, rule.category
    refused = _refused(rule.records, body) if rule.records else ()
    if rule.records and not refused:
        # The rule looked for records, but the platform complains about something else.
        kind, category = OutcomeKind.FAILED, category or Category.INVALID_REQUEST
    fallback = Category.INVALID_RECORD if kind is OutcomeKind.REJECTED else Category.OTHER
    category = category or fallback
    return Outcome(
        kind,
        category,
        f"HTTP {response.status}: {message}" if message else f"HTTP {response.status}",
        remedy=rule.remedy or remedy_of(category),
        status=response.status,
        retry_after=retry_after(response.headers, now) if kind is OutcomeKind.RETRY else None,
        then=rule.then,
        rejected=refused,
        rejected_count=len(refused),
    )


def _refused(records: RefusedRecords, body: Any) -> tuple[RecordError, ...]:
    """Return the records that a refusal of the whole batch names, each once."""
    found: dict[int, RecordError] = {}
    for entries in values_at(body, records.path):
        for entry in entries if is_list(entries) else ():
            index = _index_in(records, _first(entry, records.index))
            if index is not None:
                text = _first(entry, records.message) if records.message else ""
                found.setdefault(index, RecordError(index, Category.INVALID_RECORD, mask(text)))
    return tuple(found[index] for index in sorted(found))


def _index_in(records: RefusedRecords, value: Any) -> int | None:
    """Return the index that a pointer holds."""
    candidates = [value, *((unify(pointer, value) or {}).get("error.index") for pointer in records.pointers)]
    return next(
        (int(text) for text in candidates if isinstance(text, int | str) and str(text).isdigit()), None
    )


def _refused_inside(response: Response, rejected: Sequence[RecordError]) -> Outcome:
    category, message = Category.INVALID_REQUEST, f"HTTP {response.status}: {rejected[0].message}"
    return Outcome(OutcomeKind.FAILED, category, message, remedy=remedy_of(category), status=response.status)


def _missing(response: Response) -> Outcome:
    category, message = Category.DESTINATION_MISSING, f"HTTP {response.status}: there is no such object"
    remedy = remedy_of(category)
    return Outcome(OutcomeKind.FAILED, category, message, remedy=remedy, status=response.status)


def _unexpected(template: ResponseTemplate, status: int) -> str:
    if 300 <= status < 400:  # noqa: PLR2004 - 3xx
        return "a redirect, which is never followed: the request holds people"
    return f"the documentation promises {template.status}" if status < 300 else ""  # noqa: PLR2004 - 2xx


def _success(
    errors: Errors,
    template: ResponseTemplate,
    response: Response,
    body: Any,
    rule: OutcomeRule | None,
    rows: bytes | None,
) -> Outcome:
    found = unify(template.body, _named_part(template.body, body)) if template.body is not None else {}
    if found is not None and template.headers:
        names = {name.lower(): text for name, text in template.headers.items()}
        found |= unify_texts(names, response.headers) or {}
    promised = _has_status(template.status, response.status)
    named = references([template.body, dict(template.headers)])
    lacking = [name for name in _ESSENTIAL if name in named and name not in (found or {})]
    extracted = _with_items(template, found or {})
    rejected = record_errors([*extracted.get("errors", ()), *_errors_at(errors, body)], rows)
    if promised and lacking and rejected:
        return _refused_inside(response, rejected)
    if promised and (found is None or lacking):
        what = f"`{lacking[0]}`" if lacking else "the body that the documentation describes"
        message = f"HTTP {response.status}, but without {what}: it is not known whether the platform did it"
        return Outcome(OutcomeKind.FAILED, Category.OTHER, message, status=response.status, unsure=True)
    counted = sum(_count(entry.get("error.count")) for entry in extracted.get("errors", ()))
    counted += _nameless(errors, body)
    return Outcome(
        rule.outcome if rule else OutcomeKind.ACCEPTED,
        rule.category if rule else None,
        status=response.status,
        extracted=extracted,
        rejected=rejected,
        rejected_count=max(_count(extracted.get("result.invalid")), counted, len(rejected)),
    )


def _named_part(template: Json, body: Json) -> Any:
    """Return an answer without the objects in it that have nothing of what the template names there, or are null."""
    if not isinstance(template, Mapping) or not isinstance(body, Mapping):
        return body
    parts = {key: (template.get(key), item) for key, item in body.items()}
    return {
        key: _named_part(inner, item)
        for key, (inner, item) in parts.items()
        if not (is_map(inner) and _says_nothing(inner, item))
    }


def _says_nothing(template: Mapping[str, Any], item: Any) -> bool:
    return item is None or (is_map(item) and bool(item) and template.keys().isdisjoint(item))


def _count(value: Any) -> int:
    """Return a count that JSON holds as a number or, as protocol buffers do, as text."""
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else 0


def _with_items(template: ResponseTemplate, found: Bindings) -> Bindings:
    """Replace each list by the bindings of its entries; entries of another shape are left out."""
    lists: Bindings = {}
    for name, item in template.items.items():
        entries = found.get(name)
        if name in template.keyed and is_map(entries):
            entries = [{"key": key, "value": value} for key, value in entries.items()]
        read = [unify(item, entry) for entry in entries] if is_list(entries) else []
        lists[name] = tuple(entry for entry in read if entry is not None)
    return {**found, **lists}


def record_errors(entries: Sequence[Mapping[str, Any]], rows: bytes | None) -> tuple[RecordError, ...]:
    """Return the records that entries (`error.index` or `error.identifier`, `error.message`) speak of, in order."""
    if not entries:
        return ()
    index_of = _indexes(rows if any("error.index" not in entry for entry in entries) else None)
    found = {error.index: error for entry in entries for error in _record_errors(entry, index_of)}
    return tuple(found[index] for index in sorted(found))


def _errors_at(errors: Errors, body: Any) -> Iterator[Bindings]:
    for record_path in errors.record_paths:
        for entries in values_at(body, record_path):
            for position, entry in enumerate(entries if is_list(entries) else ()):
                if errors.record_accepted is None:
                    yield from _error_entries(errors, entry)
                elif not _meets_all(entry, errors.record_accepted):
                    yield from ({"error.index": position, **said} for said in _error_entries(errors, entry))


def _nameless(errors: Errors, body: Any) -> int:
    """Return how many records an answer complains about without saying which."""
    if errors.record_index or errors.record_identifier or errors.record_accepted:
        return 0
    lists = (entries for path in errors.record_paths for entries in values_at(body, path))
    return sum(len(entries) for entries in lists if is_list(entries))


def _error_entries(errors: Errors, entry: Any) -> Iterator[Bindings]:
    """Yield what an entry says of its record, or of each of its records where it names several."""
    paths = {"error.index": errors.record_index, "error.message": errors.record_message}
    values = {name: _first(entry, path) for name, path in paths.items() if path is not None}
    said = {name: value for name, value in values.items() if value is not None}
    if errors.record_retry is not None and _meets_all(entry, errors.record_retry):
        said["error.retry"] = True
    named = _all(entry, errors.record_identifier) if errors.record_identifier else []
    for identifier in named or [None]:
        yield said if identifier is None else {**said, "error.identifier": identifier}


def _all(body: Any, path: str) -> list[Any]:
    return [body] if path == "." else list(values_at(body, path))


def _first(body: Any, path: str) -> Any:
    return next(iter(_all(body, path)), None)


def _record_errors(entry: Mapping[str, Any], index_of: Mapping[str, Sequence[int]]) -> Iterator[RecordError]:
    """Yield the entry's records: one by index, or all that have its identifier."""
    code = f" (code {mask(entry['error.code'])})" if "error.code" in entry else ""
    message = mask(entry.get("error.message", "")) + code
    category = Category.RATE_LIMITED if "error.retry" in entry else Category.INVALID_RECORD
    index = entry.get("error.index")
    if isinstance(index, int | str) and str(index).isdigit():
        yield RecordError(int(index), category, message)
        return
    for place in index_of.get(str(entry.get("error.identifier")), ()):
        yield RecordError(place, category, message)


def _indexes(rows: bytes | None) -> Mapping[str, Sequence[int]]:
    """Return value -> indexes of the rows that hold it. Parses the rows: done only for an answer with errors."""
    found: dict[str, list[int]] = {}
    for index, row in enumerate(json.loads(b"[%b]" % rows) if rows else ()):
        for value in _leaves(row):
            found.setdefault(str(value), []).append(index)
    return found


def _leaves(value: Json) -> Iterator[Any]:
    match value:
        case dict():
            for item in value.values():
                yield from _leaves(item)
        case list():
            for item in value:
                yield from _leaves(item)
        case _:
            yield value
