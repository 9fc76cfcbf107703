"""User name and password in the Authorization header."""

from __future__ import annotations

from base64 import b64encode

from audiform.connectors.auth.scheme import Auth, Context, Flow, Grant, Scheme, fill, filled_headers


class Basic(Auth):
    """Settings of `basic`."""

    username: str = "{{ credentials.username }}"
    password: str = "{{ credentials.password }}"  # noqa: S105 - a reference, no password


def basic_header(username: str, password: str) -> tuple[str, str]:
    """Return the Authorization header of a user name and a password."""
    return ("authorization", "Basic " + b64encode(f"{username}:{password}".encode()).decode())


def _flow(config: Basic, context: Context) -> Flow:
    yield from ()
    header = basic_header(fill(config.username, context), fill(config.password, context))
    return Grant(headers=(header, *filled_headers(config, context)))


SCHEME = Scheme(Basic, _flow)
