"""Reads events from files into the log, once: JSON lines or Parquet, for back-fills."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from audiform.collector.reading import Reading
from audiform.config.event_kinds import EventSource, FilesSettings
from audiform.config.secret_references import SecretReference
from audiform.eventlog.log import EventLog, LogFullError, LogUnavailableError
from audiform.events.event import Event
from audiform.forwarding.store import SqliteRecords
from audiform.forwarding.telling import Telling

_AT_ONCE = 1_000
_LOOK_SECONDS = 5.0


@dataclass(slots=True)
class FileReader:
    """One source of type `files`. How far each file was read is kept; a new file in the folder is read when it is there."""

    name: str
    source: EventSource
    log: EventLog
    root: Path
    secret: Callable[[SecretReference], str] = field(repr=False)
    records: SqliteRecords = field(repr=False)
    telling: Telling = field(repr=False)

    async def run(self) -> None:
        """Read until it is cancelled."""
        settings = FilesSettings.model_validate(self.source.settings)
        while True:
            for file in await asyncio.to_thread(self._files, settings.path):
                await self._read(file, settings.format or _format_of(file))
            await asyncio.sleep(_LOOK_SECONDS)

    def _files(self, path: str) -> Sequence[Path]:
        """Return the files inside of the project's folder; links out of it are none."""
        whole = self.root / path
        found = whole.rglob("*") if whole.is_dir() else self.root.glob(path)
        inside = self.root.resolve()
        return sorted(file for file in found if file.is_file() and file.resolve().is_relative_to(inside))

    async def _read(self, file: Path, form: str) -> None:
        """Read what is new in one file. The log knows what of it was kept when the progress was not written any more."""
        place = file.relative_to(self.root).as_posix()
        key = f"{self.name}\0{place}"
        done = int((await self.records.progress(key)).get("rows", 0))
        reading = Reading(self.name)
        rows = await asyncio.to_thread(lambda: islice(_rows(file, form), done, None))
        while part := await asyncio.to_thread(lambda: list(islice(rows, _AT_ONCE))):
            found = [
                self._event(reading, form, row, f"{place}:{done + number}") for number, row in enumerate(part)
            ]
            await self._append([event for event in found if event is not None])
            done += len(part)
            await self.records.advance(key, {"rows": done})
        if reading.refused:
            self.telling.say("rows_not_read", source=self.name, file=place, reasons=reading.refused)

    def _event(self, reading: Reading, form: str, row: Any, place: str) -> Event | None:
        return reading.message(row, place) if form == "jsonl" else reading.row(row, place)

    async def _append(self, events: Sequence[Event]) -> None:
        """Append, and wait while there is no room: a back-fill has time."""
        while True:
            try:
                await self.log.append(events)
            except LogFullError as full:
                await asyncio.sleep(full.retry_after)
            except LogUnavailableError as gone:
                self.telling.say("source_waits", source=self.name, why=str(gone))
                await asyncio.sleep(_LOOK_SECONDS)
            else:
                return


def _format_of(file: Path) -> str:
    return "parquet" if file.suffix == ".parquet" else "jsonl"


def _rows(file: Path, form: str) -> Iterator[Any]:
    """Yield the lines, or the rows as JSON data, a batch at a time in memory."""
    if form == "jsonl":
        with file.open("rb") as lines:
            yield from (line for line in lines if line.strip())
        return
    import orjson
    from pyarrow import parquet

    reading: Any = parquet
    with reading.ParquetFile(file) as table:
        for batch in table.iter_batches(_AT_ONCE):
            # Times and decimals become what JSON has for them.
            yield from orjson.loads(orjson.dumps(batch.to_pylist(), default=str))
