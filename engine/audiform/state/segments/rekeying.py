"""Another key for what is encrypted, a destination at a time: new files beside the old ones, then one new list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.sql import literal
from audiform.state.segments import folding
from audiform.state.segments.sealing import Sealer
from audiform.state.segments.segment import PARQUET, Segment
from audiform.state.segments.session import SegmentSession

_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Rekeying:
    """A change from the key of `old` to the one of `new`, whose id is `key`."""

    session: SegmentSession
    old: Sealer = field(repr=False)
    new: Sealer = field(repr=False)
    key: str

    def destination(self, destination_key: str) -> Iterator[int]:
        """Encrypt a destination's members anew; yield how many after each durable step.

        The list names the old files or the new ones. What it does not name any more is removed: with the old key nobody
        could be found in it, to be forgotten.
        """
        shelf = self.session.shelf
        before = shelf.read(destination_key)
        after: list[Segment] = []
        for segment in before:
            if segment.sealed and segment.rekeyed != self.key:
                after.append(self._anew(destination_key, segment))
                yield 0
            else:
                after.append(segment)
        if after != [*before]:
            shelf.replace(destination_key, after)
            yield sum(item.rows for item in after if item.op != "delete" and not item.past)
        unlisted = {*shelf.files(destination_key)} - {item.file for item in after}
        if unlisted:
            shelf.remove(destination_key, unlisted)

    def verify(self, before: Path, after: Path, columns: tuple[str, ...]) -> None:
        """See that two files hold the same once they are opened.

        Raises:
            DiagnosticError: they do not (`ledger-rekey-failed`).
        """
        names = {column: column for column in columns}
        with closing(self.session.cursor()) as one, closing(self.session.cursor()) as other:
            pairs = zip_longest(
                self.old.opened(one.sql(_rows(before)).to_arrow_reader(_ROWS), names),
                self.new.opened(other.sql(_rows(after)).to_arrow_reader(_ROWS), names),
            )
            for left, right in pairs:
                if left is None or right is None or not left.equals(right):
                    raise _differs(after)

    def _anew(self, destination_key: str, segment: Segment) -> Segment:
        shelf, names = self.session.shelf, {column: column for column in segment.sealed}
        folder = shelf.prepare(destination_key)
        shelf.fetch(destination_key, (segment.file,))
        before = folder / segment.file
        # The name still begins with the run's id, and does not grow with each rekey.
        stem = segment.file.removesuffix(".parquet").partition(".key-")[0]
        after = folder / f"{stem}.key-{self.key}.parquet"
        with folding.rows_of(
            self.session.connection,
            self.session.cursor,
            _rows(before),
            lambda reader: self.new.sealed(self.old.opened(reader, names), names),
            names,
        ) as rows:
            self.session.connection.execute(f"COPY (SELECT * FROM {rows}) TO {literal(str(after))} {PARQUET}")
        self.verify(before, after, segment.sealed)
        shelf.keep(destination_key, after.name)
        return replace(segment, file=after.name, rekeyed=self.key)


def _rows(file: Path) -> str:
    return f"SELECT * FROM read_parquet({literal(str(file))})"


def _differs(file: Path) -> DiagnosticError:
    text = (
        f"{file} was written, and what was read back is not what the old file holds, so it does not count. The ledger is as it "
        "was. See whether the disk is damaged or full, then run `audiform state rekey` again."
    )
    return DiagnosticError([Diagnostic("ledger-rekey-failed", text)])
