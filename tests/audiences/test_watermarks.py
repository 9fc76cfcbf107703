"""Watermarks as they are found, kept and lowered."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest

from audiform.audiences.watermarks import fits, highest_sql, kind_of, later, lowered, shown, value_of

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def read(values: str, column_type: str) -> tuple[str | None, str]:
    """Return the kind of a column of DuckDB and its highest value as it is kept."""
    with duckdb.connect() as connection:
        query = f"SELECT CAST(v AS {column_type}) AS mark FROM (VALUES {values}) t (v)"
        described = connection.execute(f"DESCRIBE {query}").fetchall()
        kind = kind_of(described[0][1])
        assert kind is not None
        rows = connection.execute(f"SELECT {highest_sql('mark', kind)} FROM ({query})").fetchall()
        return kind, value_of(kind, rows[0][0], NOW)


@pytest.mark.parametrize(
    ("column_type", "values", "kept"),
    [
        ("TIMESTAMPTZ", "('2026-04-30 10:00:00.000001+02'), (NULL)", "2026-04-30 08:00:00.000001+00:00"),
        ("TIMESTAMPTZ", "('2099-01-01 00:00:00+00')", "2026-05-01 12:00:00.000000+00:00"),
        ("TIMESTAMPTZ", "('2026-04-30 00:00:00+00'), ('infinity')", "2026-04-30 00:00:00.000000+00:00"),
        ("TIMESTAMP", "('2026-05-02 01:00:00')", "2026-05-02 01:00:00.000000"),
        ("TIMESTAMP_NS", "('2026-04-30 01:00:00.123456789')", "2026-04-30 01:00:00.123457"),
        ("DATE", "('2026-04-30'), ('2031-01-01')", "2026-05-02"),
        ("BIGINT", "(9), (10)", "10"),
        ("DECIMAL(38,0)", "(99999999999999999999)", "99999999999999999999"),
        ("VARCHAR", "('2026-05-01 a'), ('2026-05-01 B')", "2026-05-01 a"),
    ],
    ids=["zone", "future", "infinite", "local", "nanoseconds", "date", "integer", "decimal", "text"],
)
def test_the_highest_value_is_kept_as_text(column_type: str, values: str, kept: str):
    """Times in UTC and to the microsecond; none of them is later than now; texts sort byte by byte."""
    assert kept == read(values, column_type)[1]


def test_what_does_not_sort_is_no_watermark():
    """A number with decimals or a list has no next value; a text that could end a literal is refused."""
    assert [None, None, None] == [kind_of(item) for item in ("DOUBLE", "DECIMAL(10,2)", "VARCHAR[]")]
    for text in ("it's", "a\\b", "ann@example.com", ""):
        with pytest.raises(ValueError, match=r"^$"):
            value_of("text", text, NOW)


def test_what_may_be_late_is_read_again():
    """Times by a duration, ten minutes where none is given; dates by whole days; integers by a number; texts not at all."""
    moment = "2026-05-01 00:05:00.000000"

    assert "2026-04-30 23:54:59.999999+00:00" == lowered("timestamptz", f"{moment}+00:00", None)
    assert "2026-05-01 00:03:59.999999" == lowered("timestamp", moment, "1m")
    assert ["2026-05-01", "2026-04-30"] == [lowered("date", "2026-05-01", given) for given in (None, "2h")]
    assert ["41", "31"] == [lowered("integer", "41", given) for given in (None, 10)]
    assert "2026-a" == lowered("text", "2026-a", None)
    assert [True, True, False, False, False, False] == [
        fits(kind, given)  # type: ignore[arg-type]
        for kind, given in (
            ("integer", 3),
            ("date", "1m"),
            ("integer", "1m"),
            ("text", "1m"),
            ("text", 3),
            ("timestamp", 3),
        )
    ]


def test_integers_are_compared_as_numbers():
    """Ten is more than nine."""
    assert ["10", "b"] == [later("integer", "9", "10"), later("text", "b", "a")]


def test_only_times_are_shown():
    """A number or a text may say more than when."""
    values = [("timestamptz", "2026-05-01 00:05:00.000000+00:00"), ("date", "2026-05-01"), ("integer", "7")]

    assert ["2026-05-01 00:05:00 UTC", "2026-05-01", None] == [shown(*item) for item in values]
