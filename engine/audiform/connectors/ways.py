"""Over which ways people's data may go: encrypted ones, and any within this machine."""

from __future__ import annotations

from urllib.parse import urlsplit

ENCRYPTED = frozenset({"https", "kafka", "postgresql", "s3", "gs", "sftp"})
"""Schemes whose transport encrypts and verifies who is there, except on this machine itself."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def hosts_of(url: str) -> tuple[str, ...]:
    """Return the hosts that a URL names: several stand there with commas in between. A file is on this machine.

    Raises:
        ValueError: it is no URL.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return () if parts.netloc else ("localhost",)
    places = parts.netloc.rpartition("@")[2].split(",")
    hosts = [urlsplit(f"//{place}").hostname for place in places]
    return tuple(host for host in hosts if host) if all(hosts) else ()


def is_private(url: str) -> bool:
    """Whether nobody on the way can read what goes there."""
    scheme = urlsplit(url).scheme
    return scheme in ENCRYPTED or (scheme in ("http", "file") and is_local(url))


def is_local(url: str) -> bool:
    """Whether a URL leads to this machine and nowhere else."""
    hosts = hosts_of(url)
    return bool(hosts) and LOOPBACK.issuperset(hosts)
