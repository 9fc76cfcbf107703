"""Signature Version 4: each request is signed with a key that never leaves this machine."""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qsl, quote, urlsplit

from audiform.connectors.auth.scheme import Auth, Context, Flow, Grant, Scheme, fill, filled, filled_headers
from audiform.outcome import Request

_ALGORITHM = "AWS4-HMAC-SHA256"
_DEFAULT_PORTS = {"https": 443, "http": 80}


class AwsSigV4(Auth):
    """Settings of `aws_sigv4`. Without `session_token` the key is a permanent one."""

    service: str
    region: str = "{{ settings.region }}"
    access_key_id: str = "{{ credentials.access_key_id }}"
    secret_access_key: str = "{{ credentials.secret_access_key }}"  # noqa: S105 - a reference, no secret
    session_token: str = "{{ credentials.session_token }}"  # noqa: S105 - as above


def signed(request: Request, config: AwsSigV4, context: Context) -> Request:
    """Return `request` with its time and its signature: over method, URL, body, host, type and `x-amz-*`."""
    time = datetime.fromtimestamp(context.now, UTC).strftime("%Y%m%dT%H%M%SZ")
    token = filled(config.session_token, context)
    added = [("x-amz-date", time), *([("x-amz-security-token", token)] if token else [])]
    named = {name.lower(): text for name, text in (*request.headers, *added)}
    covered = {name: text for name, text in named.items() if name.startswith("x-amz-")}
    if "content-type" in named:
        covered["content-type"] = named["content-type"]
    covered["host"] = _host(request.url)
    names = ";".join(sorted(covered))
    place = "/".join((time[:8], fill(config.region, context), config.service, "aws4_request"))
    to_sign = "\n".join((_ALGORITHM, time, place, _digest(_canonical(request, covered, names).encode())))
    key = f"AWS4{fill(config.secret_access_key, context)}".encode()
    for part in place.split("/"):
        key = _mac(key, part)
    credential = f"{fill(config.access_key_id, context)}/{place}"
    text = (
        f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={_mac(key, to_sign).hex()}"
    )
    kept = (pair for pair in request.headers if not pair[0].lower().startswith("x-amz-date"))
    return replace(request, headers=(*kept, *added, ("authorization", text)))


def _flow(config: AwsSigV4, context: Context) -> Flow:
    yield from ()
    for text in (config.region, config.access_key_id, config.secret_access_key):
        fill(text, context)  # what is missing is said before anything is sent
    return Grant(
        headers=filled_headers(config, context), sign=lambda request: signed(request, config, context)
    )


def _canonical(request: Request, covered: dict[str, str], names: str) -> str:
    parts = urlsplit(request.url)
    pairs = sorted((_quoted(key), _quoted(value)) for key, value in parse_qsl(parts.query, True))
    headers = [f"{name}:{' '.join(covered[name].split())}\n" for name in sorted(covered)]
    return "\n".join(
        (
            request.method,
            quote(parts.path or "/", safe="/-_.~"),
            "&".join(f"{key}={value}" for key, value in pairs),
            "".join(headers),
            names,
            _digest(request.body or b""),
        )
    )


def _host(url: str) -> str:
    parts = urlsplit(url)
    standard = parts.port in (None, _DEFAULT_PORTS.get(parts.scheme))
    return (parts.hostname or "") if standard else f"{parts.hostname}:{parts.port}"


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


SCHEME = Scheme(AwsSigV4, _flow)
