"""Passwords in URLs: found, so that they are refused where a URL is written down, and never shown."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from audiform.diagnostics import Diagnostic

PASSWORD_IN_URL = Diagnostic(
    "state-url-password",
    "The URL of the state has a password in it, and whoever reads the project's files or a list of processes reads it too. "
    "Take it out, and change it where others may have seen it. PostgreSQL's client finds it in the environment variable "
    "PGPASSWORD, in a password file (`?passfile=...`, ~/.pgpass) or in a service (`?service=...`); AWS's finds credentials in "
    "the environment (AWS_PROFILE, AWS_ACCESS_KEY_ID, ...), in a profile, or has them from the machine's role.",
)
"""What is said of it; neither the URL nor the line it stands in is shown."""

_SECRET = frozenset(
    {"password", "sslpassword", "secret_access_key", "aws_secret_access_key", "session_token"}
)


def holds_password(url: str) -> bool:
    """Whether a URL has a password: before the host, as a parameter, or in a URL that is one."""
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    query = parse_qsl(parts.query, keep_blank_values=True)
    return (
        bool(at and ":" in login)
        or any(name.lower() in _SECRET for name, _ in query)
        or any("://" in value and holds_password(value) for _, value in query)
    )
