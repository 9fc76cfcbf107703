"""Runs one test: its rows take the way that people take in a first sync, up to the requests, which are not sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from audiform.address import Address, Kind
from audiform.audiences.difference import DESIRED
from audiform.audiences.latest import present_sql
from audiform.audiences.selection import Selection, select
from audiform.audiences.watermarks import tracked
from audiform.cases.clock import still_clock
from audiform.cases.secrets import sample_secret
from audiform.client import ConnectorClient
from audiform.config.kinds import Audience, Binding, Expectation, ProjectTest
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.delivery.barred import Barred
from audiform.delivery.compare import compare
from audiform.delivery.readings import Alone
from audiform.delivery.rows import Outgoing, chunks
from audiform.diagnostics import DiagnosticError, did_you_mean
from audiform.outcome import Request, Response, Signal
from audiform.project_tests.events import event_problems
from audiform.project_tests.policies import policy_problems
from audiform.project_tests.requests import ANSWER, is_token, reasons, request_differences
from audiform.project_tests.result import Result
from audiform.project_tests.tables import WrongRowsError, source_of
from audiform.sources.databases import Asked
from audiform.sources.query import check_columns
from audiform.sources.reading import open_profiles
from audiform.sql import name as quoted
from audiform.state.ledger import LedgerSession, Part
from audiform.state.open import open_ledger, open_store
from audiform.transport import FakeTransport
from audiform.wire import RetryPolicy

_STATE = "file:state"


@dataclass(frozen=True, slots=True)
class _Found:
    """What came of a test's rows."""

    members: tuple[Any, ...]
    left_out: Mapping[str, int]
    requests: tuple[Request, ...] = ()


async def run_test(project: Project, catalog: Catalog, name: str, test: ProjectTest) -> Result:
    """Run one test of a checked project."""
    if test.policy is not None:
        return Result(name, tuple(policy_problems(project, catalog, test.policy, test)))
    if test.event_connector is not None:
        return Result(name, await event_problems(project, catalog, test.event_connector, test))
    unknown = _unknown(project, test)
    if unknown is not None:
        return Result(name, (unknown,))
    try:
        with TemporaryDirectory(prefix="audiform-test-") as folder:
            found = await _found(project, catalog, test, Path(folder))
    except WrongRowsError as error:
        return Result(name, (str(error),))
    except DiagnosticError as error:
        return Result(name, tuple(item.detail for item in error.diagnostics))
    return Result(name, tuple(_differences(test.expect, found)))


def _unknown(project: Project, test: ProjectTest) -> str | None:
    """Say that what is tested does not exist."""
    kind, wanted = ("audience", test.audience) if test.audience is not None else ("binding", test.binding)
    known = project.audiences if kind == "audience" else project.bindings
    if wanted in known:
        return None
    hint = did_you_mean(str(wanted), known)
    return f"the project has no {kind} `{wanted}`{f' ({hint})' if hint else ''}"


async def _found(project: Project, catalog: Catalog, test: ProjectTest, folder: Path) -> _Found:
    """Read the given rows instead of the project's, in a project of their own with nothing in its state."""
    binding = project.bindings[test.binding] if test.binding is not None else None
    audience_name = binding.audience if binding is not None else str(test.audience)
    audience = project.audiences[audience_name]
    source = project.sources[audience.source]
    given = source_of(audience.source, source, project.root, test.given, folder)
    alone = replace(project, root=folder, sources={**project.sources, audience.source: given}, built={})
    model = project.built.get(audience_name)
    if model is not None:
        # Where dbt built it there is nothing in a test: its rows are a table of its name.
        audience = audience.model_copy(update={"query": f"SELECT * FROM {quoted(model.table)}"})
        alone = replace(alone, audiences={**project.audiences, audience_name: audience})
    store = open_store(_STATE, folder, project.environment.name)
    session = open_ledger(_STATE, folder, project.environment.name).open(write=True)
    try:
        if binding is None:
            return _of_audience(session, alone, audience_name, audience)
        return await _of_binding(session, alone, catalog, test, binding)
    finally:
        session.close()
        store.close()


