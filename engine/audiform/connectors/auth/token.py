"""What schemes with an access token share: the token request, its answer, and the token kept until it expires."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import Field

from audiform import __version__
from audiform.connectors.auth.basic import basic_header
from audiform.connectors.auth.scheme import Auth, AuthError, Context, Flow, Grant, fill, filled_headers
from audiform.connectors.masking import mask
from audiform.connectors.standard import remedy_of, standard_outcome
from audiform.outcome import Category, Outcome, OutcomeKind, Request, Response
from audiform.shapes import is_map

_EARLY = 60.0
"""Seconds before its expiry at which a token is replaced: a request may be on its way for that long."""
_DEFAULT_LIFE = 300.0
"""Seconds for which a token is used whose answer does not say how long it lives."""
_ERRORS = range(400, 500)


class TokenAuth(Auth):
    """Settings of every scheme that asks for a token."""

    token_url: str
    scopes: tuple[str, ...] = ()
    parameters: Mapping[str, str] = Field(
        default_factory=dict, description="More parameters of the token request"
    )


class OAuth2(TokenAuth):
    """Settings that the schemes with a client and its secret have."""

    client_id: str = "{{ credentials.client_id }}"
    client_secret: str = "{{ credentials.client_secret }}"  # noqa: S105 - a reference, no secret
    client_in: Literal["body", "basic", "json"] = Field(
        default="body", description="`json`: in the body, which is JSON and no form"
    )


def token_flow(config: OAuth2, context: Context, grant: Mapping[str, str]) -> Flow:
    """Return the kept token, or ask for one with the parameters of `grant` and the client's name first."""
    return (yield from kept_token(config, context, lambda: _with_client(config, context, grant)))


def kept_token(config: TokenAuth, context: Context, form: Callable[[], Mapping[str, str]]) -> Flow:
    """Return the kept token, or ask for one with the parameters that `form` returns first."""
    session = context.session
    if session.token is None or context.now >= session.expires:
        response = yield _token_request(config, context, form())
        _keep(response, context)
    headers = filled_headers(config, context)
    return Grant(headers=(("authorization", f"Bearer {session.token}"), *headers))


def asked_with(config: TokenAuth, context: Context) -> dict[str, str]:
    """Return the parameters that the settings add to a token request."""
    return {name: fill(text, context) for name, text in config.parameters.items()}


def _with_client(config: OAuth2, context: Context, grant: Mapping[str, str]) -> Mapping[str, str]:
    form = {**grant, **asked_with(config, context)}
    if config.scopes:
        form["scope"] = " ".join(config.scopes)
    if config.client_in != "basic":
        form["client_id"], form["client_secret"] = _client(config, context)
    return form


def _client(config: OAuth2, context: Context) -> tuple[str, str]:
    return fill(config.client_id, context), fill(config.client_secret, context)


def _token_request(config: TokenAuth, context: Context, form: Mapping[str, str]) -> Request:
    client_in = config.client_in if isinstance(config, OAuth2) else "body"
    as_json = client_in == "json"
    headers = [
        ("user-agent", f"audiform/{__version__}"),
        ("content-type", "application/json" if as_json else "application/x-www-form-urlencoded"),
        ("accept", "application/json"),
    ]
    if isinstance(config, OAuth2) and client_in == "basic":
        headers.append(basic_header(*_client(config, context)))
    url = context.url(fill(config.token_url, context))
    text = json.dumps(form, separators=(",", ":")) if as_json else urlencode(form)
    return Request("POST", url, tuple(headers), text.encode())


def _keep(response: Response, context: Context) -> None:
    answer = _json(response.body)
    token = answer.get("access_token")
    if not 200 <= response.status < 300 or not isinstance(token, str) or not token:  # noqa: PLR2004 - 2xx
        raise AuthError(_refused(response, answer, context))
    life = answer.get("expires_in")
    seconds = float(life) if isinstance(life, int | float | str) and str(life).isdigit() else _DEFAULT_LIFE
    context.session.token = token
    context.session.expires = context.now + max(seconds - _EARLY, seconds / 2)


def _refused(response: Response, answer: Mapping[str, Any], context: Context) -> Outcome:
    message = mask(answer.get("error_description") or answer.get("error") or "")
    outcome = standard_outcome(response, message, datetime.fromtimestamp(context.now, UTC))
    if outcome.kind is OutcomeKind.RETRY:
        return outcome
    category = Category.INVALID_CREDENTIALS if response.status in _ERRORS else Category.OTHER
    text = f"the token request was refused ({outcome.message})"
    return Outcome(OutcomeKind.FAILED, category, text, remedy=remedy_of(category), status=response.status)


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if is_map(answer) else {}
