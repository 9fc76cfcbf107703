"""Runs the cases of a connector type: given rows and answers, the requests that go out and what comes of them.

Rows take the way that people take in a sync: SQL normalises them and writes the JSON, the client sends it.
No case has Python of its own; `cases/*.yaml` beside a manifest look like this:

    given:                                    # for every case of the file; each may give more
      settings: {ad_account_id: "1"}
      destination: {id: "77"}
    cases:
      - case: Two people are added
        do: add                               # a signal, an operation of the destination, or check
        rows: [{email: a@b.example}]          # columns are called as the identifiers, or see `identifiers`
        exchanges:
          - request: {method: POST, url: "https://...", headers: {a: b}, body: {...}}
            response: {status: 200, body: {...}}
        outcome: {kind: accepted}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ConfigDict, Field

from audiform.client import ConnectorClient, PlatformError, Rows
from audiform.connectors.catalog import ConnectorType
from audiform.connectors.identifiers import needs_python_sql, normalize, sent_sql
from audiform.connectors.manifest import Identifier, Manifest, SignalOperation
from audiform.connectors.request import needs_records
from audiform.connectors.row import row_sql
from audiform.outcome import Category, Outcome, OutcomeKind, Request, Response
from audiform.transport import FakeTransport
from audiform.wire import RetryPolicy, Timing


class Model(BaseModel):
    """Frozen and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ExpectedRequest(Model):
    """What must go out. Headers are those that must be there; without `body` and `form` there must be none."""

    method: str
    url: str
    headers: Mapping[str, str] = Field(default_factory=dict[str, str])
    body: Any = None
    form: Mapping[str, str] | None = None


class GivenResponse(Model):
    """What comes back. `error` stands for an answer that never arrived."""

    status: int = 0
    headers: Mapping[str, str] = Field(default_factory=dict[str, str])
    body: Any = None
    text: str | None = None
    error: str | None = None


class Exchange(Model):
    """One request and its answer."""

    request: ExpectedRequest
    response: GivenResponse


class Column(Model):
    """Where an identifier comes from, as in an audience."""

    column: str
    region: str | None = None
    already_hashed: bool = False


class Rejected(Model):
    """One record that must be rejected; `message` is a part of its message."""

    index: int
    message: str = ""


class Expected(Model):
    """What must come of it. `message` and `remedy` are parts of the outcome's."""

    kind: OutcomeKind
    category: Category | None = None
    message: str = ""
    remedy: str = ""
    retry_after: float | None = None
    rejected: tuple[Rejected, ...] = ()
    rejected_count: int | None = None
    extracted: Mapping[str, Any] = Field(default_factory=dict[str, Any])


Action = Literal["add", "remove", "modify", "create", "read", "update", "delete", "find", "check"]


class Given(Model):
    """What cases share. `exchanges` come before each case's own: how a token is got."""

    settings: Mapping[str, Any] = Field(default_factory=dict[str, Any])
    destination: Mapping[str, Any] = Field(default_factory=dict[str, Any])
    exchanges: tuple[Exchange, ...] = ()


class Case(Given):
    """One case. `left_out` is the number of rows that have nothing valid to be known by."""

    case: str
    do: Action
    identifiers: Mapping[str, str | Column] = Field(default_factory=dict[str, str | Column])
    variables: Mapping[str, str] = Field(default_factory=dict[str, str])
    rows: tuple[Mapping[str, Any], ...] = ()
    left_out: int = 0
    attempts: int = Field(default=1, ge=1)
    outcome: Expected = Expected(kind=OutcomeKind.ACCEPTED)
    found: tuple[Mapping[str, Any], ...] | None = None


class CaseFile(Model):
    """`cases/*.yaml`."""

    given: Given = Given()
    cases: tuple[Case, ...]


def read_cases(folder: Path) -> Iterator[tuple[str, Case]]:
    """Yield (name of the file, case) of the connector type in `folder`, in order of the files' names.

    Raises:
        pydantic.ValidationError: a file is no file of cases.
    """
    import yaml12

    for path in sorted((folder / "cases").glob("*.yaml")):
        file = CaseFile.model_validate(yaml12.parse_yaml(path.read_text(encoding="utf-8")))
        for case in file.cases:
            given = file.given
            update = {
                "settings": {**given.settings, **case.settings},
                "destination": {**given.destination, **case.destination},
                "exchanges": (*given.exchanges, *case.exchanges),
            }
            yield path.name, case.model_copy(update=update)


async def run_case(case: Case, connector_type: ConnectorType) -> tuple[str, ...]:
    """Return what was not as the case says, in words; nothing when it passes."""
    configured = connector_type.configured(case.settings)
    script = _Script(case.exchanges)
    client = ConnectorClient(
        configured,
        case.settings,
        lambda name: f"test-{name}",
        FakeTransport(script.answer),
        timing=_timing(),
        policy=RetryPolicy(attempts=case.attempts),
    )
    problems: list[str] = []
    if case.do == "find":
        outcome, found = await _find(client, configured.manifest, case)
        if found is not None and case.found is not None and found != [*case.found]:
            problems.append(f"found {found!r}, not {[*case.found]!r}")
    else:
        outcome = await _act(client, configured.manifest, case, problems)
    problems += script.problems
    problems += [
        f"request {number} was not sent" for number in range(script.sent + 1, len(case.exchanges) + 1)
    ]
    return (*problems, *_differences(case.outcome, outcome))