def _of_audience(session: LedgerSession, project: Project, audience_name: str, audience: Audience) -> _Found:
    """Return who meets the definition and has agreed; whom a platform can find is a matter of a binding."""
    address, connection = Address(Kind.AUDIENCE, audience_name), session.connection
    asked = Asked(audience_name, str(address))
    consent = "true" if audience.consent is None else f"{quoted(audience.consent)} IS TRUE"
    with open_profiles(connection, project, asked, session.folders) as profiles:
        check_columns(profiles.columns, _columns(audience), address)
        counting = profiles.relation
        if (changes := tracked(audience)) is not None:
            counting = f"({present_sql(counting, audience.profile_key, changes.watermark, changes.gone)})"
        query = f"SELECT {quoted(audience.profile_key)}, {consent} FROM {counting}"
        rows = connection.execute(query).fetchall()
    refused = sum(not agreed for _, agreed in rows)
    return _Found(tuple(key for key, agreed in rows if agreed), {"no_consent": refused} if refused else {})


def _columns(audience: Audience) -> Iterator[tuple[tuple[str, ...], str]]:
    yield ("profile_key",), audience.profile_key
    if audience.consent is not None:
        yield ("consent",), audience.consent
    for identifier, column in audience.identifiers.items():
        yield ("identifiers", identifier), column if isinstance(column, str) else column.column
    for variable, column in audience.variables.items():
        yield ("variables", variable), column
    if (changes := tracked(audience)) is not None:
        yield from changes.columns


async def _of_binding(
    session: LedgerSession, project: Project, catalog: Catalog, test: ProjectTest, binding: Binding
) -> _Found:
    connector = project.connectors[binding.connector]
    kind = catalog.get(connector.type).configured(connector.settings)
    audience = project.audiences[binding.audience]
    selection = select(str(test.binding), binding, audience, kind.manifest)
    people, _ = compare(session, Alone(project, binding.audience), selection, None, Barred())
    rows = session.connection.execute(f"SELECT key FROM {DESIRED} WHERE reason IS NULL").fetchall()
    sent: list[Request] = []

    def answer(request: Request) -> Response:
        sent.append(request)
        return Response(200, {}, ANSWER)

    client = ConnectorClient(
        kind,
        connector.settings,
        lambda credential: sample_secret(kind.manifest, credential, f"test-{credential}"),
        FakeTransport(answer),
        timing=still_clock(),
        policy=RetryPolicy(attempts=1),
    )
    if test.expect.requests is not None:
        external = kind.manifest.destination.external
        identity = binding.destination.get(external, test.destination_id) if external else test.destination_id
        scope = {
            "project": project.name,
            "environment": project.environment.name,
            "destination": {**binding.destination, "id": identity},
        }
        await _send(session, client, selection, scope)
    return _Found(
        tuple(key for (key,) in rows),
        people.left_out,
        tuple(one for one in sent if not is_token(kind.manifest, one)),
    )


async def _send(
    session: LedgerSession, client: ConnectorClient, selection: Selection, scope: Mapping[str, Any]
) -> None:
    """Hand every batch of a first sync to the client."""
    if Signal.ADD not in selection.signals:
        return
    outgoing = Outgoing(
        Part.ADD,
        selection.signals[Signal.ADD],
        selection.manifest,
        tuple(selection.identifiers),
        tuple(selection.variables),
        client.constants(scope),
    )
    async for chunk in chunks(session, outgoing):
        for first, last in chunk.requests(outgoing):
            whole = {**scope, "identifiers": outgoing.fields}
            await client.send_batch(outgoing.operation, whole, chunk.rows(first, last))


# --- What differs


def _differences(expect: Expectation, found: _Found) -> Iterator[str]:
    if expect.members is not None:
        yield from _people(expect.members, found.members)
    if expect.left_out is not None and dict(expect.left_out) != dict(found.left_out):
        yield f"left out are {reasons(found.left_out)}, not {reasons(expect.left_out)}"
    if expect.requests is not None:
        yield from request_differences(expect.requests, found.requests)


def _people(expected: Sequence[Any], actual: Sequence[Any]) -> Iterator[str]:
    """Compare keys as texts: a key that is a number in the source may be written as a text, and the other way round."""
    wanted, there = Counter(map(str, expected)), Counter(map(str, actual))
    for text, keys in (("is missing", wanted - there), ("was not expected", there - wanted)):
        yield from (f"the member {key} {text}" for key in sorted(keys.elements()))
