"""Events taken in and sent on by `audiform run`, beside the limits that are measured in the same run.

Ingest: single events of 1 kB over HTTP, each answered when it is on disk, to the bare ASGI server (uvicorn as it comes) that
answers without reading or keeping anything. Forwarding: a stream that waits in the log, to one `http_event` in batches of 100. Latency:
from the request until the destination has it, at half of the lower of both rates. Server, sink and load are processes of
their own. Prints JSON; exit code 1 when a budget does not hold.

    python benchmarks/events.py                 as the budgets are meant
    python benchmarks/events.py --seconds 60    longer: memory does not grow with events
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from results import Budget, Figure, Result, finish, here, options

CONNECTIONS = 256
BATCH = 100
KEY = "bench"
LEAST_SHARE = 0.4
LEAST_FORWARDED = 5_000
MOST_P99_SECONDS = 0.1
MOST_GROWTH = 1.25
MOST_SECONDS = 120
SLICES = 3
"""Bare server and collector take turns so often: a noisy machine is noisy for both."""


# --- Load


@dataclass
class Load:
    """What was sent and how it went."""

    sent: int = 0
    refused: int = 0
    seconds: float = 0.0


class _Client(asyncio.Protocol):
    """One kept-alive connection that sends the next event when the last one is answered, not before its time."""

    def __init__(self, load: Load, pause: Callable[[], float], over: Callable[[], bool], name: str) -> None:
        self.load, self.pause, self.over, self.name = load, pause, over, name
        self.number, self.gone = 0, asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1"):
            self.load.refused += b" 200 " not in data[:16]
        if data.endswith(b"}"):  # head and body may come one after the other
            self.load.sent += 1
            self._next()

    def connection_lost(self, _: Exception | None) -> None:
        self.gone.set_result(None)

    def _next(self) -> None:
        if self.over():
            self.transport.close()
            return
        wait = self.pause()
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._write)
        else:
            self._write()

    def _write(self) -> None:
        if self.transport.is_closing():
            return
        self.number += 1
        self.transport.write(request(f"{self.name}-{self.number}"))  # type: ignore[attr-defined]


def request(name: str) -> bytes:
    """Return one event of 1 kB."""
    body = (
        f'{{"messageId":"{name}","userId":"u-{name}","event":"Order Completed","properties":'
        f'{{"total":12.5,"currency":"EUR","text":"{"x" * 850}"}}}}'
    ).encode()
    head = f"POST /v1/track HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {KEY}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _load(port: int, seconds: float, rate: float | None, connections: int) -> Load:
    load, loop = Load(), asyncio.get_running_loop()
    start = loop.time()
    end = start + seconds
    turn = iter(range(10**12))

    def pause() -> float:
        return 0.0 if rate is None else start + next(turn) / rate - loop.time()

    clients = []
    for number in range(connections):
        name = f"{os.getpid()}-{time.monotonic_ns()}-{number}"
        made = lambda name=name: _Client(load, pause, lambda: loop.time() > end, name)  # noqa: E731
        _, client = await loop.create_connection(made, "127.0.0.1", port)
        clients.append(client)
    await asyncio.gather(*(client.gone for client in clients))
    load.seconds = loop.time() - start
    return load


# --- Servers


BARE = """
import uvicorn
from audiform.collector.serve import listening
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"16")]
async def application(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b'{"success":true}'})
listener = listening("127.0.0.1", 0)
print(listener.getsockname()[1], flush=True)
config = uvicorn.Config(application, loop="uvloop", http="httptools", ws="none", lifespan="off", log_config=None,
    access_log=False, proxy_headers=False, server_header=False, date_header=False)
