"""What both OAuth2 schemes share: the token request, its answer, and the token kept until it expires."""

from __future__ import annotations

import json
from collections.abc import Mapping
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

_EARLY = 60.0
"""Seconds before its expiry at which a token is replaced: a request may be on its way for that long."""
_DEFAULT_LIFE = 300.0
"""Seconds for which a token is used whose answer does not say how long it lives."""
_ERRORS = range(400, 500)


class OAuth2(Auth):
    """Settings that both schemes have."""

    token_url: str
    client_id: str = "{{ credentials.client_id }}"
    client_secret: str = "{{ credentials.client_secret }}"  # noqa: S105 - a reference, no secret
    client_in: Literal["body", "basic"] = "body"
    scopes: tuple[str, ...] = ()
    parameters: Mapping[str, str] = Field(
        default_factory=dict, description="More parameters of the token request"
    )


def token_flow(config: OAuth2, context: Context, grant: Mapping[str, str]) -> Flow:
    """Return the kept token, or ask for one with the parameters of `grant` first."""
    session = context.session
    if session.token is None or context.now >= session.expires:
        response = yield _token_request(config, context, grant)
        _keep(response, context)
    headers = filled_headers(config, context)
    return Grant(headers=(("authorization", f"Bearer {session.token}"), *headers))


def _token_request(config: OAuth2, context: Context, grant: Mapping[str, str]) -> Request:
    client = (fill(config.client_id, context), fill(config.client_secret, context))
    form = {**grant, **{name: fill(text, context) for name, text in config.parameters.items()}}
    headers = [
        ("user-agent", f"audiform/{__version__}"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "application/json"),
    ]
    if config.scopes:
        form["scope"] = " ".join(config.scopes)
    if config.client_in == "body":
        form |= {"client_id": client[0], "client_secret": client[1]}
    else:
        headers.append(basic_header(*client))
    url = context.url(fill(config.token_url, context))
    return Request("POST", url, tuple(headers), urlencode(form).encode())


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
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
