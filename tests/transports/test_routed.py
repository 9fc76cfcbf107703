"""Which transport runs a request, and what is said where it cannot."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from audiform.connectors.ways import hosts_of, is_private
from audiform.outcome import Request, Response
from audiform.transports.answers import RefusedError
from audiform.transports.library import library
from audiform.transports.routed import SCHEMES, RoutedTransport


def ask(url: str, method: str = "GET") -> Response:
    """Send one request."""

    async def whole() -> Response:
        transport = RoutedTransport()
        try:
            return await transport.send(Request(method, url), 5)
        finally:
            await transport.close()

    return asyncio.run(whole())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("kafka://127.0.0.1:1/nothing", b"the path is not /topics/NAME"),
        ("postgresql://127.0.0.1:1/shop/nothing", b"the path is not /DATABASE/tables"),
        ("file:///tmp/nothing", b"a file is posted with its name"),
    ],
)
def test_the_scheme_decides(url: str, said: bytes) -> None:
    """Each scheme's own transport answers."""
    assert said in ask(url).body


def test_an_unknown_scheme_goes_nowhere() -> None:
    """It is certain that nothing has left."""
    answer = ask("gopher://example.com")

    assert (0, False) == (answer.status, answer.sent)


def test_nothing_is_imported_before_it_is_used() -> None:
    """A project that uses HTTP only needs none of the other libraries."""
    heavy = {"confluent_kafka", "adbc_driver_postgresql", "paramiko"}
    code = "import audiform.transports.routed, sys; print(sorted(sys.modules))"

    async def loaded() -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}
        )
        out, _ = await process.communicate()
        return out.decode()

    assert not any(f"'{name}'" in asyncio.run(loaded()) for name in heavy)


def test_a_library_that_is_missing_is_named_with_its_extra() -> None:
    """The message can be copied into a terminal."""
    with pytest.raises(
        RefusedError, match=r"`no_such_library` is not installed: run `pip install 'audiform\[kafka\]'`"
    ):
        library("no_such_library.part", "kafka")


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("https://api.example.com", True),
        ("http://api.example.com", False),
        ("http://127.0.0.1:8000", True),
        ("http://localhost,api.example.com", False),
        ("kafka://b1.example.com:9093,b2.example.com", True),
        ("file:///exports", True),
        ("file://server/exports", False),
        ("ftp://files.example.com", False),
        ("http://", False),
        ("exports", False),
    ],
)
def test_what_can_be_read_on_the_way_is_not_private(url: str, private: bool) -> None:
    """Encrypted ways, and every way within this machine."""
    assert private is is_private(url)


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("kafka://b1.example.com:9093,b2.example.com/topics/a", ("b1.example.com", "b2.example.com")),
        ("postgresql://u:p@db.example.com:5432/shop", ("db.example.com",)),
        ("http://[::1]:80", ("::1",)),
        ("kafka://b1.example.com,,b2.example.com", ()),
        ("file:///a", ("localhost",)),
    ],
)
def test_every_host_of_a_url_counts(url: str, hosts: Any) -> None:
    """A URL may name several, and one that cannot be read makes it none."""
    assert hosts == hosts_of(url)


def test_every_encrypted_way_has_a_transport() -> None:
    """What the rules allow can also be sent."""
    assert all(
        is_private(f"{scheme}://host.example.com") for scheme in SCHEMES if scheme not in ("http", "file")
    )
