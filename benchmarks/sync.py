"""A first sync of a million profiles and one with 1 % changes, beside the limit and the script that people write.

The limit is measured in the same run: the bare DuckDB query that normalises, hashes and renders the same bodies, and
the bare HTTP client that posts the same bytes. The peer is a script of pandas and requests (extra `bench`). Each is a
process of its own, and so is the sink that takes the requests. Prints JSON; exit code 1 when a budget does not hold.

    python benchmarks/sync.py                   1,000,000 profiles
    python benchmarks/sync.py --rows 4000000    memory does not grow with them
    python benchmarks/sync.py --peer PYTHON     an interpreter that has pandas and requests
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import importlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROWS = 1_000_000
BATCH = 10_000
CHANGED = 0.01
MOST_TIMES_LIMIT = 1.5
"""The sync without start-up and ledger, to the limit's own work."""
MOST_TIMES_WHOLE = 2.0
"""The whole process with the ledger written, to the limit's whole process."""
MOST_MEGABYTES = 1024
REPEATS = 3
TYPE = "meta_custom_audiences"
ANSWER = b'{"audience_id":"1","num_received":0,"num_invalid_entries":0}'


@dataclass(frozen=True)
class Cost:
    """One process: `seconds` from start to end, `megabytes` at its peak, `inner` what it said of itself."""

    seconds: float
    megabytes: float
    inner: Mapping[str, float]


# --- The sink


def _sink() -> None:
    """Take requests and say yes, as fast as can be."""
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(server.getsockname()[1], flush=True)
    while True:
        connection, _ = server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(connection,), daemon=True).start()


def _serve(connection: socket.socket) -> None:
    buffer = bytearray(1 << 20)
    view = memoryview(buffer)
    head = b""
    while True:
        while b"\r\n\r\n" not in head:
            if not (size := connection.recv_into(buffer)):
                return
            head += bytes(view[:size])
        lines, _, body = head.partition(b"\r\n\r\n")
        lengths = [line[15:] for line in lines.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        left = int(lengths[0]) - len(body) if lengths else 0
        while left > 0:
            if not (size := connection.recv_into(buffer, min(left, len(buffer)))):
                return
            left -= size
        head = b""
        start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        connection.sendall(start % len(ANSWER) + ANSWER)


@contextmanager
def sink() -> Iterator[str]:
    """Run the sink; yield its URL."""
    command = [sys.executable, __file__, "--as", "sink"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline() if process.stdout else 0)}"
    finally:
        process.kill()
        process.wait()


# --- The data


def profiles(file: Path, rows: int, *, changed: float = 0.0) -> None:
    """Write people; of `changed` of them half are others, the rest are gone or new."""
    import duckdb

    moved = int(rows * changed / 2)
    duckdb.sql(
        f"""COPY (
            SELECT i AS customer_id,
                   'Person' || (i + CASE WHEN i < {moved} THEN {2 * rows} ELSE 0 END) || '@Example.com' AS email,
                   '+1650' || lpad((2000000 + i % 7000000)::VARCHAR, 7, '2') AS phone
            FROM range({moved}, {rows + moved}) t(i)
            UNION ALL SELECT i, 'New' || i || '@Example.com', NULL FROM range({moved}) t(i) WHERE {moved} > 0
        ) TO '{file}'"""
    )


# --- The limit


def _limit(url: str, file: Path) -> dict[str, float]:
    import duckdb

    from audiform.connectors.catalog import Catalog
    from audiform.connectors.identifiers import sent_sql

    _import("aiohttp", "duckdb", "pyarrow")
    begun = time.perf_counter()
    known = Catalog().get(TYPE).manifest.identifiers
    email, phone = (
        sent_sql(known[name], name, region=None, already_hashed=False) for name in ("email", "phone")
    )
    query = f"""SELECT concat('["', {email}, '","', coalesce({phone}, ''), '"],') AS row FROM read_parquet('{file}')"""

    async def post() -> None:
        import aiohttp

        slots, waiting = asyncio.Semaphore(4), set[asyncio.Task[None]]()
        async with aiohttp.ClientSession() as session:

            async def one(body: bytes) -> None:
                async with session.post(
                    url, data=body, headers={"content-type": "application/json"}
                ) as answer:
                    await answer.read()
                slots.release()

            for batch in duckdb.sql(query).to_arrow_reader(BATCH):
                await slots.acquire()
                text = memoryview(batch.column(0).buffers()[2])[:-1]
                task = asyncio.create_task(
                    one(b'{"payload":{"schema":["EMAIL","PHONE"],"data":[%b]}}' % text)
                )
                waiting.add(task)
                task.add_done_callback(waiting.discard)
            await asyncio.gather(*waiting)

    asyncio.run(post())
    return {"work": time.perf_counter() - begun}


