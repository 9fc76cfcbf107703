"""The requests that a test catches, and how they differ from those that it expects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audiform.config.kinds import ExpectedCall
from audiform.connectors.auth import scheme_of
from audiform.connectors.manifest import FromSetting, Manifest
from audiform.connectors.template import unify
from audiform.outcome import Request

ANSWER = json.dumps({"access_token": "test", "expires_in": 3600}).encode()
"""Lets a client sign its requests; to anything else it is no answer, so each batch is sent once."""


def is_token(manifest: Manifest, request: Request) -> bool:
    """Return whether a request only asks for a token: that is the platform's matter, not the project's."""
    auth = manifest.auth
    if isinstance(auth, FromSetting):
        return False
    url: str | None = getattr(scheme_of(auth)[1], "token_url", None)
    return url is not None and unify(url, request.url) is not None


def reasons(found: Mapping[str, int]) -> str:
    """Return reasons and how often each was one, in words."""
    return ", ".join(f"{reason}: {count}" for reason, count in sorted(found.items())) or "nobody"


def request_differences(expected: Sequence[ExpectedCall], actual: Sequence[Request]) -> Iterator[str]:
    """Yield how what would be sent differs from what must be."""
    if len(expected) != len(actual):
        yield f"{len(actual)} requests would be sent, not {len(expected)}"
    for number, (wanted, request) in enumerate(zip(expected, actual, strict=False), start=1):
        if wanted.method not in (None, request.method):
            yield f"request {number} is a {request.method}, not a {wanted.method}"
        if wanted.url not in (None, request.url):
            yield f"request {number} goes to {request.url}, not to {wanted.url}"
        if wanted.body is not None and _body(request) != wanted.body:
            body = json.dumps(wanted.body, ensure_ascii=False)
            yield f"request {number} has the body {(request.body or b'').decode(errors='replace')}, not {body}"


def _body(request: Request) -> Any:
    try:
        return json.loads(request.body or b"null")
    except ValueError:
        return (request.body or b"").decode(errors="replace")