uvicorn.Server(config).run(sockets=[listener])
"""

SINK = """
import asyncio, json, sys, time
from datetime import datetime
import orjson
from audiform.collector.serve import event_loop, listening, served
count, latencies, first, last = 0, [], 0.0, 0.0
async def application(scope, receive, send):
    global count, first, last
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    out = b"{}"
    if scope["path"] == "/figures":
        out = json.dumps({"count": count, "first": first, "last": last, "latencies": latencies}).encode()
        latencies.clear()
    else:
        now = last = time.time()
        first = first or now
        events = orjson.loads(body)["events"]
        count += len(events)
        latencies.extend(now - datetime.fromisoformat(event["received"]).timestamp() for event in events)
    length = [(b"content-type", b"application/json"), (b"content-length", str(len(out)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": out})
async def main():
    listener = listening("127.0.0.1", 0)
    async with served(application, listener):
        print(listener.getsockname()[1], flush=True)
        await asyncio.Event().wait()
with asyncio.Runner(loop_factory=event_loop) as runner:
    runner.run(main())
"""


@dataclass
class Server:
    """A process that serves on a port."""

    process: subprocess.Popen[str]
    port: int
    usage: psutil.Process = field(init=False)

    def __post_init__(self) -> None:
        self.usage = psutil.Process(self.process.pid)

    def cpu(self) -> float:
        """Return the seconds of processor time that it has taken."""
        user, system, *_ = self.usage.cpu_times()
        return float(user + system)

    def megabytes(self) -> float:
        """Return the memory that it takes."""
        return float(self.usage.memory_info().rss) / 1024**2


@contextmanager
def script(text: str) -> Iterator[Server]:
    """Run a server that says its port."""
    process = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
    try:
        yield Server(process, int((process.stdout or sys.stdin).readline()))
    finally:
        process.kill()
        process.wait()


@contextmanager
def run(root: Path) -> Iterator[Server]:
    """Run `audiform run` on a project."""
    command = [sys.executable, "-m", "audiform", "-C", str(root), "run", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr or ():
            said = json.loads(line)
            if said["event"] == "running":
                break
        yield Server(process, int(said["url"].rpartition(":")[2]))
    finally:
        process.terminate()
        process.communicate(timeout=30)


def project(root: Path, sink: int, *, enabled: bool) -> None:
    """Write a project with one source and one connector to the sink, and apply it."""
    send = {
        "request": {"body": {"events": "${rows}"}},
        "row": "${row.payload}",
        "rows_per_request": BATCH,
    }
    connector = {
        "type": "http_event",
        "settings": {"url": f"http://127.0.0.1:{sink}/", "send": send},
        "batch": {"max_seconds": 0.01},
        "enabled": enabled,
        "on_resume": "replay",
    }
    files: Mapping[str, Any] = {
        "audiform.yaml": {"project": "bench", "policy": {"allowed_hosts": ["127.0.0.1"]}},
        "events.yaml": {
            "event_sources": {"web": {"type": "http", "write_keys": {"web": {"from_file": "key"}}}},
            "event_connectors": {"sink": connector},
        },
    }
    for name, body in files.items():
        (root / name).write_text(json.dumps(body), encoding="utf-8")
    (root / "key").write_text(KEY, encoding="utf-8")
    (root / "key").chmod(0o600)
    done = subprocess.run(
        [sys.executable, "-m", "audiform", "-C", str(root), "apply", "--auto-approve"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


# --- Figures


def load(port: int, seconds: float, rate: float | None = None, connections: int = CONNECTIONS) -> Load:
    """Send events for so long; `rate` a second, or as fast as they are answered."""
    import uvloop

    return uvloop.run(_load(port, seconds, rate, connections))


def figures_of(sink: Server) -> dict[str, Any]:
    """Ask the sink what it got."""
    import httpx

    found: dict[str, Any] = httpx.get(f"http://127.0.0.1:{sink.port}/figures", timeout=30).json()
    return found


def ingest(root: Path, sink: Server, seconds: float) -> dict[str, Any]:
    """Measure the collector beside the bare server, in turns."""
    bare_rates, rates, bare_cpu, cpu = [], [], 0.0, 0.0
    project(root, sink.port, enabled=True)
    with script(BARE) as bare, run(root) as server:
        project(
            root, sink.port, enabled=False
        )  # it has its place in the log, and is sent what is kept for it later
        time.sleep(1)
        for _ in range(SLICES):
            before = bare.cpu()
            plain = load(bare.port, seconds / SLICES)
            bare_rates.append(plain.sent / plain.seconds)
            bare_cpu += (bare.cpu() - before) / max(1, plain.sent) / SLICES
            before = server.cpu()
            mine = load(server.port, seconds / SLICES)
            rates.append(mine.sent / mine.seconds)
            cpu += (server.cpu() - before) / max(1, mine.sent) / SLICES
            if mine.refused:
                sys.exit(f"{mine.refused} events were refused")
    rate, bare_rate = statistics.median(rates), statistics.median(bare_rates)
    return {
        "events_per_second": round(rate),
        "bare_server_per_second": round(bare_rate),
        "share": round(rate / bare_rate, 2),
        "cpu_microseconds_per_event": round(cpu * 1e6),
        "bare_server_cpu_microseconds_per_request": round(bare_cpu * 1e6),
        "cpu_share": round(bare_cpu / cpu, 2),
    }


def forwarding(root: Path, sink: Server) -> dict[str, Any]:
    """Send on what `ingest` has kept."""
    with run(root) as server:
        before = server.cpu()
        project(root, sink.port, enabled=True)
        waited = time.monotonic()
        while _lag(root) != 0 and time.monotonic() - waited < MOST_SECONDS:
            time.sleep(0.5)
        cpu, found = server.cpu() - before, figures_of(sink)
    seconds = found["last"] - found["first"]
    return {
        "events": found["count"],
        "events_per_second": round(found["count"] / seconds),
        "events_per_second_and_core": round(found["count"] / cpu),
        "core": "the processor time of the process, from the apply on, `apply` itself left out",
    }


def _lag(root: Path) -> int | None:
    done = subprocess.run(
        [sys.executable, "-m", "audiform", "-C", str(root), "status", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    (connector,) = json.loads(done.stdout)["connectors"]
    lag: int | None = connector["lag"]
    return lag


def latency(root: Path, sink: Server, rate: float, seconds: float) -> dict[str, Any]:
    """Take in and send on at a rate, and look at memory."""
    with run(root) as server:
        load(server.port, seconds, rate, 32)  # until the caches are as full as they get
        time.sleep(1)
        figures_of(sink)
        before = server.megabytes()
        sent = load(server.port, seconds, rate, 32)
        time.sleep(1)
        after = server.megabytes()
    found = sorted(figures_of(sink)["latencies"])
    quantile = lambda share: round(found[min(len(found) - 1, int(len(found) * share))], 4)  # noqa: E731
    return {
        "events_per_second": round(sent.sent / sent.seconds),
        "arrived": len(found),
        "sent": sent.sent,
        "p50_seconds": quantile(0.5),
        "p95_seconds": quantile(0.95),
        "p99_seconds": quantile(0.99),
        "megabytes_before": round(before),
        "megabytes_after": round(after),
    }


# --- What it means


def budgets(taken: Mapping[str, Any], sent: Mapping[str, Any], late: Mapping[str, Any]) -> Iterator[Budget]:
    """Yield every budget."""
    yield Budget(
        "ingest, to the bare server", taken["share"], at_least=LEAST_SHARE, peer="a bare ASGI server"
    )
    yield Budget(
        "forwarding by a core", sent["events_per_second_and_core"], "events/s", at_least=LEAST_FORWARDED
    )
    yield Budget("latency at half load, p99", late["p99_seconds"], "s", at_most=MOST_P99_SECONDS)
    growth = late["megabytes_after"] / late["megabytes_before"]
    yield Budget("memory, to what it was before as many events", growth, at_most=MOST_GROWTH)


def figures(taken: Mapping[str, Any], sent: Mapping[str, Any], late: Mapping[str, Any]) -> Iterator[Figure]:
    """Yield what a reader compares."""
    ingest_, latency_ = "Single events of 1 kB taken in", "From the request until the destination has it"
    yield Figure(ingest_, "bare ASGI server", taken["bare_server_per_second"], "events/s")
    yield Figure(ingest_, "Audiform, each on disk", taken["events_per_second"], "events/s")
    each = "Processor time for an event taken in"
    yield Figure(each, "bare ASGI server", taken["bare_server_cpu_microseconds_per_request"], "µs")
    yield Figure(each, "Audiform", taken["cpu_microseconds_per_event"], "µs")
    yield Figure("Sent on in batches of 100", "Audiform", sent["events_per_second"], "events/s")
    yield Figure(
        "Sent on in batches of 100", "Audiform, by a core", sent["events_per_second_and_core"], "events/s"
    )
    for name in ("p50", "p95", "p99"):
        yield Figure(latency_, f"Audiform, {name}", late[f"{name}_seconds"] * 1000, "ms")
    for name in ("before", "after"):
        yield Figure("Memory while it runs", f"Audiform, {name}", late[f"megabytes_{name}"], "MB")


ABOUT = """\
Single events over HTTP, each answered when it is on disk, beside a bare ASGI server on the same server, event loop and parser that answers
without reading or keeping anything; a stream that waits in the log, sent on to one `http_event` in batches of 100; and latency at half
of the lower of both rates. Server, destination and load share the cores."""


def main() -> int:
    """Measure, print, and say whether the budgets hold."""
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=12.0, help="length of each part")
    given = parser.parse_args()
    place, seconds = here("uvicorn", "uvloop", "httptools"), given.seconds
    with tempfile.TemporaryDirectory() as name, script(SINK) as sink:
        root = Path(name)
        taken = ingest(root, sink, seconds)
        sent = forwarding(root, sink)
        half = min(taken["events_per_second"], sent["events_per_second"]) / 2
        late = latency(root, sink, half, seconds)
    seen = taken, sent, late
    detail = {"ingest": taken, "forwarding": sent, "latency_at_half_load": late}
    result = Result("events", "Events", ABOUT, [*figures(*seen)], [*budgets(*seen)], place, detail=detail)
    return finish(result, given)


if __name__ == "__main__":
    sys.exit(main())
