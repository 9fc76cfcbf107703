"""The limit of memory: how it is written, how it is divided, and what is said where it is too small."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiform.diagnostics import DiagnosticError
from audiform.memory import ASIDE, LEAST, Memory, lacking, memory_of, saying_room, shown, size_of


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512MB", 512_000_000),
        ("512MiB", 536_870_912),
        ("2 GB", 2_000_000_000),
        ("1.5GiB", 1_610_612_736),
        (" 1TB ", 10**12),
    ],
    ids=["megabytes", "binary", "space", "fraction", "around"],
)
def test_a_size_is_a_number_and_a_unit(text, size):
    """Units of a thousand and of 1,024 are told apart, as on a disk and in a memory."""
    assert size == size_of(text)


@pytest.mark.parametrize("text", ["1", "1gb", "GB", "-1GB", "1 G", "1GB2", "", "1,5GB"])
def test_anything_else_is_no_size(text):
    """A number without a unit could be bytes or gigabytes: nobody guesses."""
    with pytest.raises(DiagnosticError) as caught:
        memory_of(text)

    assert ["invalid-memory-limit"] == [item.code for item in caught.value.diagnostics]


def test_the_least_limit_is_enough_and_one_byte_less_is_not():
    """A limit that is too small to work with is refused before anything is read."""
    assert LEAST == memory_of(shown(LEAST)).limit
    with pytest.raises(DiagnosticError) as caught:
        memory_of("599MB")

    assert ["memory-limit-too-small"] == [item.code for item in caught.value.diagnostics]


@pytest.mark.parametrize("wanted", [0, 1, 2, 4, 8, 50])
def test_pieces_side_by_side_never_get_more_than_there_is(wanted):
    """One gets all of it; of many so many run at once that each gets a useful part, and the others wait."""
    for limit in (LEAST, 1_000_000_000, 8_000_000_000):
        memory = Memory(limit)
        at_once = memory.side_by_side(wanted)

        assert 1 <= at_once <= max(1, wanted)
        assert memory.share * at_once <= limit - ASIDE
        assert 1 == at_once or memory.share >= 150_000_000
        assert 1 <= memory.threads


def test_one_gets_what_many_would_share():
    """What a command with one binding may take is what its bindings side by side take together."""
    one, four = Memory(4_000_000_000), Memory(4_000_000_000)
    one.side_by_side(1)
    four.side_by_side(4)

    assert 0 <= one.share - four.share * 4 < 4


def database(memory: int, place: Path):
    """Return a DuckDB with a limit that spills to `place`."""
    import duckdb

    return duckdb.connect(config={"memory_limit": f"{memory}MB", "temp_directory": str(place), "threads": 1})


def test_work_that_has_no_room_says_so(tmp_path):
    """Where single steps have no room, the limit is meant; where what is spilled has none, the disk is."""
    said = []
    for memory, disk, query in (
        (8, None, "SELECT max(word) FROM (SELECT list(md5(i::VARCHAR)) AS word FROM range(500000) t(i))"),
        (30, "1MB", "CREATE TABLE large AS SELECT md5(i::VARCHAR) FROM range(2000000) t(i)"),
    ):
        connection = database(memory, tmp_path / str(memory))
        if disk:
            connection.execute(f"SET max_temp_directory_size = '{disk}'")
        with pytest.raises(DiagnosticError) as caught, saying_room():
            connection.execute(query).fetchall()
        connection.close()
        said += [item.code for item in caught.value.diagnostics]

    assert ["memory-limit-reached", "spill-disk-full"] == said


def test_any_other_error_stays_what_it_is():
    """Only what is about room is said in other words."""
    with pytest.raises(ZeroDivisionError), saying_room():
        raise ZeroDivisionError

    assert lacking(ValueError("failed to offload")) is None
