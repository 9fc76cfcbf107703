"""The default log, and the fake that stands for it."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from dataclasses import replace

import pytest

from audiform.diagnostics import DiagnosticError
from audiform.eventlog.log import LogFullError, Retention, Start
from audiform.eventlog.memory import MemoryLog
from audiform.eventlog.recent import Recent
from audiform.eventlog.sqlite.log import open_log, view_log
from audiform.eventlog.sqlite.room import Room
from audiform.eventlog.sqlite.writer import Writer
from eventlog.contract import CHECKS, ONCE, closing, events, fetched, ids, until_full

HOUR = 3600.0


@pytest.mark.parametrize("check", [*CHECKS, *ONCE], ids=lambda check: check.__name__)
def test_sqlite_keeps_the_contract(check, tmp_path):
    """The default log does what every log does."""
    asyncio.run(check(lambda: closing(open_log(tmp_path / "events"))))


@pytest.mark.parametrize("check", [*CHECKS, *ONCE], ids=lambda check: check.__name__)
def test_the_fake_keeps_the_contract(check):
    """What other tests rely on is no other than the real one."""
    log = MemoryLog()

    class Opened:
        async def __aenter__(self):
            return log

        async def __aexit__(self, *exc):
            return None

    asyncio.run(check(Opened))


def test_many_who_wait_are_written_together(tmp_path):
    """A hundred appends at once need a few transactions, and each is on disk when it returns."""
    commits = []

    async def run():
        async with closing(open_log(tmp_path)) as log:
            log.writer.committed = lambda _: commits.append(1)
            await asyncio.gather(*(log.append(events(number)) for number in range(100)))
            return ids(await log.newest(200))

    assert list(range(100)) == asyncio.run(run())
    assert len(commits) < 20
    assert (100,) == sqlite3.connect(tmp_path / "log.sqlite").execute("SELECT count(*) FROM event").fetchone()


def test_one_failure_does_not_take_others_with_it(tmp_path):
    """Work that waits in the same transaction is done, and only who failed is told."""

    async def run():
        log = open_log(tmp_path)
        async with closing(log):
            failing = log.writer.do(lambda connection: connection.execute("SELECT * FROM nothing"))
            good = log.append(events(1, 2))
            results = await asyncio.gather(good, failing, log.append(events(3)), return_exceptions=True)
            await log.append(events(1, 4))
            return [type(each) for each in results], ids(await log.newest(9))

    assert ([type(None), sqlite3.OperationalError, type(None)], [1, 2, 3, 4]) == asyncio.run(run())


def test_old_events_go_when_they_are_settled(tmp_path):
    """Age deletes what every open reader has settled, never what one of them still needs, and never the newest."""
    now = [0.0]

    async def run():
        async with closing(open_log(tmp_path, Retention(max_seconds=HOUR), lambda: now[0])) as log:
            slow, quick = await log.reader("slow"), await log.reader("quick")
            await log.append(events(1, 2, 3))
            now[0] = 2 * HOUR
            await log.append(events(4))
            await quick.acknowledge(await fetched(quick, 4))
            got = await fetched(slow, 2)
            await slow.acknowledge(got[:1])
            await log.tidy()
            needed = ids(await log.newest(9))
            await slow.acknowledge([*got[1:], *await fetched(slow, 2)])
            now[0] = 9 * HOUR
            await log.tidy()
            return needed, ids(await log.newest(9)), await log.find([got[0].position])

    assert ([2, 3, 4], [4], {}) == asyncio.run(run())


def test_a_consumer_without_a_reader_holds_nothing_for_ever(tmp_path):
    """A connector that is switched off gets what was kept, which is not what is too old."""
    now = [0.0]

    async def run():
        async with closing(open_log(tmp_path, Retention(max_seconds=HOUR), lambda: now[0])) as log:
            off = await log.reader("off")
            await log.append(events(1))
            got = await fetched(off, 1)
            await off.close()
            now[0] = 2 * HOUR
            await log.append(events(2))
            await log.tidy()
            on = await log.reader("off")
            return ids(got), ids(await fetched(on, 1)), await on.lag()

    assert ([1], [2], 1) == asyncio.run(run())


def test_whom_events_are_held_for_loses_none_while_away(tmp_path):
    """A connector that cannot start, because a secret is not there, gets its events when it can, however old they are."""
    now = [0.0]

    async def run():
        async with closing(open_log(tmp_path, Retention(max_seconds=HOUR), lambda: now[0])) as log:
            away = await log.reader("away")
            await log.append(events(1, 2, 3))
            await away.acknowledge([(await fetched(away, 2))[0]])
            await away.close()
            log.hold_for(["away"])
            now[0] = 2 * HOUR
            await log.append(events(4))
            await log.tidy()
            held = ids(await fetched(await log.reader("away"), 3))
            return held, ids(await log.newest(9))

    assert ([2, 3, 4], [2, 3, 4]) == asyncio.run(run())


def test_a_full_log_takes_nothing_until_there_is_room(tmp_path):
    """Unsettled events are not dropped for new ones: the sender is told to come back, and then it works."""
    large = [replace(event, body={"text": "x" * 10_000}) for event in events(*range(100, 140))]

    async def run():
        async with closing(open_log(tmp_path, Retention(max_bytes=200_000))) as log:
            reader = await log.reader("ads")
            taken, full = await until_full(log, large)
            await reader.acknowledge(await fetched(reader, taken))
            await log.tidy()
            await log.append(events(1))
            return taken, full.retry_after, ids(await fetched(reader, 1))

    taken, retry_after, after = asyncio.run(run())
    assert 10 < taken < 30
    assert (5.0, [1]) == (retry_after, after)


def test_the_disk_is_never_filled(tmp_path):
    """With too little space left on the disk, nothing is taken in."""
    with pytest.raises(LogFullError, match="bytes left"):
        Room(tmp_path, Retention(min_free_bytes=2**62)).check()


def test_only_the_owner_may_read(tmp_path):
    """Events are about people."""

    async def run():
        async with closing(open_log(tmp_path / "log")) as log:
            await log.append(events(1))
            return [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "log").iterdir()]

    assert {0o600} == set(asyncio.run(run()))
    assert 0o700 == stat.S_IMODE((tmp_path / "log").stat().st_mode)


def test_a_view_looks_at_a_log_that_another_process_writes(tmp_path):
    """It makes nothing where there is nothing."""

    async def run():
        async with closing(open_log(tmp_path / "log")) as log:
            await log.append(events(1, 2, 3))
            view, none = view_log(tmp_path / "log"), view_log(tmp_path / "none")
            seen = ids(await view.newest(2)), await none.newest(2), await none.find(["1"])
            found = await view.find(["2"])
            await view.close()
            await none.close()
            return *seen, list(found)

    assert ([2, 3], (), {}, ["2"]) == asyncio.run(run())
    assert not (tmp_path / "none").exists()


def test_a_log_of_a_newer_version_is_left_alone(tmp_path):
    """Nothing is read or changed."""
    with sqlite3.connect(tmp_path / "log.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(DiagnosticError) as error:
        open_log(tmp_path)
    assert "event-log-too-new" == error.value.diagnostics[0].code


def test_a_cancelled_append_harms_nobody(tmp_path):
    """Whoever waits in the same transaction gets an answer."""

    async def run():
        async with closing(open_log(tmp_path)) as log:
            gone = asyncio.create_task(log.append(events(1)))
            stays = asyncio.create_task(log.append(events(2)))
            await asyncio.sleep(0)
            gone.cancel()
            await stays
            reader = await log.reader("all", Start.BEGINNING)
            return ids(await fetched(reader, 2))

    assert [1, 2] == asyncio.run(run())


def test_a_writer_that_did_nothing_closes(tmp_path):
    """There is no thread to wait for."""
    connection = sqlite3.connect(tmp_path / "a")
    asyncio.run(Writer(connection).close())
    connection.close()


def test_what_was_appended_lately_is_known_and_forgotten_without_a_search():
    """The last ones always are known, and never more than twice as many; additions cost the same, however many there were."""
    recent = Recent(most=1_000)
    for number in range(100_000):
        recent.add(b"%d" % number)
    known = sum(b"%d" % number in recent for number in range(100_000))

    assert all(b"%d" % number in recent for number in range(99_001, 100_000))
    assert 1_000 <= known < 2_000
