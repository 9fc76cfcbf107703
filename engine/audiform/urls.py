"""Passwords in URLs: found, so that they are refused where a URL is written down, and never shown."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

_SECRET = frozenset({"password", "sslpassword"})


def holds_password(url: str) -> bool:
    """Whether a URL has a password: before the host, or as a parameter."""
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    in_query = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    return bool(at and ":" in login) or not _SECRET.isdisjoint(in_query)
