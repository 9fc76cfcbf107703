"""The collector as an ASGI application, without a framework: docs/decisions/0014-collector.md says why."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from audiform.collector import cloudevents
from audiform.collector.answers import (
    NO_CONTENT,
    NOT_ALLOWED,
    NOT_FOUND,
    OK,
    SUCCESS,
    TOO_LARGE,
    TOO_MANY,
    UNAUTHORIZED,
    UNAVAILABLE,
    Answer,
    Figures,
    Headers,
    Problem,
    Refused,
    RefusedError,
    json_answer,
    partly,
)
from audiform.collector.drafts import CALLS, Receipt, called, drafted, receipt_of
from audiform.collector.payload import parsed, plain, too_large
from audiform.collector.source import Keyring, Sender, check_origin, check_rate, key_of
from audiform.collector.violations import EventTypes
from audiform.eventlog.log import EventLog, LogFullError, LogUnavailableError
from audiform.events.event import Event
from audiform.shapes import is_list, is_map

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_BODY_SECONDS = 30.0
_UNAVAILABLE_SECONDS = 2.0
_SEGMENT = "/v1/"
_EVENTS = "/v1/events"
_BATCHES = frozenset({"/v1/batch", "/v1/import"})
_SHORT = {
    "/v1/t": "track",
    "/v1/i": "identify",
    "/v1/p": "page",
    "/v1/s": "screen",
    "/v1/g": "group",
    "/v1/a": "alias",
}
_CALL = {f"{_SEGMENT}{call}": call for call in CALLS} | _SHORT
_TAKEN = frozenset({_EVENTS, *_BATCHES, *_CALL})
_LINES = b"application/x-ndjson"
_MOST_PROBLEMS = 20


@dataclass(slots=True)
class Collector:
    """Takes events in. What it knows of sources and types may be replaced while it runs.

    `metrics` gives the text of `/metrics`; `ready` says why it is not, or nothing.
    """

    log: EventLog
    keys: Keyring
    types: EventTypes = field(default_factory=EventTypes)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    metrics: Callable[[], bytes] = lambda: b""
    ready: Callable[[], str | None] = lambda: None
    figures: Figures = field(default_factory=Figures)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of connections have no meaning here."""
        if scope["type"] != "http":
            return
        method, path, headers = scope["method"], scope["path"], dict(scope["headers"])
        try:
            if method == "POST" and path in _TAKEN:
                answer = await self._taken(path, headers, receive)
            else:
                answer = self._told(method, path, headers)
        except RefusedError as refused:
            answer = refused.answer()
        except _GoneError:
            return
        await _reply(send, answer, self._shared(headers))

    def _told(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> Answer:
        """Answer what is no event."""
        if path in _TAKEN:
            return (
                Answer(NO_CONTENT, b"", _preflight(headers)) if method == "OPTIONS" else Answer(NOT_ALLOWED)
            )
        match method, path:
            case "GET" | "HEAD", "/healthz":
                return json_answer({"status": "alive"})
            case "GET" | "HEAD", "/readyz":
                why = self.ready()
                said = {"status": "ready"} if why is None else {"status": "not ready", "why": why}
                return json_answer(said, OK if why is None else UNAVAILABLE)
            case "GET", "/metrics":
                return Answer(
                    OK, self.metrics(), ((b"content-type", b"text/plain; version=0.0.4; charset=utf-8"),)
                )
            case _:
                return json_answer({"success": False, "message": "there is nothing at this path"}, NOT_FOUND)

    async def _taken(self, path: str, headers: Mapping[bytes, bytes], receive: Receive) -> Answer:
        """Read, check and keep the events of one request."""
        source = ""
        try:
            key = key_of(headers[b"authorization"]) if b"authorization" in headers else None
            sender = None if key is None else self.keys.sender(key)
            source = "" if sender is None else sender.source.name
            most = self.keys.max_body_bytes if sender is None else sender.source.limits.max_body_bytes
            body = plain(await _body(headers, receive, most), headers.get(b"content-encoding", b""), most)
            said = None if _is_binary(path, headers) else _said(headers, body, self._depth(sender))
            sender = sender or self._by_body(said)
            source = sender.source.name
            origin = headers.get(b"origin")
            check_origin(sender, None if origin is None else origin.decode("latin-1"))
            check_rate(sender)
            events, problems = self._events(path, headers, body, said, sender)
            await self._keep(events, sender)
        except RefusedError as refused:
            self.figures.refuse(source, refused.reason)
            raise
        return partly(len(events), problems) if problems else SUCCESS

    def _events(
        self, path: str, headers: Mapping[bytes, bytes], body: bytes, said: Any, sender: Sender
    ) -> tuple[list[Event], list[Problem]]:
        """Return the events of a request, and what is wrong with others; a single one that is wrong is an error."""
        limits = sender.source.limits
        receipt = Receipt(sender.source.name, self.clock(), limits.max_skew)
        if said is None:
            return [self._checked(cloudevents.from_binary(headers, body, receipt), sender)], []
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        make: Callable[[Any], Event]
        if path == _EVENTS:
            structured = kind in {cloudevents.STRUCTURED, cloudevents.BATCH}
            make = (
                (lambda each: cloudevents.from_structured(each, receipt))
                if structured
                else (lambda each: drafted(each, receipt))
            )
            several = said if is_list(said) else None
        else:
            call = _CALL.get(path)
            whole = receipt_of(said, receipt) if is_map(said) else receipt
            shared = said.get("context") if is_map(said) and call is None else None
            make = lambda each: called(_with(each, shared), whole, call)  # noqa: E731 - as its siblings above
            several = _batch_of(said) if call is None else None
        if several is None:
            _check_size(len(body), limits.max_event_bytes)
            return [self._checked(make(said), sender)], []
        return self._several(several, make, sender, large=len(body) > limits.max_event_bytes)

    def _several(
        self, several: Sequence[Any], make: Callable[[Any], Event], sender: Sender, *, large: bool
    ) -> tuple[list[Event], list[Problem]]:
        limits = sender.source.limits
        if len(several) > limits.max_batch:
            raise RefusedError(
                Refused.TOO_MANY, f"a request has at most {limits.max_batch:,} events", TOO_LARGE
            )
        events, problems = list[Event](), list[Problem]()
        for index, each in enumerate(several):
            try:
                event = self._checked(make(each), sender)
                if large:
                    _check_size(len(event.to_json()), limits.max_event_bytes)
                events.append(event)
            except RefusedError as refused:
                self.figures.refuse(sender.source.name, refused.reason)
                problems.append(Problem(index, refused.reason, str(refused)))
        return events, problems[:_MOST_PROBLEMS]

    def _checked(self, event: Event, sender: Sender) -> Event:
        checked, flagged = self.types.checked(event)
        if flagged:
            self.figures.flag(sender.source.name)
        return checked

    async def _keep(self, events: Sequence[Event], sender: Sender) -> None:
        if not events:
            return
        try:
            await self.log.append(events)
        except LogFullError as full:
            raise RefusedError(Refused.FULL, str(full), TOO_MANY, full.retry_after) from None
        except LogUnavailableError as gone:
            raise RefusedError(Refused.UNAVAILABLE, str(gone), UNAVAILABLE, _UNAVAILABLE_SECONDS) from None
        sender.allowance.take(len(events))
        self.figures.take(sender.source.name, len(events))

    def _by_body(self, said: Any) -> Sender:
        """Return who sends by the key in the body, where browsers put it to save a question."""
        key = said.get("writeKey") if is_map(said) else None
        if not isinstance(key, str):
            raise RefusedError(
                Refused.KEY,
                "there is no write key: send it as the user of Basic authentication",
                UNAUTHORIZED,
            )
        return self.keys.sender(key)

    def _depth(self, sender: Sender | None) -> int:
        # The request around the event, the list in it: two levels that are none of the event's.
        if sender is not None:
            return sender.source.limits.max_depth + 2
        return max((each.source.limits.max_depth for each in self.keys.senders.values()), default=1) + 2

    def _shared(self, headers: Mapping[bytes, bytes]) -> Headers:
        """Return what lets a browser read the answer; only for origins that a source allows."""
        origin = headers.get(b"origin")
        if origin is None or origin.decode("latin-1") not in self.keys.origins:
            return ()
        return ((b"access-control-allow-origin", origin), (b"vary", b"origin"))


class _GoneError(Exception):
    """The client went away before its request was whole."""


def _said(headers: Mapping[bytes, bytes], body: bytes, depth: int) -> Any:
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind == _LINES:
        return [parsed(line, depth) for line in body.splitlines() if line.strip()]
    return parsed(body, depth)


def _is_binary(path: str, headers: Mapping[bytes, bytes]) -> bool:
    return path == _EVENTS and b"ce-specversion" in headers


def _batch_of(said: Any) -> list[Any]:
    batch = said.get("batch") if is_map(said) else None
    if not is_list(batch):
        raise RefusedError(Refused.INVALID, "a batch is a JSON object with the list `batch`")
    return batch


def _with(said: Any, context: Any) -> Any:
    """Return an event of a batch with the batch's context where it has none of its own."""
    return {**said, "context": context} if context and is_map(said) and "context" not in said else said


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise RefusedError(Refused.TOO_LARGE, f"an event has at most {most:,} bytes", TOO_LARGE)


async def _body(headers: Mapping[bytes, bytes], receive: Receive, most: int) -> bytes:
    """Read the body; whoever sends too much, or too slowly, is not waited for."""
    if int(headers.get(b"content-length", b"0")) > most:
        raise too_large(most)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _GoneError
    whole: bytes = message.get("body", b"")
    if message.get("more_body"):
        return await _pieces(whole, receive, most)
    if len(whole) > most:
        raise too_large(most)
    return whole


async def _pieces(first: bytes, receive: Receive, most: int) -> bytes:
    """Read a body that comes in pieces."""
    parts, size, more = [first], len(first), True
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while more and size <= most:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _GoneError
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                more = message.get("more_body", False)
    except TimeoutError:
        raise _GoneError from None
    if size > most:
        raise too_large(most)
    return b"".join(parts)


async def _reply(send: Send, answer: Answer, shared: Headers) -> None:
    headers = (*answer.headers, *shared, (b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _preflight(headers: Mapping[bytes, bytes]) -> Headers:
    """Return what a browser asks before it sends; whether its origin may is in the answer's other headers."""
    asked = headers.get(b"access-control-request-headers", b"authorization, content-type")
    return (
        (b"access-control-allow-methods", b"POST"),
        (b"access-control-allow-headers", asked),
        (b"access-control-max-age", b"3600"),
    )
