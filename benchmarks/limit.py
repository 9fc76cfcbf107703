"""The bare limit: the DuckDB query that gives the same bytes, and an HTTP client that posts them.

No difference, no ledger, nothing checked: what is left when everything is left out. `limit.py URL FILE COLUMN...` prints
what it took without start-up.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from costs import Cost, cost
from people import BATCH, TYPE

CONNECTIONS = 4


def bare(url: str, file: Path, columns: Sequence[str]) -> Cost:
    """Return what the limit costs as a process of its own."""
    return cost((sys.executable, __file__, url, str(file), *columns), says_json=True)


def imported(*names: str) -> None:
    """Start up: what is imported late is not a part of the work."""
    for name in names:
        import_module(name)


def query(file: str, columns: Sequence[str]) -> str:
    """Return the query that gives each person as they stand in a body."""
    from audiform.connectors.catalog import Catalog
    from audiform.connectors.identifiers import sent_sql

    known = Catalog().get(TYPE).manifest.identifiers
    sent = (
        f"coalesce({sent_sql(known[name], name, region=None, already_hashed=False)}, '')" for name in columns
    )
    return f"""SELECT concat('["', {''', '","', '''.join(sent)}, '"],') AS row FROM read_parquet('{file}')"""


async def post(url: str, file: str, columns: Sequence[str]) -> None:
    """Send everybody, a few requests at once."""
    import aiohttp
    import duckdb

    schema = json.dumps([column.upper() for column in columns]).encode()
    slots, waiting = asyncio.Semaphore(CONNECTIONS), set[asyncio.Task[None]]()
    async with aiohttp.ClientSession() as session:

        async def one(body: bytes) -> None:
            async with session.post(url, data=body, headers={"content-type": "application/json"}) as answer:
                await answer.read()
            slots.release()

        for batch in duckdb.sql(query(file, columns)).to_arrow_reader(BATCH):
            await slots.acquire()
            text = memoryview(batch.column(0).buffers()[2])[:-1]
            task = asyncio.create_task(one(b'{"payload":{"schema":%b,"data":[%b]}}' % (schema, text)))
            waiting.add(task)
            task.add_done_callback(waiting.discard)
        await asyncio.gather(*waiting)


def main(url: str, file: str, columns: Sequence[str]) -> None:
    """Send everybody; print the seconds."""
    imported("aiohttp", "duckdb", "pyarrow")
    begun = time.perf_counter()
    asyncio.run(post(url, file, columns))
    print(json.dumps({"work": time.perf_counter() - begun}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
