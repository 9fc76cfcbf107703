"""One service: a configured connector type that answers requests and keeps what they did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from audiform.connectors.catalog import ConnectorType
from audiform.connectors.manifest import Job, Lookup, SignalOperation, Upload
from audiform.connectors.template import unify_texts
from audiform.outcome import Category
from audiform.sandbox.access import refusal, token_answer
from audiform.sandbox.answers import failure
from audiform.sandbox.asked import Asked
from audiform.sandbox.events import receive_events
from audiform.sandbox.faults import Fault, FaultKind, Faults
from audiform.sandbox.objects import OPERATIONS
from audiform.sandbox.routes import Match, Route, candidates, describe, match, routes_of
from audiform.sandbox.rows import Row
from audiform.sandbox.signals import list_refused, look_up, poll, read_batch, receive, resume, too_much
from audiform.sandbox.uploads import keep, with_upload
from audiform.sandbox.wire import Answer, Call, answer_json
from audiform.sandbox.world import World

Watcher = Callable[[str, str, Sequence[Row]], None]
"""Told service, signal and accepted rows of each batch: for tests that look at single records."""


_GARBAGE = b"<html><title>Please wait</title><body>{\xff"


@dataclass(slots=True)
class Platform:
    """`name` is the URL's prefix. `polls`: how often a job is still running when it is asked about."""

    name: str
    connector_type: ConnectorType
    world: World
    faults: Faults
    polls: int = 0
    watcher: Watcher | None = None
    routes: tuple[Route, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.routes = routes_of(self.connector_type.manifest)

    def loses(self, call: Call) -> bool:
        """Whether the connection of a request is lost before its body was read."""
        names = {route.name for route in candidates(self.routes, call)}
        return self.faults.take(self.name, names, before_body=True) is not None

    def answer(self, call: Call) -> tuple[Answer, Fault | None]:
        """Answer a request; the fault that it met, if any, is the caller's where it is about the connection."""
        found = match(self.routes, call, self.connector_type.manifest)
        if found is None:
            return self._unmatched(call), None
        fault = self.faults.take(self.name, {found.route.name}, before_body=False)
        answer = self._faulty(fault) or self._refused(found, call) or self._done(found, call, fault)
        if fault is not None and fault.fault is FaultKind.GARBAGE:
            answer = replace(answer, body=_GARBAGE, headers={"content-type": "text/html"})
        return replace(answer, operation=found.route.name), fault

    def _done(self, found: Match, call: Call, fault: Fault | None) -> Answer:
        asked = Asked(self.connector_type, self.world.account(self.name), found, call, self.polls)
        match found.route.part:
            case None:
                return token_answer(asked)
            case SignalOperation():
                return self._signal(asked, fault)
            case Job():
                return poll(asked)
            case Upload():
                return keep(asked, found.route.part)
            case Lookup():
                return look_up(asked, found.route.part)
            case _ if found.route.name.endswith(".job.errors"):
                return list_refused(asked)
            case _ if found.route.name.endswith(".job.resume"):
                return resume(asked)
            case _:
                return OPERATIONS[found.route.name](asked)

    def _signal(self, asked: Asked, fault: Fault | None) -> Answer:
        carried = with_upload(asked)
        if isinstance(carried, Answer):
            return carried
        asked = carried
        refused = too_much(asked)
        if refused is not None:
            return refused
        reject = fault.rows if fault is not None and fault.fault is FaultKind.PARTIAL_FAILURE else 0
        if asked.manifest.kind == "event":
            return receive_events(asked, reject)
        batch = read_batch(asked, reject)
        answer = receive(asked, batch)
        if self.watcher is not None and answer.status < 400:  # noqa: PLR2004 - an error
            self.watcher(self.name, asked.match.route.name, list(batch.rows.values()))
        return replace(answer, rows=batch.size)

    def _refused(self, found: Match, call: Call) -> Answer | None:
        """Answer for a request that is not signed, or lacks a header that the platform asks for."""
        if found.route.part is None:
            return None
        reason = refusal(self.connector_type.manifest, call, self.world.account(self.name))
        if reason is not None:
            return failure(self.connector_type, Category.INVALID_CREDENTIALS, reason)
        wanted = {**self.connector_type.manifest.headers, **found.route.request.headers}
        if unify_texts({name.lower(): text for name, text in wanted.items()}, call.headers) is None:
            return failure(
                self.connector_type, Category.INVALID_REQUEST, f"the headers {', '.join(wanted)} are needed"
            )
        return None

    def _faulty(self, fault: Fault | None) -> Answer | None:
        """Return the answer of a fault that stops the request before anything is done."""
        if fault is None:
            return None
        headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
        match fault.fault:
            case FaultKind.ERROR:
                return failure(self.connector_type, fault.category, "made to fail on demand", headers)
            case FaultKind.STATUS:
                return Answer(fault.status, headers=headers)
            case FaultKind.EXPIRED_TOKEN:
                self.world.account(self.name).tokens.clear()
                return failure(
                    self.connector_type, Category.INVALID_CREDENTIALS, "the access token has expired"
                )
            case FaultKind.SMALL_LIST:
                return failure(self.connector_type, Category.INVALID_REQUEST, "the list has too few members")
            case _:
                return None

    def _unmatched(self, call: Call) -> Answer:
        fitting = candidates(self.routes, call)
        problem = (
            "the path is known, but query or body are not what the manifest sends"
            if fitting
            else "no such path"
        )
        return answer_json(404, {"sandbox": problem, "would_match": describe(fitting or self.routes)})
