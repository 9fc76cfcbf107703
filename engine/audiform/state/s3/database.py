"""The tables as two SQLite databases in memory, each kept as one object that is replaced on a condition.

`records` holds what apply writes and what a plan reads; `journal` what each batch writes: intents, runs, figures, dead letters. So a
batch uploads little, however many resources there are. They are one connection, and each statement finds its table in one of them.

Whoever holds the lock is the only one who writes, so it asks once what there is; who only reads asks each time, and gets
a body only when there is another one. A write is durable when it returns, and replaces exactly what was read. Whoever takes the
lock away gives both objects another etag: the run that had it is refused by the storage itself, and writes nothing any more.
"""

from __future__ import annotations

import gzip
import secrets
import sqlite3
import threading
import uuid
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

from audiform.state.keys import keyed_digest, new_key
from audiform.state.local.schema import migrate
from audiform.state.s3.bucket import Bucket, Lost
from audiform.state.s3.errors import journal_gone, key_lost, lock_lost
from audiform.state.tables import facts

RECORDS, JOURNAL = "main", "journal"
"""The two databases as SQLite names them."""

_OBJECTS = {RECORDS: "records.sqlite.gz", JOURNAL: "journal.sqlite.gz"}
_OF_JOURNAL = ("batch", "run", "intent", "count", "dead_letter")
"""Tables of the journal; a batch before the run that it belongs to, because they are dropped in this order."""

_KEY = "key"


