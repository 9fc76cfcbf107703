"""The ledger: who was sent to which destination, and what. Its rows never become Python objects.

Everything is SQL on one DuckDB connection, because the membership difference is a join of the source
with the ledger. A backend's session puts its tables where that connection can read them.

Members are kept per *destination* (`destination_key`), one row per binding and member:

    binding        VARCHAR  name of the binding that added the member
    identity       UUID     keyed digest of what identifies the member there
    variables      UUID     keyed digest of what else was sent (null where there is nothing else)
    unsure         BOOLEAN  whether the platform has the member is not known: nobody saw the answer
    "hex:NAME"     BLOB     identifier as sent, in one of its `Form`s: "hex:email", "sealed:email"

A run is `stage` (durable, before anything is sent) -> `begin_run` -> per batch `start_batch`, then
`settle_batch` -> `fold` -> `end_run`. A run that was killed is recovered by the next `open`: settled batches
are folded, started ones are *unsure* (their adds stay members so that they can be removed, their rows are
sent again), the others are dropped.

What a run moved is kept for `KEPT_DAYS` after it ended, members that it removed included, so that it can be undone
(`moved`). Somebody who is to be forgotten is found by what was sent of them, and taken out of all of it (`erase`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, Self

from audiform.hashing import digest_text
from audiform.outcome import Signal
from audiform.sql import literal
from audiform.state.store import Run

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


KEPT = timedelta(days=7)
"""How long the members that a run moved are remembered after it: so long it can be undone."""


def destination_key(connector: str, destination_id: str) -> str:
    """Return the name of a destination in the ledger: the same for all bindings that fill it."""
    return digest_text(f"{connector}\0{destination_id}")[:32]


class Form(StrEnum):
    """How an identifier is kept: a digest as the bytes that its text stands for, anything else encrypted.

    The same value always has the same form and the same bytes, so that kept values are compared as they are.
    """

    HEX = "hex"
    BASE64 = "base64"
    SEALED = "sealed"

    def key(self, identifier: str) -> str:
        """Return the name of the column that holds an identifier in this form."""
        return f"{self.value}:{identifier}"

    def column(self, identifier: str) -> str:
        """Return the quoted name of the column that holds an identifier in this form."""
        return f'"{self.value}:{identifier}"'


PROFILE = "@profile"
"""No identifier's name. Under it the ledger keeps, in the form HEX, a keyed digest of the key by which a source knows a member: of
audiences that are read by what changed, so that a row finds what was sent of its profile. None where several profiles share the
member. It is never sent."""


def as_sent(identifier: str) -> str:
    """Return the quoted name of the column that holds an identifier as it is sent."""
    return f'"id:{identifier}"'


@dataclass(frozen=True, slots=True)
class SentKey:
    """An identifier of one person as a destination is sent it, and the form in which it is kept there."""

    form: Form
    identifier: str
    value: str = field(repr=False)


def tombstone_text(identifier: str, value_sql: str) -> str:
    """Return the SQL of the text whose digest is a tombstone; NULL where the value is."""
    return f"{literal(f'forgotten {identifier}=')} || {value_sql}"


class Part(StrEnum):
    """Staged rows by what they do; the order is that of sending.

    `trim` removes keys of a member whose other keys stay, because somebody who stays has them. `claim` and
    `forget` send nothing: another binding, or another member, holds the same at the destination. Nor does `keep`:
    the member stays, and belongs to another profile of the source.
    """

    CLAIM = "claim"
    KEEP = "keep"
    ADD = "add"
    MODIFY = "modify"
    REMOVE = "remove"
    TRIM = "trim"
    FORGET = "forget"

    @property
    def signal(self) -> Signal | None:
        """The signal that carries these rows, None where nothing is sent."""
        match self:
            case Part.CLAIM | Part.KEEP | Part.FORGET:
                return None
            case Part.TRIM:
                return Signal.REMOVE
            case _:
                return Signal(self.value)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows `[first, last)` of a part of a staged run: what is journalled at once, in one or more requests."""

    number: int
    part: Part
    first: int
    last: int

    def data(self) -> dict[str, Any]:
        """Return what the journal keeps when the batch is started."""
        return {"part": self.part.value, "first": self.first, "last": self.last}


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a batch: all its rows were taken but these, by their place in the part.

    `failed`: certainly not taken, `unsure`: nobody saw an answer; both as ranges `[first, last)`.
    """

    batch: Batch
    rejected: Sequence[int] = ()
    failed: Sequence[tuple[int, int]] = ()
    unsure: Sequence[tuple[int, int]] = ()

    def data(self) -> dict[str, Any]:
        """Return what the journal keeps when the batch is settled."""
        exceptions = {"rejected": self.rejected, "failed": self.failed, "unsure": self.unsure}
        return self.batch.data() | {name: list(found) for name, found in exceptions.items() if found}

    @classmethod
    def read(cls, number: int, data: Mapping[str, Any], *, settled: bool) -> Self:
        """Return what the journal kept; a batch that was only started is unsure as a whole."""
        batch = Batch(number, Part(data["part"]), data["first"], data["last"])
        if not settled:
            return cls(batch, unsure=((batch.first, batch.last),))
        failed, unsure = (tuple((a, b) for a, b in data.get(name, ())) for name in ("failed", "unsure"))
        return cls(batch, tuple(data.get("rejected", ())), failed, unsure)


class LedgerSession(Protocol):
    """An open ledger; `connection` can read the members of every destination, and has the schema `audiform`.

    The connection reaches no file but the ledger's own; whoever adds a source opens it to that. What it has no
    memory for goes to disk, encrypted, until it is closed.
    """

    connection: DuckDBPyConnection

    @property
    def database(self) -> str:
        """The quoted name of the database with its tables, for a session that was opened beside this one."""
        ...

    def cursor(self) -> DuckDBPyConnection:
        """Return a second connection with the same tables and digests; whoever asks for it closes it."""
        ...

    @property
    def folders(self) -> Sequence[str]:
        """Folders that the connection must be able to reach for the ledger to work."""
        ...

    def members(self, destination_key: str) -> str:
        """Return the quoted SQL name of the destination's members (an empty relation if it has none)."""
        ...

    def columns(self, destination_key: str) -> Sequence[tuple[Form, str]]:
        """Return the forms in which the destination's members have identifiers."""
        ...

    def digest(self, text_sql: str) -> str:
        """Return the SQL of the keyed digest (UUID) of a text that is not NULL."""
        ...

    def revealed(self, query: str, table: str) -> None:
        """Make `table` from a query of kept columns, with an `as_sent` column for each identifier."""
        ...

    def count(self, destination_key: str, binding: str | None = None) -> int: ...
    def stage(
        self, run: Run, part: Part, query: str, forms: Mapping[str, Form], alike: str | None = None
    ) -> int:
        """Keep the rows of `query` for `run`, in their order, durably; return how many they are.

        `query` has `identity`, `variables` and either kept columns or `as_sent` columns with their `forms`. `alike`: sessions beside
        this one stage the same rows under this name, so that they are made once.
        """
        ...

    def staged(self, run: Run, part: Part) -> str:
        """Return the relation of a part's staged rows, each with its place in the part as `row`."""
        ...

    def fold(self, run: Run, settled: Sequence[Settled]) -> None:
        """Make members of what was taken, in one step; what is not in `settled` was never sent."""
        ...

    def drop(self, destination_key: str, binding: str | None = None) -> None:
        """Forget the members: the destination is gone, or the binding was forgotten."""
        ...

    def rename(self, binding: str, new: str) -> None:
        """Give the members of a binding its new name: it was moved in the state."""
        ...

    def moved(self, destination_key: str, run: str) -> Mapping[Part, str]:
        """Return part -> relation of its rows that were taken, of a run that ended; nothing once it is too long ago.

        The relations have `identity`, `variables`, `unsure` and kept columns, as members have.
        """
        ...

    def kept(self, key: SentKey) -> bytes:
        """Return what is kept of an identifier in its form: what its column is compared with."""
        ...

    def traces(self, destination_key: str, keys: Sequence[SentKey]) -> int:
        """Count the rows that one of the keys names: of members, and of all that is kept of runs."""
        ...

    def erase(self, destination_key: str, keys: Sequence[SentKey]) -> int:
        """Leave nothing of whom one of the keys names, as a member or as somebody a run moved; return the rows.

        The caller holds the state's lock, and no run of the destination is on its way. A kill in between leaves
        all of them or none in what counts, and the rest is erased by the next call.
        """
        ...

    def close(self) -> None: ...


class Ledger(Protocol):
    """Opens sessions. Reading never waits for a writer, and sees the ledger as the next writer will find it."""

    def verify_key(self) -> None:
        """See that what is kept encrypted can be opened with the key at hand; nothing is read or sent before that.

        Raises:
            DiagnosticError: it cannot (`ledger-key-missing`, `ledger-key-wrong`, `ledger-not-rekeyed`, ...).
        """
        ...

    def open(self, *, write: bool, beside: LedgerSession | None = None) -> LedgerSession:
        """Return a session on the ledger as it is now.

        `beside`: an open session of this ledger, whose tables the new one can read, under the name of its `database`. They share
        memory and what they reach; each has tables of its own. `beside` is the last one to be closed.
        """
        ...

    def rekey(self) -> Iterator[int]:
        """Encrypt everything with the present key; yield the number of members after each durable step.

        Whoever does it holds the lock. Until it ends nothing opens the ledger; done again, it goes on where it was.
        """
        ...

    def destinations(self) -> Sequence[str]: ...
