"""Levels of a ledger: what is written anew, and that nothing is forgotten by it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from audiform.memory import ASIDE, Memory
from audiform.state.ledger import LedgerSession, Part
from audiform.state.local.ledger import local_ledger
from audiform.state.open import open_store
from audiform.state.segments.compacting import MOST_SEGMENTS, newest_to_merge
from audiform.state.segments.segment import Segment
from audiform.state.store import Run
from state.ledger_contract import KEY, members, run, settled, staged


@pytest.fixture
def session(tmp_path: Path) -> Iterator[LedgerSession]:
    """Return a session on a ledger of its own, with just enough memory."""
    with closing(open_store("file:.audiform", tmp_path, "test")) as store:
        store.create()
        ledger = local_ledger(tmp_path / ".audiform/test", memory=Memory(ASIDE + 60_000_000))
        with closing(ledger.open(write=True)) as opened:
            yield opened


def sized(*rows: int) -> list[Segment]:
    """Return segments of these sizes, oldest first."""
    return [Segment(str(place), "one", "put", count, ()) for place, count in enumerate(rows)]


def written(sizes: list[int], news: int) -> int:
    """Return how many rows are written anew when a run of `news` rows is added; `sizes` are those of the files after it."""
    sizes.append(news)
    merged = newest_to_merge(sized(*sizes))
    if not merged:
        return 0
    rows = sum(item.rows for item in merged)
    del sizes[len(sizes) - len(merged) :]
    sizes.append(rows)
    return rows


def test_a_change_of_one_percent_does_not_write_all_anew():
    """Of two hundred syncs of 1 % four write everything; a row is written anew a few times."""
    sizes, anew = [100_000_000], [0]
    for _ in range(200):
        anew.append(written(sizes, 500_000))
        anew.append(written(sizes, 500_000))
        assert len(sizes) <= MOST_SEGMENTS
        assert sum(sizes[1:]) <= sizes[0]

    assert 4 >= sum(rows >= 100_000_000 for rows in anew)
    assert sum(anew) < 10 * 200 * 1_000_000


def test_a_large_file_stays_where_many_small_ones_come(session: LedgerSession, tmp_path: Path):
    """The file of a first sync is written once; what comes later becomes levels beside it."""
    staged(session, run("first"), *(f"person{number}" for number in range(300)))
    session.fold(run("first"), [settled(300)])
    for number in range(20):
        what = run(f"r{number}")
        staged(session, what, f"new{number}")
        staged(session, what, f"person{number}", part=Part.REMOVE)
        session.fold(what, [settled(1), settled(1, Part.REMOVE)])
    files = {path.name for path in tmp_path.rglob("*.parquet")}

    assert 300 == session.count(KEY)
    assert "first.add.parquet" in files
    assert any(name.endswith(".members.delete.parquet") for name in files)
    assert {"first"} == {name.partition(".")[0] for name in files if ".add." in name} - {
        f"r{number}" for number in range(20)
    }


def test_whatever_runs_say_the_newest_word_is_right(session: LedgerSession):
    """Through all levels a member is whom the last run that named them put, as it put them."""
    chance, expected = random.Random(6), dict[str, tuple[str, bool]]()
    people = [f"person{number}" for number in range(60)]
    for number in range(30):
        what = run(f"r{number:02}", chance.choice(["one", "two"]))
        mine = [name for name, (binding, _) in expected.items() if binding == what.binding]
        others = [name for name in people if name not in expected]
        joining = chance.sample(others, min(len(others), chance.randint(0, 6)))
        leaving = chance.sample(mine, min(len(mine), chance.randint(0, 4)))
        _fold(session, what, joining, leaving, unsure=len(joining) if chance.random() < 0.2 else 0)
        unsure = bool(joining) and _unsure(session, joining[0])
        expected |= dict.fromkeys(joining, (what.binding, unsure))
        for name in leaving:
            del expected[name]

        assert len(expected) == session.count(KEY)

    assert expected == members(session)


def _fold(session: LedgerSession, what: Run, joining: list[str], leaving: list[str], *, unsure: int) -> None:
    done = []
    if joining:
        staged(session, what, *joining)
        done.append(settled(len(joining), unsure=((0, unsure),) if unsure else ()))
    if leaving:
        staged(session, what, *leaving, part=Part.REMOVE)
        done.append(settled(len(leaving), Part.REMOVE))
    session.fold(what, done)


def _unsure(session: LedgerSession, name: str) -> bool:
    return members(session)[name][1]