@dataclass(slots=True)
class Database:
    """One process's way to the tables. Safe to use from several threads; one transaction at a time."""

    bucket: Bucket
    _locked: bool = False
    """Whether this process holds the lock, so that nobody else writes."""
    _asked: bool = False
    """Whether it was asked what there is since the lock was taken."""
    _lost: bool = False
    """Whether somebody else wrote while this process held the lock: it is not read or written any more then."""
    _copy: sqlite3.Connection | None = None
    """What was read last of the two objects."""
    _bodies: dict[str, bytes] = field(default_factory=dict[str, bytes], repr=False)
    _etags: dict[str, str] = field(default_factory=dict[str, str])
    _key: bytes | None = field(default=None, repr=False)
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def lock_changed(self, *, held: bool) -> None:
        """Know whether the lock is held; with it begins a time in which nobody else writes."""
        with self._guard:
            self._locked, self._asked, self._lost = held, False, False

    def fence(self) -> None:
        """Give both objects another etag: whoever read them before this can write none of them."""
        for name in _OBJECTS.values():
            while (found := self.bucket.read(name)) is not None:
                with suppress(Lost):
                    self.bucket.write(name, _packed(gzip.decompress(found.body or b"")), found.etag)
                    break

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection | None]:
        """Yield a connection that sees one moment of the state; None where nothing was ever written."""
        with self._guard:
            yield self._current()

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """Yield a connection in a transaction: committed and kept at the end, or nothing of it."""
        with self._guard:
            connection = self._current()
            if connection is None:
                connection = self._copy = _opened(_new_bodies())
            try:
                connection.execute("BEGIN IMMEDIATE")
                self._found(connection)
                yield connection
                # A settled intent is of no use to anybody; its number is never given again all the same.
                connection.execute("DELETE FROM intent WHERE settled IS NOT NULL")
                connection.execute("COMMIT")
                self._keep(connection)
            except BaseException:
                # What is in memory may be ahead of what is kept: it is read anew.
                self.close()
                raise

    def key(self) -> bytes | None:
        """Return the state's key; None where nothing was ever written.

        Raises:
            DiagnosticError: the key of a state that holds something is gone or another one (`state-key-lost`).
        """
        with self.reading() as connection:
            check = None if connection is None else facts.fact(connection, "key_check")
        if check is None:
            return None
        if self._key is None:
            found = self.bucket.read(_KEY)
            self._key = found.body if found else None
        if self._key is None or keyed_digest(self._key, "check", "") != check:
            raise key_lost(self.bucket.place)
        return self._key

    def adopt(self, key: bytes) -> None:
        """Put the key into the bucket before there is a state."""
        with self.reading() as connection:
            known = connection is not None
        if not known:
            self._put_key(key)
            with self.writing():
                pass

    def close(self) -> None:
        """Close the copy in memory. What is asked for afterwards is read anew."""
        with self._guard:
            if self._copy is not None:
                self._copy.close()
            self._copy = self._key = None
            self._bodies.clear()
            self._etags.clear()

    def _current(self) -> sqlite3.Connection | None:
        """Return a copy of what there is, None where there are no records."""
        if self._lost:
            raise lock_lost(self.bucket.place)
        if self._copy is not None and (self._copy.in_transaction or (self._locked and self._asked)):
            return self._copy
        found = {name: self.bucket.read(key, self._etags.get(name)) for name, key in _OBJECTS.items()}
        self._asked = True
        changed = {name: item for name, item in found.items() if item and item.body is not None}
        if changed or not all(found.values()):
            bodies = self._bodies | {
                name: gzip.decompress(item.body or b"") for name, item in changed.items()
            }
            etags = {name: item.etag for name, item in found.items() if item}
            self.close()
            self._etags.update(etags)
            if found[RECORDS] is not None:
                if found[JOURNAL] is None:
                    raise journal_gone(self.bucket.place)
                self._copy = _opened(bodies)
                self._bodies.update(bodies)
                # An older state is brought up to date here; it is kept so with the next write.
                migrate(self._copy, self.bucket.place.shown)
        return self._copy

    def _found(self, connection: sqlite3.Connection) -> None:
        """Give a new state its lineage and its key; a known one keeps both."""
        if facts.fact(connection, "lineage") is not None:
            return
        key = self._put_key(new_key())
        check = keyed_digest(key, "check", "")
        connection.executemany(
            "INSERT INTO fact VALUES (?, ?)",
            [("lineage", str(uuid.uuid4())), ("serial", "0"), ("key_check", check)],
        )

    def _put_key(self, key: bytes) -> bytes:
        """Return the key in the bucket, which is this one where there is none; two processes get the same one."""
        with suppress(Lost):
            self.bucket.write(_KEY, key, None)
            return key
        found = self.bucket.read(_KEY)
        if found is None or not found.body:
            raise key_lost(self.bucket.place)
        return found.body

    def _keep(self, connection: sqlite3.Connection) -> None:
        """Write the objects that differ. The records come last: without them there is no state."""
        for name in (JOURNAL, RECORDS):
            body = connection.serialize(name=name)
            if body == self._bodies.get(name):
                continue
            try:
                self._etags[name] = self.bucket.write(_OBJECTS[name], _packed(body), self._etags.get(name))
            except Lost:
                self._lost = self._locked
                raise lock_lost(self.bucket.place) from None
            self._bodies[name] = body


def _packed(body: bytes) -> bytes:
    """Return what is uploaded. The time in it is none: an etag is of the content, and no two writes may have the same."""
    return gzip.compress(body, compresslevel=1, mtime=secrets.randbits(31))


def _opened(bodies: Mapping[str, bytes]) -> sqlite3.Connection:
    """Return a connection to both databases, in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.execute(f"ATTACH ':memory:' AS {JOURNAL}")
    for name, body in bodies.items():
        connection.deserialize(body, name=name)
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _new_bodies() -> dict[str, bytes]:
    """Return the two databases of a new state: the schema of all tables, each of them in one."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum = FULL")  # what was dropped is not uploaded for ever
        migrate(connection, "")
        whole = connection.serialize()
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    others = [name for (name,) in rows if name not in _OF_JOURNAL and not name.startswith("sqlite_")]
    return {RECORDS: _without(whole, _OF_JOURNAL), JOURNAL: _without(whole, others)}


def _without(body: bytes, tables: Iterable[str]) -> bytes:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.deserialize(body)
        for table in tables:
            connection.execute(f"DROP TABLE {table}")
        return connection.serialize()
