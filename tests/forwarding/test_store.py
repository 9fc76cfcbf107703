"""What forwarding remembers, in memory and in a file."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from audiform.diagnostics import DiagnosticError
from audiform.forwarding.records import Figure, Letter, MemoryRecords
from audiform.forwarding.store import look, open_records

LETTER = Letter(
    "crm",
    "7",
    "web",
    "e-7",
    "Viewed",
    "2026-11-24T12:00:00.000Z",
    "2026-11-24T12:00:01.000+00:00",
    "other",
    "no",
)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_records_keep_their_promises(kind, tmp_path):
    """Batches that are on their way, letters and pauses are there until they are settled."""

    async def run():
        records = MemoryRecords() if kind == "memory" else open_records(tmp_path)
        await records.begin("crm", ["1", "2"], {("maybe_twice", ""): 1})
        await records.begin("other", ["1"], {})
        unsettled = await records.unsettled("crm")
        await records.bury([LETTER, replace(LETTER, position="8", replay=True)])
        await records.bury([replace(LETTER, message="never")])
        asked = await records.replays()
        await records.unbury("crm", ["8"])
        pauses = [await records.pause("crm", paused=paused) for paused in (False, True, True, False)]
        after = await records.replays()
        for since in (5.0, 7.0):
            await records.broke("crm", since)
        broken = await records.broken_since("crm"), await records.broken_since("other")
        await records.broke("crm", None)
        assert (7.0, None, None) == (*broken, await records.broken_since("crm"))
        await records.close()
        return unsettled, [letter.position for letter in asked], after, pauses

    unsettled, asked, after, pauses = asyncio.run(run())
    assert (["1", "2"], ["8"], []) == (list(unsettled), asked, list(after))
    assert [False, False, True, True] == pauses


def test_what_was_on_its_way_survives_a_kill_and_what_was_settled_does_not(tmp_path):
    """The file is opened again without being closed before; a settled batch stays until the log surely knows."""
    now = [NOON]

    async def run():
        killed = open_records(tmp_path, lambda: now[0])
        first = await killed.begin("crm", ["1", "0"], {})
        await killed.begin("crm", ["2"], {})
        await killed.settle(first, "crm", [("1", "e-1")], {("sent", ""): 1})
        settled = await open_records(tmp_path, lambda: now[0]).settled("crm")
        soon = await open_records(tmp_path, lambda: now[0]).unsettled("crm")
        now[0] = NOON.replace(minute=1)
        await killed.begin("crm", ["3"], {})
        late = await open_records(tmp_path, lambda: now[0]).unsettled("crm")
        forgotten = await open_records(tmp_path, lambda: now[0]).settled("crm")
        now[0] = NOON.replace(day=28)
        return settled, soon, forgotten, late, await open_records(tmp_path, lambda: now[0]).unsettled("crm")

    assert ([("1", "e-1")], ["0", "2"], [], ["2", "3"], []) == tuple(map(list, asyncio.run(run())))


def test_records_of_the_first_version_go_on(tmp_path):
    """What was on its way then is known."""
    with sqlite3.connect(tmp_path / "forwarding.sqlite") as connection:
        connection.executescript(
            "CREATE TABLE batch (number INTEGER PRIMARY KEY, connector TEXT NOT NULL, positions TEXT NOT NULL, at REAL NOT NULL);"
            f"INSERT INTO batch VALUES (1, 'crm', '[\"5\"]', {NOON.timestamp()}); PRAGMA user_version = 1"
        )
    connection.close()

    async def run():
        records = open_records(tmp_path, lambda: NOON)
        found = list(await records.unsettled("crm")), list(await records.settled("crm"))
        await records.close()
        return found

    assert (["5"], []) == asyncio.run(run())


def test_commands_look_while_somebody_writes(tmp_path):
    """Figures by day, letters, how each worker is; and they can ask for letters to be sent again."""

    async def run():
        records = open_records(tmp_path, lambda: NOON)
        await records.count("crm", {("sent", ""): 2})
        await records.count("crm", {("sent", ""): 3, ("dead", "other"): 1})
        await records.bury([LETTER])
        await records.tell("w-1", {"connectors": []}, 5.0)
        await records.advance("old", {"row": 3})
        looking = look(tmp_path)
        before = looking.letters("crm"), looking.letters("other")
        looking.ask_for_replay(looking.letters())
        asked = await records.replays()
        seen = (
            looking.figures("2026-11-01", "2026-11-30"),
            looking.figures("2026-11-25", "2026-11-30"),
            looking.statuses(),
        )
        looking.close()
        progress = await records.progress("old"), await records.progress("new")
        await records.close()
        return before, asked, seen, progress

    before, asked, (figures, none, statuses), progress = asyncio.run(run())
    assert (([LETTER], []), [replace(LETTER, replay=True)]) == (tuple(map(list, before)), list(asked))
    assert [
        Figure("2026-11-24", "crm", "dead", "other", 1),
        Figure("2026-11-24", "crm", "sent", "", 5),
    ] == figures
    assert ([], {"w-1": (5.0, {"connectors": []})}, ({"row": 3}, {})) == (none, statuses, progress)


def test_where_nothing_was_forwarded_there_is_nothing_to_see(tmp_path):
    """Looking makes no file."""
    looking = look(tmp_path / "none")
    looking.ask_for_replay([LETTER])

    assert ((), (), {}) == (looking.letters(), looking.figures("2026", "2027"), looking.statuses())
    looking.close()
    assert not (tmp_path / "none").exists()


def test_only_the_owner_may_read_them(tmp_path):
    """And a newer version's file is left alone."""
    asyncio.run(open_records(tmp_path / "run").close())
    file = tmp_path / "run" / "forwarding.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()

    assert (0o700, 0o600) == tuple(stat.S_IMODE(path.stat().st_mode) for path in (file.parent, file))
    with pytest.raises(DiagnosticError, match="version 9"):
        open_records(file.parent)
