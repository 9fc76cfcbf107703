"""Where a log or a source of events on servers is, and how to get in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Place:
    """Servers (`HOST:PORT`), and the stream or topic on them. `repr` shows no password."""

    servers: tuple[str, ...]
    name: str
    encrypted: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether all servers are this machine itself."""
        return all(_host(server) in ("localhost", "127.0.0.1", "::1") for server in self.servers)


def place_of(url: str, user: str | None = None, password: str | None = None) -> Place:
    """Return the place of `nats://HOST:PORT,HOST:PORT/NAME` or `kafka://...`; other machines are reached encrypted.

    Raises:
        ValueError: the URL has no server or no name, or holds a password.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ValueError("a user and a password stand in `credentials`, never in a URL")
    servers = tuple(server for server in parts.netloc.split(",") if server)
    name = unquote(parts.path.strip("/"))
    if not servers or not name or "/" in name:
        raise ValueError(f"write it as {parts.scheme or 'nats'}://HOST:PORT/NAME")
    place = Place(servers, name, encrypted=True, user=user, password=password)
    return Place(servers, name, not place.is_local, user, password)


def safe_name(name: str) -> str:
    """Return a name of letters, digits, `-` and `_`, different for different names."""
    return re.sub(r"[^A-Za-z0-9_-]", lambda found: f"_{ord(found[0]):x}_", name)


def _host(server: str) -> str:
    return server.rpartition(":")[0].strip("[]") or server
