"""A token in the Authorization header."""

from __future__ import annotations

from audiform.connectors.auth.scheme import Auth, Context, Flow, Grant, Scheme, fill, filled_headers


class Bearer(Auth):
    """Settings of `bearer`."""

    token: str = "{{ credentials.access_token }}"  # noqa: S105 - a reference, no token


def _flow(config: Bearer, context: Context) -> Flow:
    yield from ()
    authorization = ("authorization", f"Bearer {fill(config.token, context)}")
    return Grant(headers=(authorization, *filled_headers(config, context)))


SCHEME = Scheme(Bearer, _flow)
