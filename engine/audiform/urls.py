"""Passwords in URLs: found, so that they are refused where a URL is written down, and never shown."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from audiform.diagnostics import Diagnostic

PASSWORD_IN_URL = Diagnostic(
    "state-url-password",
    "The URL of the state has a password in it, and whoever reads the project's files or a list of processes reads it too. "
    "Take it out, and change it where others may have seen it. The database's client finds it in the environment variable "
    "PGPASSWORD, in a password file (`?passfile=...`, ~/.pgpass) or in a service (`?service=...`).",
)
"""What is said of it; neither the URL nor the line it stands in is shown."""

_SECRET = frozenset({"password", "sslpassword"})


def holds_password(url: str) -> bool:
    """Whether a URL has a password: before the host, or as a parameter."""
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    in_query = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    return bool(at and ":" in login) or not _SECRET.isdisjoint(in_query)
