"""User name and password in the Authorization header."""

from __future__ import annotations

from base64 import b64encode

from audiform.connectors.auth.scheme import Auth, Context, Flow, Grant, Scheme, fill, filled, filled_headers


class Basic(Auth):
    """Settings of `basic`. `optional`: a connector without a user name sends none."""

    username: str = "{{ credentials.username }}"
    password: str = "{{ credentials.password }}"  # noqa: S105 - a reference, no password
    optional: bool = False


def basic_header(username: str, password: str) -> tuple[str, str]:
    """Return the Authorization header of a user name and a password."""
    return ("authorization", "Basic " + b64encode(f"{username}:{password}".encode()).decode())


def _flow(config: Basic, context: Context) -> Flow:
    yield from ()
    if config.optional and filled(config.username, context) is None:
        return Grant(headers=filled_headers(config, context))
    header = basic_header(fill(config.username, context), fill(config.password, context))
    return Grant(headers=(header, *filled_headers(config, context)))


SCHEME = Scheme(Basic, _flow)
