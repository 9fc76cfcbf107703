"""OAuth 1.0a: each request is signed with two secrets, the application's and the user's, that never leave this machine."""

from __future__ import annotations

import hmac
import secrets
from base64 import b64encode
from dataclasses import replace
from urllib.parse import parse_qsl, quote, urlsplit

from audiform.connectors.auth.scheme import Auth, Context, Flow, Grant, Scheme, fill, filled_headers
from audiform.outcome import Request

_FORM = "application/x-www-form-urlencoded"


class OAuth1a(Auth):
    """Settings of `oauth1a`; signatures are HMAC-SHA1, which is what platforms that still ask for this scheme take."""

    consumer_key: str = "{{ credentials.consumer_key }}"
    consumer_secret: str = "{{ credentials.consumer_secret }}"  # noqa: S105 - a reference, no secret
    access_token: str = "{{ credentials.access_token }}"  # noqa: S105 - as above
    access_token_secret: str = "{{ credentials.access_token_secret }}"  # noqa: S105 - as above


def signed(request: Request, config: OAuth1a, context: Context, nonce: str) -> Request:
    """Return `request` with its signature: over method, URL, query and form, never over a body in JSON."""
    proof = {
        "oauth_consumer_key": fill(config.consumer_key, context),
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(int(context.now)),
        "oauth_token": fill(config.access_token, context),
        "oauth_version": "1.0",
    }
    key = "&".join(
        _quoted(fill(text, context)) for text in (config.consumer_secret, config.access_token_secret)
    )
    digest = hmac.digest(key.encode(), _to_sign(request, proof).encode(), "sha1")
    whole = {**proof, "oauth_signature": b64encode(digest).decode()}
    text = "OAuth " + ", ".join(f'{name}="{_quoted(value)}"' for name, value in sorted(whole.items()))
    return replace(request, headers=(*request.headers, ("authorization", text)))


def _flow(config: OAuth1a, context: Context) -> Flow:
    yield from ()
    for text in (
        config.consumer_key,
        config.consumer_secret,
        config.access_token,
        config.access_token_secret,
    ):
        fill(text, context)  # what is missing is said before anything is sent
    return Grant(
        headers=filled_headers(config, context),
        sign=lambda request: signed(request, config, context, secrets.token_hex(16)),
    )


def _to_sign(request: Request, proof: dict[str, str]) -> str:
    parts = urlsplit(request.url)
    types = {text for name, text in request.headers if name.lower() == "content-type"}
    form = (request.body or b"").decode() if _FORM in types else ""
    said = [*parse_qsl(parts.query, True), *parse_qsl(form, True), *proof.items()]
    pairs = sorted((_quoted(name), _quoted(value)) for name, value in said)
    place = f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path or '/'}"
    return "&".join(
        (request.method, _quoted(place), _quoted("&".join(f"{name}={value}" for name, value in pairs)))
    )


def _quoted(text: str) -> str:
    return quote(text, safe="-._~")


SCHEME = Scheme(OAuth1a, _flow)
