"""The platform's side of a case: answers in order, and what went out differently."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from audiform.cases.model import ANYTHING, Exchange, ExpectedRequest
from audiform.connectors.multipart import read
from audiform.outcome import Request, Response


@dataclass(slots=True)
class Script:
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
        return replace(as_response(given.status, given.body, given.text, given.headers), error=given.error)


def as_response(
    status: int, body: Any = None, text: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer with a JSON body, or with `text` as it is."""
    content = b"" if text is None else text.encode()
    if body is not None:
        content = json.dumps(body).encode()
    return Response(status, {name.lower(): value for name, value in (headers or {}).items()}, content)


def _request_differences(expected: ExpectedRequest, request: Request) -> Iterator[str]:
    if request.method != expected.method:
        yield f"{request.method}, not {expected.method}"
    if not _same_url(expected.url, request.url):
        yield f"goes to {request.url}, not to {expected.url}"
    headers = {name.lower(): text for name, text in request.headers}
    for name, text in expected.headers.items():
        if headers.get(name.lower()) != text:
            yield f"header {name} is {headers.get(name.lower())!r}, not {text!r}"
    body = request.body or b""
    if expected.form is not None:
        if not _same_pairs(expected.form, dict(parse_qsl(body.decode()))):
            yield f"the form is {body.decode()}, not {expected.form!r}"
    elif expected.multipart is not None:
        form = read(headers.get("content-type", ""), body)
        files = {name: content.decode() for name, content in form.files.items()} if form else {}
        if form is None or not _same_pairs(expected.multipart, {**form.texts, **files}):
            yield f"the form is {form and {**form.texts, **files}}, not {expected.multipart!r}"
    elif _data(body) != expected.body:
        yield f"the body is {body.decode()}, not {json.dumps(expected.body, ensure_ascii=False)}"


def _data(body: bytes) -> Any:
    """Return a body's JSON data, and what is none as its text: a form that no case expected."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")


def _same_url(expected: str, actual: str) -> bool:
    wanted, given = urlsplit(expected), urlsplit(actual)
    same = wanted._replace(query="") == given._replace(query="")
    return same and _same_pairs(_query(wanted.query), _query(given.query))


def _query(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True))


def _same_pairs(expected: Mapping[str, str], actual: Mapping[str, str]) -> bool:
    """Whether the pairs are the expected ones; a value that ends with `...` may go on as it likes."""
    return expected.keys() == actual.keys() and all(
        actual[name].startswith(text.removesuffix(ANYTHING))
        if text.endswith(ANYTHING)
        else actual[name] == text
        for name, text in expected.items()
    )
