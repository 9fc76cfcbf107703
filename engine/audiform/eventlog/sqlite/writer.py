"""Group commit: one thread writes, and whatever waits while it commits is in its next transaction."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Work = Callable[[sqlite3.Connection], Any]


@dataclass(slots=True)
class _Job:
    work: Work
    done: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


@dataclass(slots=True)
class Writer:
    """Does work on a connection in the order in which it comes. Belongs to one event loop.

    `committed` and `undone` are called after a transaction that was, on the same thread.
    """

    connection: sqlite3.Connection
    committed: Callable[[sqlite3.Connection], None] = lambda _: None
    undone: Callable[[sqlite3.Connection], None] = lambda _: None
    _jobs: queue.SimpleQueue[_Job | None] = field(
        default_factory=queue.SimpleQueue["_Job | None"], init=False
    )
    _thread: threading.Thread | None = field(default=None, init=False)

    async def do(self, work: Work) -> Any:
        """Return what `work` returns, once it is on disk."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="audiform-event-log", daemon=True)
            self._thread.start()
        done = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(work, done))
        return await done

    async def close(self) -> None:
        """Do what is waiting, then end the thread."""
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        ending = False
        while not ending:
            jobs = [self._jobs.get()]
            while not self._jobs.empty():
                jobs.append(self._jobs.get())
            ending = None in jobs
            self._commit([job for job in jobs if job is not None])

    def _commit(self, jobs: Sequence[_Job]) -> None:
        if not jobs:
            return
        if not self._together(jobs):
            # One of them failed and took the others with it: each alone, so that only that one is told.
            for job in jobs:
                self._together([job])
        jobs[0].done.get_loop().call_soon_threadsafe(_tell, jobs)

    def _together(self, jobs: Sequence[_Job]) -> bool:
        """Do the jobs in one transaction; return whether all of them worked."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                job.result, job.error = job.work(self.connection), None
            self.connection.execute("COMMIT")
            self.committed(self.connection)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the job
            for job in jobs:
                job.error = error
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            self.undone(self.connection)
            return False
        return True


def _tell(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        if job.done.done():  # whoever waited was cancelled
            continue
        if job.error is not None:
            job.done.set_exception(job.error)
        else:
            job.done.set_result(job.result)
