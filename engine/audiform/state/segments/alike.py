"""Files that sessions on one DuckDB would write alike, row by row: the first one writes, the others have the same bytes."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Alike:
    """What was written so far, under names that say what it is. `folder`: goes with the first of the sessions."""

    folder: Path
    _turns: dict[str, threading.Lock] = field(default_factory=dict[str, threading.Lock])
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    @contextmanager
    def written(self, what: str, file: Path) -> Generator[bool]:
        """Yield whether `file` is there already; where it is not, whoever asks writes it, and the others wait for that."""
        with self._turns.setdefault(what, threading.Lock()):
            kept = self.folder / f"{what}.parquet"
            if kept.exists():
                _link(kept, file)
                yield True
            else:
                yield False
                self._keep(file, kept)

    def close(self) -> None:
        """Keep nothing any more: the folder is removed, and a thread of a run that was interrupted may still be writing."""
        with self._guard:
            self._closed = True

    def _keep(self, file: Path, kept: Path) -> None:
        with self._guard:
            if not self._closed:
                self.folder.mkdir(mode=0o700, exist_ok=True)
                _link(file, kept)


def _link(there: Path, file: Path) -> None:
    """Give the file a second name: nobody changes one that was written. Where there is no such thing, copy it."""
    try:
        os.link(there, file)
    except OSError:
        shutil.copyfile(there, file)
    os.utime(file)
