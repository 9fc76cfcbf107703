"""The sandbox stands in for platforms on this machine: nobody else reaches it, and no web page does."""

from __future__ import annotations

import socket
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from audiform.sandbox.serve import serve
from cli.shell import services


def asked(port: int, host: str) -> int:
    """Return the status of a request that names this host."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/_sandbox/destinations", headers={"host": host})
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_it_listens_on_this_machine_only():
    """Another address of this machine, which others could reach, refuses the connection."""
    with serve(services()) as sandbox:
        parts = urlsplit(sandbox.endpoint("ads"))
        assert parts.port is not None

        assert "127.0.0.1" == parts.hostname
        with pytest.raises(OSError), socket.create_connection(("127.0.0.2", parts.port), timeout=5):  # noqa: PT011
            pass


def test_a_name_that_leads_here_is_not_answered():
    """A web page that lets its name lead to 127.0.0.1 reads no members through its visitor's browser."""
    with serve(services()) as sandbox:
        port = urlsplit(sandbox.endpoint("ads")).port
        assert port is not None

        assert [200, 200, 200] == [
            asked(port, host) for host in (f"localhost:{port}", "127.0.0.1", f"[::1]:{port}")
        ]
        assert [421, 421] == [asked(port, host) for host in ("evil.example.com", "127.0.0.1.example.com")]