# --- The script that people write


def _pandas(url: str, file: Path) -> dict[str, float]:
    import pandas as pd
    import requests

    begun = time.perf_counter()
    people = pd.read_parquet(file)
    people["email"] = people["email"].str.strip().str.lower()
    people["phone"] = people["phone"].fillna("").str.replace(r"\D", "", regex=True)
    for column in ("email", "phone"):
        people[column] = [
            hashlib.sha256(value.encode()).hexdigest() if value else "" for value in people[column]
        ]
    with requests.Session() as session:
        for first in range(0, len(people), BATCH):
            rows = people[["email", "phone"]].iloc[first : first + BATCH].to_numpy().tolist()
            payload = {"payload": {"schema": ["EMAIL", "PHONE"], "data": rows}}
            session.post(url, json=payload, timeout=60).raise_for_status()
    return {"work": time.perf_counter() - begun}


# --- Audiform


def _project(root: Path, url: str) -> None:
    """Write a project and record it as an apply does."""
    texts = {
        "audiform.yaml": "project: bench\n",
        "resources.yaml": f"""
sources: {{shop: {{type: duckdb, settings: {{tables: {{people: people.parquet}}}}}}}}
connectors:
  ads:
    type: {TYPE}
    settings: {{ad_account_id: "1"}}
    credentials: {{access_token: {{from_env: PATH}}}}
    endpoint: {url}
audiences:
  everybody:
    source: shop
    query: SELECT * FROM people
    profile_key: customer_id
    identifiers: {{email: email, phone: phone}}
bindings:
  everybody_on_ads:
    audience: everybody
    connector: ads
    destination: {{name: Everybody}}
    on_delete: keep
""",
    }
    for name, text in texts.items():
        (root / name).write_text(text, encoding="utf-8")


def _record(root: Path) -> None:
    from audiform.config.load import load
    from audiform.plan.records import record_of
    from audiform.state.open import open_store

    project, problems = load(root, None)
    if project is None:
        raise RuntimeError([problem.detail for problem in problems])
    store = open_store(project.state.url, root, project.environment.name)
    store.put(
        *(
            record_of(project, address, type_digests={TYPE: ""}, secret_digests={}, destination_id="1")
            for address in project.digests
        )
    )
    store.close()


