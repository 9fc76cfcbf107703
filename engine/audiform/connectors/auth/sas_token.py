"""A shared access signature: a token that is made from a named key, for one resource and a short time."""

from __future__ import annotations

import hmac
from base64 import b64encode
from urllib.parse import quote

from audiform.connectors.auth.scheme import Auth, Context, Flow, Grant, Scheme, fill, filled_headers

_LIFE = 3600
"""Seconds for which a token is good: it is made anew for every request."""


class SasToken(Auth):
    """Settings of `sas_token`. `resource`: the URL that the token is for; below it everything is allowed."""

    resource: str
    key_name: str = "{{ settings.key_name }}"
    key: str = "{{ credentials.shared_access_key }}"


def sas_token(resource: str, key_name: str, key: str, expires: int) -> str:
    """Return the text of the Authorization header; `expires` in seconds."""
    name = quote(resource, safe="")
    mac = hmac.digest(key.encode(), f"{name}\n{expires}".encode(), "sha256")
    signature = quote(b64encode(mac), safe="")
    return f"SharedAccessSignature sr={name}&sig={signature}&se={expires}&skn={quote(key_name, safe='')}"


def _flow(config: SasToken, context: Context) -> Flow:
    yield from ()
    resource, name, key = (fill(text, context) for text in (config.resource, config.key_name, config.key))
    token = sas_token(resource, name, key, int(context.now) + _LIFE)
    return Grant(headers=(("authorization", token), *filled_headers(config, context)))


SCHEME = Scheme(SasToken, _flow)