async def _act(client: ConnectorClient, manifest: Manifest, case: Case, problems: list[str]) -> Outcome:
    scope: dict[str, Any] = {"destination": dict(case.destination)}
    if case.do not in ("add", "remove", "modify"):
        operation = manifest.check if case.do == "check" else getattr(manifest.destination, case.do)
        return await client.call(operation, scope)
    signal = manifest.signals.get(case.do)
    if not isinstance(signal, SignalOperation):
        problems.append(f"the type has no signal `{case.do}`")
        return Outcome(OutcomeKind.FAILED)
    columns = _columns(case, manifest)
    rows, left_out = _rows(signal, manifest, case, columns)
    if left_out != case.left_out:
        problems.append(f"{left_out} rows were left out, not {case.left_out}")
    scope["identifiers"] = [item.field for name, item in manifest.identifiers.items() if name in columns]
    return await client.send_batch(signal, scope, rows)


async def _find(
    client: ConnectorClient, manifest: Manifest, case: Case
) -> tuple[Outcome, list[Mapping[str, Any]] | None]:
    operation = manifest.destination.find
    if operation is None:
        return Outcome(OutcomeKind.FAILED, message="the type has no `find`"), None
    try:
        found = [entry async for entry in client.listing(operation, {"destination": dict(case.destination)})]
    except PlatformError as error:
        return error.outcome, None
    return Outcome(OutcomeKind.ACCEPTED), found


# --- Rows ---------------------------------------------------------------------------------------------


def _columns(case: Case, manifest: Manifest) -> dict[str, Column]:
    """Return the identifiers in use, in the manifest's order, and their columns."""
    named = case.identifiers or {
        name: name for row in case.rows for name in row if name in manifest.identifiers
    }
    columns = {name: Column(column=item) if isinstance(item, str) else item for name, item in named.items()}
    return {name: columns[name] for name in manifest.identifiers if name in columns}


def _rows(
    signal: SignalOperation, manifest: Manifest, case: Case, columns: Mapping[str, Column]
) -> tuple[Rows, int]:
    """Return the batch, and how many rows are left out because nothing valid identifies them."""
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("CREATE TABLE profiles AS " + _table(case.rows))
        people = _people(connection, manifest, columns)
        kept = [number for number, person in enumerate(people) if _is_known(manifest, columns, person)]
        left_out = len(people) - len(kept)
        if not kept:
            return Rows(b"", 0), left_out
        variables = {name: f"profiles.{_name(column)}" for name, column in case.variables.items()}
        records = tuple({**people[number], **_variables(case, number)} for number in kept)
        if signal.lookup is not None:
            return Rows(b"", len(kept), records), left_out
        connection.execute("CREATE TABLE sent AS " + _table(people))
        identifiers = {name: f"sent.{_name(name)}" for name in columns}
        row = row_sql(signal.row, manifest, identifiers, variables)
        texts = connection.execute(
            f"SELECT {row} FROM profiles JOIN sent ON sent.number = profiles.number "
            "WHERE list_contains(?::INTEGER[], profiles.number) ORDER BY profiles.number",
            [kept],
        ).fetchall()
    text = b",".join(text.encode() for (text,) in texts)
    return Rows(text, len(kept), records if needs_records(signal) else None), left_out


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a query of `rows` with their `number`; a column has the type of its first value that is not null."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    types = {
        name: _type(next((row[name] for row in rows if row.get(name) is not None), "")) for name in names
    }
    selects = [
        ", ".join(
            [
                f"{number} AS number",
                *(f"{_literal(row.get(name), types[name])} AS {_name(name)}" for name in names),
            ]
        )
        for number, row in enumerate(rows)
    ]
    return " UNION ALL ".join(f"SELECT {select}" for select in selects) or "SELECT 0 AS number LIMIT 0"


