"""Runs one test of an event connector: its events become requests, which are not sent, or are not sent for a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from audiform.cases.clock import START, still_clock
from audiform.cases.events import event_of
from audiform.cases.secrets import sample_secret
from audiform.config.event_kinds import EventConnector
from audiform.config.kinds import ProjectTest
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.diagnostics import did_you_mean
from audiform.event_client import sender_of
from audiform.events.route import Mapped, NotSent
from audiform.events.routing import compile_route
from audiform.outcome import Request, Response
from audiform.project_tests.requests import ANSWER, is_token, reasons, request_differences
from audiform.transport import FakeTransport


async def event_problems(project: Project, catalog: Catalog, name: str, test: ProjectTest) -> tuple[str, ...]:
    """Return what of a test does not hold; the connector's own problems are those of `validate`."""
    connector = project.event_connectors.get(name)
    if connector is None:
        hint = did_you_mean(name, project.event_connectors)
        return (f"the project has no event connector `{name}`{f' ({hint})' if hint else ''}",)
    kind = catalog.get(connector.type)
    route = compile_route(name, connector, kind, lambda: START)
    source = next(iter(connector.events.sources or project.event_sources), "web")
    events = [
        event_of({"source": source, **given}, number) for number, given in enumerate(test.events, start=1)
    ]
    made = [route.offer(event) for event in events]
    sent = await _sent(connector, kind, [one for one in made if isinstance(one, Mapped)])
    return tuple(_differences(test, [one for one in made if isinstance(one, NotSent)], sent))


async def _sent(
    connector: EventConnector, kind: ConnectorType, records: Sequence[Mapped]
) -> Sequence[Request]:
    """Return the requests that the records would be sent in."""
    manifest = kind.configured(connector.settings).manifest
    caught: list[Request] = []

    def answer(request: Request) -> Response:
        caught.append(request)
        # To events this is no answer; each batch is tried once.
        return Response(200 if is_token(manifest, request) else 500, {}, ANSWER)

    def secret(credential: str) -> str:
        return sample_secret(manifest, credential, f"test-{credential}")

    await sender_of(connector, kind, secret, FakeTransport(answer), still_clock()).send(records)
    return [request for request in caught if not is_token(manifest, request)]


def _differences(test: ProjectTest, not_sent: Sequence[NotSent], sent: Sequence[Request]) -> Iterator[str]:
    found = dict(Counter(one.reason.value for one in not_sent))
    if test.expect.not_sent is not None and dict(test.expect.not_sent) != found:
        why = "".join(f"; {one.detail}" for one in not_sent)
        yield f"not sent are {reasons(found)}, not {reasons(test.expect.not_sent)}{why}".replace(
            "nobody", "none"
        )
    if test.expect.requests is not None:
        yield from request_differences(test.expect.requests, sent)
