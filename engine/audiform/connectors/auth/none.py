"""No authentication."""

from __future__ import annotations

from audiform.connectors.auth.scheme import Auth, Context, Flow, Grant, Scheme, filled_headers


def _flow(config: Auth, context: Context) -> Flow:
    yield from ()
    return Grant(headers=filled_headers(config, context))


SCHEME = Scheme(Auth, _flow)
