"""What every transport here answers: HTTP's statuses and JSON bodies, so that one reader understands them all."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

from audiform.outcome import Request, Response

OK = 200
CREATED = 201
BAD_REQUEST = 400
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
CONFLICT = 409
UNAVAILABLE = 503
TIMEOUT = 504


class RefusedError(Exception):
    """What was asked for cannot be done; `status` says why as HTTP does, the text holds nothing of a person."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


def answer(status: int, body: Any = None) -> Response:
    """Return an answer with a JSON body."""
    content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    return Response(status, {"content-type": "application/json"}, content)


async def answered(work: Callable[[Request, float], Response], request: Request, seconds: float) -> Response:
    """Do `work` on a thread of its own, because none of these libraries is asynchronous; a refusal is an answer too."""
    try:
        return await asyncio.to_thread(work, request, seconds)
    except RefusedError as error:
        return refusal(error)


def refusal(error: RefusedError) -> Response:
    """Return the answer to what cannot be done."""
    return answer(error.status, {"error": {"code": error.status, "message": str(error)}})


def header(request: Request, name: str) -> str | None:
    """Return a header of a request."""
    return next((text for key, text in request.headers if key.lower() == name), None)


def login(request: Request) -> tuple[str, str] | None:
    """Return user name and password of the Authorization header, None where there are none."""
    scheme, _, text = (header(request, "authorization") or "").partition(" ")
    if scheme != "Basic":
        return None
    username, _, password = b64decode(text).decode().partition(":")
    return username, password


def body_of(request: Request) -> Mapping[str, Any]:
    """Return the JSON object that a request carries, empty where it carries none."""
    import orjson

    found: Mapping[str, Any] = orjson.loads(request.body) if request.body else {}
    return found
