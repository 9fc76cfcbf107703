"""OAuth2 between machines: a client id and its secret."""

from __future__ import annotations

from audiform.connectors.auth.scheme import Context, Flow, Scheme
from audiform.connectors.auth.token import OAuth2, token_flow


def _flow(config: OAuth2, context: Context) -> Flow:
    return (yield from token_flow(config, context, {"grant_type": "client_credentials"}))


SCHEME = Scheme(OAuth2, _flow, refreshable=True)
