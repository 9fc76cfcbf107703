"""The collector on a real port, with clients that others wrote."""

from __future__ import annotations

import asyncio
import socket

import pytest
from segment.analytics.client import Client as SegmentClient

from audiform.collector.app import Collector
from audiform.collector.serve import listening, served
from audiform.collector.source import HttpSource, keyring
from audiform.diagnostics import DiagnosticError
from audiform.eventlog.sqlite.log import open_log
from collector.client import KEY


def test_segments_own_library_sends_unchanged(tmp_path):
    """Every call arrives, compressed and in batches, and is on disk when the library is told so."""

    def send(port: int) -> None:
        client = SegmentClient(
            KEY, host=f"http://127.0.0.1:{port}", gzip=True, max_retries=0, on_error=failed.append
        )
        client.identify("u-1", {"plan": "pro"})
        client.track("u-1", "Order Completed", {"total": 12.5})
        client.page("u-1", "Shop", "Home")
        client.screen("u-1", "Shop", "Cart")
        client.group("u-1", "g-1", {"name": "Example"})
        client.alias("a-1", "u-1")
        client.flush()
        client.shutdown()

    failed: list[object] = []

    async def run():
        log = open_log(tmp_path)
        listener = listening("127.0.0.1", 0)
        async with served(Collector(log, keyring([HttpSource("web", (KEY,))])), listener):
            await asyncio.to_thread(send, listener.getsockname()[1])
        found = [
            (entry.event.type, entry.event.name, entry.event.body["user_id"])
            for entry in await log.newest(10)
        ]
        await log.close()
        return found

    found = asyncio.run(run())
    assert [] == failed
    assert [
        ("identify", None, "u-1"),
        ("track", "Order Completed", "u-1"),
        ("page", "Home", "u-1"),
        ("screen", "Cart", "u-1"),
        ("group", None, "u-1"),
        ("alias", None, "u-1"),
    ] == found


def test_a_request_that_was_begun_is_answered_before_the_end(tmp_path):
    """Stopping takes no new connections, and loses nothing of what is on its way."""

    async def run():
        log = open_log(tmp_path)
        listener = listening("127.0.0.1", 0)
        port = listener.getsockname()[1]
        body = b'{"userId":"u-1","event":"A"}'
        head = f"POST /v1/track HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {KEY}\r\ncontent-length: {len(body)}\r\n\r\n"
        async with served(Collector(log, keyring([HttpSource("web", (KEY,))])), listener):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head.encode() + body[:5])
            await writer.drain()
            await asyncio.sleep(0.1)
            asyncio.get_running_loop().call_later(0.2, writer.write, body[5:])
        answer = await reader.read(100)
        writer.close()
        kept = len(await log.newest(10))
        await log.close()
        return answer, kept

    answer, kept = asyncio.run(run())
    assert (b"HTTP/1.1 200 OK", 1) == (answer[:15], kept)


def test_a_port_that_is_taken_is_said():
    """With what to do."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(DiagnosticError, match="--port"):
            listening("127.0.0.1", other.getsockname()[1])


def test_an_address_of_no_interface_is_said():
    """Another port would not help: the address is named."""
    with pytest.raises(DiagnosticError, match="--host"):
        listening("203.0.113.1", 0)