def _type(value: Any) -> str:
    return {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE"}.get(type(value), "VARCHAR")


def _literal(value: Any, kind: str) -> str:
    if value is None:
        return f"CAST(NULL AS {kind})"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"CAST(decode(from_hex('{text.encode().hex()}')) AS {kind})"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _people(connection: Any, manifest: Manifest, columns: Mapping[str, Column]) -> list[dict[str, Any]]:
    """Return identifier -> value as sent of each row, made as a sync makes them."""
    people: list[dict[str, Any]] = []
    for name, column in columns.items():
        values = _sent(connection, manifest.identifiers[name], column)
        people = people or [{} for _ in values]
        for person, value in zip(people, values, strict=True):
            person[name] = value
    return people


def _sent(connection: Any, identifier: Identifier, column: Column) -> list[str | None]:
    """Return the identifier of each row: from SQL, and from Python where SQL leaves it to that."""
    raw = _name(column.column)
    sent = sent_sql(identifier, raw, region=column.region, already_hashed=column.already_hashed)
    left = None if column.already_hashed else needs_python_sql(identifier, raw)
    query = f"SELECT CAST({raw} AS VARCHAR), {sent}, coalesce({left or 'false'}, false) FROM profiles ORDER BY number"
    return [
        normalize(identifier, text, region=column.region, already_hashed=False) if by_python else value
        for text, value, by_python in connection.execute(query).fetchall()
    ]


def _is_known(manifest: Manifest, columns: Mapping[str, Column], person: Mapping[str, Any]) -> bool:
    """Whether something identifies the person there."""
    if manifest.identity != "each":
        return person.get(manifest.identity) is not None
    return any(person[name] is not None for name in columns if manifest.identifiers[name].identifies)


def _variables(case: Case, number: int) -> dict[str, Any]:
    values = {name: case.rows[number].get(column) for name, column in case.variables.items()}
    return {"variables": values} if values else {}


# --- Requests and answers -----------------------------------------------------------------------------


@dataclass(slots=True)
class _Script:
    """Answers as the case says, and keeps what went out differently."""

    exchanges: Sequence[Exchange]
    sent: int = 0
    problems: list[str] = field(default_factory=list[str])

    def answer(self, request: Request) -> Response:
        self.sent += 1
        if self.sent > len(self.exchanges):
            self.problems.append(f"request {self.sent} was not expected: {request.method} {request.url}")
            return Response(0, error="the case has no answer to this")
        exchange = self.exchanges[self.sent - 1]
        self.problems += [
            f"request {self.sent}: {text}" for text in _request_differences(exchange.request, request)
        ]
        given = exchange.response
        body = given.text.encode() if given.text is not None else b""
        if given.body is not None:
            body = json.dumps(given.body).encode()
        return Response(
            given.status, {name.lower(): text for name, text in given.headers.items()}, body, given.error
        )


def _request_differences(expected: ExpectedRequest, request: Request) -> Iterator[str]:
    if request.method != expected.method:
        yield f"{request.method}, not {expected.method}"
    if _url(request.url) != _url(expected.url):
        yield f"goes to {request.url}, not to {expected.url}"
    headers = {name.lower(): text for name, text in request.headers}
    for name, text in expected.headers.items():
        if headers.get(name.lower()) != text:
            yield f"header {name} is {headers.get(name.lower())!r}, not {text!r}"
    body = request.body or b""
    if expected.form is not None:
        if dict(parse_qsl(body.decode())) != expected.form:
            yield f"the form is {body.decode()}, not {expected.form!r}"
    elif (json.loads(body) if body else None) != expected.body:
        yield f"the body is {body.decode()}, not {json.dumps(expected.body, ensure_ascii=False)}"


def _url(url: str) -> tuple[str, str, str, list[tuple[str, str]]]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc, parts.path, sorted(parse_qsl(parts.query, keep_blank_values=True))


def _differences(expected: Expected, outcome: Outcome) -> Iterator[str]:
    if outcome.kind is not expected.kind:
        yield f"the outcome is {outcome.kind}, not {expected.kind} ({outcome.message})"
    if outcome.category is not expected.category:
        yield f"the category is {outcome.category}, not {expected.category}"
    for name, text in (("message", expected.message), ("remedy", expected.remedy)):
        if text not in getattr(outcome, name):
            yield f"the {name} `{getattr(outcome, name)}` does not say `{text}`"
    if outcome.retry_after != expected.retry_after:
        yield f"it waits {outcome.retry_after} seconds, not {expected.retry_after}"
    yield from _rejected_differences(expected, outcome)
    for name, value in expected.extracted.items():
        if outcome.extracted.get(name) != value:
            yield f"{name} is {outcome.extracted.get(name)!r}, not {value!r}"


def _rejected_differences(expected: Expected, outcome: Outcome) -> Iterator[str]:
    indexes = [error.index for error in outcome.rejected]
    if indexes != [error.index for error in expected.rejected]:
        yield f"records {indexes} are rejected, not {[error.index for error in expected.rejected]}"
    else:
        for error, wanted in zip(outcome.rejected, expected.rejected, strict=True):
            if wanted.message not in error.message:
                yield f"record {error.index}: `{error.message}` does not say `{wanted.message}`"
    count = len(expected.rejected) if expected.rejected_count is None else expected.rejected_count
    if outcome.rejected_count != count:
        yield f"{outcome.rejected_count} records are rejected, not {count}"


def _timing() -> Timing:
    """Return a clock that stands still unless somebody waits."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    waited = [0.0]

    async def sleep(seconds: float) -> None:
        waited[0] += seconds

    return Timing(lambda: start + timedelta(seconds=waited[0]), lambda: waited[0], sleep, lambda: 1.0)