class _Timed:
    """A ledger that says how long it took to write."""

    def __init__(self, ledger: Any, seconds: list[float]) -> None:
        self._ledger, self._seconds = ledger, seconds

    def open(self, *, write: bool) -> Any:
        session = self._ledger.open(write=write)
        timed: type = type("TimedSession", (type(session),), {"__slots__": ()})
        for name in ("stage", "fold"):
            setattr(timed, name, self._measured(getattr(type(session), name)))
        session.__class__ = timed
        return session

    def destinations(self) -> Sequence[str]:
        return self._ledger.destinations()

    def _measured(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*arguments: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            try:
                return method(*arguments, **named)
            finally:
                self._seconds.append(time.perf_counter() - begun)

        return measured


def _audiform(_url: str, file: Path) -> dict[str, float]:
    from audiform.config.load import load
    from audiform.connectors.catalog import Catalog
    from audiform.delivery.deliver import deliver
    from audiform.runtime import Runtime
    from audiform.state.open import open_ledger, open_store
    from audiform.transport import HttpTransport

    root = file.parent
    project, _ = load(root, None)
    if project is None:
        raise RuntimeError("the project does not load")
    store = open_store(project.state.url, root, project.environment.name)
    ledger: list[float] = []
    timed = _Timed(open_ledger(project.state.url, root, project.environment.name), ledger)
    transport = HttpTransport()
    runtime = Runtime(project, Catalog(root), store, timed, transport)

    async def work() -> Any:
        try:
            return await deliver(runtime, "everybody_on_ads", approved=["everybody_on_ads.max_removed"])
        finally:
            await transport.close()

    _import("aiohttp", "cryptography", "duckdb", "httpx", "httpx_aiohttp", "pyarrow")
    begun = time.perf_counter()
    report = asyncio.run(work())
    seconds = time.perf_counter() - begun
    store.close()
    if report.status != "done":
        raise RuntimeError(report)
    return {"work": seconds, "ledger": sum(ledger), "sent": float(sum(report.sent.values()))}


def _import(*names: str) -> None:
    """Start up: what is imported late is not a part of the work."""
    for name in names:
        importlib.import_module(name)


# --- Running


ROLES = {"limit": _limit, "pandas": _pandas, "audiform": _audiform}


def cost(role: str, url: str, file: Path, python: str = sys.executable) -> Cost:
    """Return what one role costs as a process of its own."""
    command = [python, __file__, "--as", role, "--url", url, "--file", str(file)]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{role} failed")
    return Cost(seconds, usage.ru_maxrss / 1024, json.loads(said))


def best(costs: Sequence[Cost]) -> Cost:
    """Return the run that other work on the machine disturbed least, with the largest peak of all."""
    least = min(costs, key=lambda one: one.seconds)
    return Cost(least.seconds, max(one.megabytes for one in costs), least.inner)


def measure(rows: int, peer: str | None) -> dict[str, Any]:
    """Return the figures of all, each the best of a few runs that take turns."""
    with tempfile.TemporaryDirectory() as folder, sink() as url:
        data = Path(folder) / "people.parquet"
        profiles(data, rows)
        roots = []
        limits, firsts, laters, peers = [], [], [], []
        for number in range(REPEATS):
            root = Path(folder) / f"project{number}"
            root.mkdir()
            _project(root, url)
            _record(root)
            own = root / "people.parquet"
            own.hardlink_to(data)
            limits.append(cost("limit", url, data))
            firsts.append(cost("audiform", url, own))
            if peer is not None:
                peers.append(cost("pandas", url, data, peer))
            roots.append(root)
        changed = Path(folder) / "changed.parquet"
        profiles(changed, rows, changed=CHANGED)
        for root in roots:
            own = root / "people.parquet"
            own.unlink()
            own.hardlink_to(changed)
            laters.append(cost("audiform", url, own))
        return _figures(rows, best(limits), best(firsts), best(laters), best(peers) if peers else None)


def _figures(rows: int, limit: Cost, first: Cost, second: Cost, peer: Cost | None) -> dict[str, Any]:
    bare = first.inner["work"] - first.inner["ledger"]
    budgets = [
        ("first sync without ledger, to the limit's work", MOST_TIMES_LIMIT, bare / limit.inner["work"]),
        ("first sync as a whole process, to the limit's", MOST_TIMES_WHOLE, first.seconds / limit.seconds),
        ("megabytes at the peak", MOST_MEGABYTES, max(first.megabytes, second.megabytes)),
    ]
    if peer is not None:
        budgets.append(("first sync as a whole process, to the script's", 1.0, first.seconds / peer.seconds))
    return {
        "rows": rows,
        "rows_per_second": round(rows / first.seconds),
        "limit": asdict(limit),
        "first_sync": asdict(first),
        "sync_with_changes": asdict(second),
        "pandas_and_requests": asdict(peer) if peer is not None else None,
        "budgets": [
            {"name": name, "limit": most, "seen": round(seen, 2), "holds": seen <= most}
            for name, most, seen in budgets
        ],
    }


def main() -> int:
    """Measure, or be one of those that are measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument(
        "--peer", help="interpreter with pandas and requests (default: this one, if it has them)"
    )
    parser.add_argument("--as", dest="role", choices=["sink", *ROLES], help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role == "sink":
        _sink()
    if given.role:
        print(json.dumps(ROLES[given.role](given.url, given.file)))
        return 0
    has_pandas = all(importlib.util.find_spec(name) for name in ("pandas", "requests"))
    figures = measure(given.rows, given.peer or (sys.executable if has_pandas else None))
    print(json.dumps(figures, indent=2))
    return 0 if all(budget["holds"] for budget in figures["budgets"]) else 1


if __name__ == "__main__":
    sys.exit(main())
