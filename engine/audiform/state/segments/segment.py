"""The members of one destination as segments, and the SQL that reads them.

A segment is a file that is written once: the rows of one part of one run. The newest segment that says something about a member of a
binding is right. So a run's staged file becomes part of the ledger by a line in the list, and no row is
copied; a reader sees the old list or the new one. Many small segments are now and then made into one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

from audiform.sql import literal, name
from audiform.state.ledger import KEPT, Form, as_sent
from audiform.state.naming import form_of

Op = Literal["put", "unsure", "again", "delete"]
"""`unsure`: put, but nobody saw the answer. `again`: put, but what else was sent must be sent again."""

_MOVES = frozenset({"put", "delete"})

PARQUET = "(FORMAT parquet, COMPRESSION uncompressed, PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT 1)"
"""Digests and ciphertext do not compress; trying costs more than writing them."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What one file says about the members of one binding. `columns`: those with kept identifiers.

    `at`: when the run that it is of ended (epoch seconds), 0 for one that was put together from others. `past`: it
    counts no more, and is kept for a time because it says what a run moved.
    `table` stands for the file where it is in memory only: a reader's view of a run that was killed. `rekeyed`: id of
    the key with which a rekey wrote it; what was written since the last one has none.
    """

    file: str
    binding: str
    op: Op
    rows: int
    columns: tuple[str, ...]
    table: str | None = None
    at: float = 0.0
    past: bool = False
    rekeyed: str | None = None

    def entry(self) -> dict[str, Any]:
        """Return the segment as it stands in a list."""
        return {
            "file": self.file,
            "binding": self.binding,
            "op": self.op,
            "rows": self.rows,
            "columns": [*self.columns],
            "at": self.at,
            "past": self.past,
            **({"rekeyed": self.rekeyed} if self.rekeyed else {}),
        }

    @classmethod
    def listed(cls, entry: Mapping[str, Any]) -> Self:
        """Return what stands in a list."""
        columns = tuple(entry["columns"])
        return cls(
            entry["file"],
            entry["binding"],
            entry["op"],
            entry["rows"],
            columns,
            at=entry.get("at", 0.0),
            past=entry.get("past", False),
            rekeyed=entry.get("rekeyed"),
        )

    @property
    def sealed(self) -> tuple[str, ...]:
        """The columns that are encrypted."""
        return tuple(column for column in self.columns if form_of(column)[0] is Form.SEALED)

    @property
    def run(self) -> str:
        """The run that it is of: the first word of its file's name; the second one is the part."""
        return self.file.partition(".")[0]

    def is_kept_until(self, now: float) -> bool:
        """Whether what the run moved is still to be remembered."""
        return self.at > now - KEPT.total_seconds()


def live(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Return the segments that say who is a member."""
    return tuple(segment for segment in segments if not segment.past)


def passed(segments: Iterable[Segment], now: float) -> list[Segment]:
    """Return segments that count no more, as they are remembered for a time: those that say what a run moved."""
    return [
        replace(segment, past=True)
        for segment in segments
        if segment.op in _MOVES and segment.is_kept_until(now)
    ]


def members_sql(folder: Path, segments: Sequence[Segment]) -> str:
    """Return the query of the members, as `state/ledger.py` describes it; without segments there are none."""
    bindings = dict.fromkeys(segment.binding for segment in segments)
    parts = [
        f"SELECT {literal(binding)} AS binding, * FROM ({binding_sql(folder, _of(segments, binding))})"
        for binding in bindings
    ]
    none = (
        "SELECT CAST(NULL AS VARCHAR) AS binding, CAST(NULL AS UUID) AS identity, "
        "CAST(NULL AS UUID) AS variables, false AS unsure WHERE false"
    )
    return " UNION ALL BY NAME ".join([none, *parts])


def binding_sql(folder: Path, segments: Sequence[Segment]) -> str:
    """Return the query of one binding's members: each segment says more than those before it.

    A row is looked for once in all that came later, however many segments that are.
    """
    parts = [
        _unsaid(folder, _rows(folder, segment), segments[place + 1 :])
        for place, segment in enumerate(segments)
        if segment.op != "delete"
    ]
    return " UNION ALL BY NAME ".join(parts) or (
        "SELECT CAST(NULL AS UUID) AS identity, CAST(NULL AS UUID) AS variables, false AS unsure WHERE false"
    )


def removed_sql(folder: Path, segments: Sequence[Segment]) -> str:
    """Return the query of those whom segments of one binding remove, and who are not put later."""
    parts = [
        _unsaid(folder, _rows(folder, segment), segments[place + 1 :])
        for place, segment in enumerate(segments)
        if segment.op == "delete"
    ]
    return " UNION ALL BY NAME ".join(parts) or f"SELECT * FROM ({binding_sql(folder, segments)}) WHERE false"


def _unsaid(folder: Path, rows: str, later: Sequence[Segment]) -> str:
    """Return the query of `rows` of whom nothing was said later."""
    if not later:
        return rows
    said = " UNION ALL ".join(f"SELECT identity FROM {_source(folder, segment)}" for segment in later)
    return f"SELECT * FROM ({rows}) ANTI JOIN ({said}) USING (identity)"


def revealed_sql(columns: Iterable[str]) -> dict[str, str]:
    """Return identifier -> SQL of its value as sent, from what SQL can read of the kept columns."""
    found: dict[str, list[str]] = {}
    for column in columns:
        form, identifier = form_of(column)
        match form:
            case Form.HEX:
                found.setdefault(identifier, []).append(f"lower(hex({name(column)}))")
            case Form.BASE64:
                found.setdefault(identifier, []).append(f"base64({name(column)})")
            case Form.SEALED:
                found.setdefault(identifier, []).append(as_sent(f"{identifier} opened"))
    return {identifier: f"coalesce({', '.join(ways)})" for identifier, ways in found.items()}


def kept_sql(form: Form, identifier: str) -> str:
    """Return the SQL of what is kept of an identifier as sent; a value to be sealed is left as it is."""
    value = as_sent(identifier)
    match form:
        case Form.HEX:
            return f"unhex({value}) AS {form.column(identifier)}"
        case Form.BASE64:
            return f"from_base64({value}) AS {form.column(identifier)}"
        case Form.SEALED:
            return f"{value} AS {form.column(identifier)}"


def _rows(folder: Path, segment: Segment) -> str:
    return rows_sql(segment, _source(folder, segment))


def rows_sql(segment: Segment, source: str) -> str:
    """Return the query of what a segment says of its members; `source`: the relation of its rows."""
    variables = "CAST(NULL AS UUID)" if segment.op == "again" else "variables"
    unsure = "true" if segment.op == "unsure" else "false"
    if segment.op == "put":
        unsure = "unsure"
    columns = "".join(f", {name(column)}" for column in segment.columns)
    return f"SELECT identity, {variables} AS variables, {unsure} AS unsure{columns} FROM {source}"


def _source(folder: Path, segment: Segment) -> str:
    return segment.table or f"read_parquet({literal(str(folder / segment.file))})"


def _of(segments: Sequence[Segment], binding: str) -> list[Segment]:
    return [segment for segment in segments if segment.binding == binding]
