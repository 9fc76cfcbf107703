"""A person's events, erased from the log while a process writes it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from audiform.eventlog.log import Start
from audiform.eventlog.sqlite.erasing import erase_events
from audiform.eventlog.sqlite.log import open_log
from eventlog.contract import closing, events, fetched, ids

CANARY = "canary.person@example.com"


def test_a_persons_events_are_gone_and_everybody_elses_are_not(tmp_path):
    """Wherever in an event they stand, also the newest; readers go on, no position is given twice, and no byte is left."""
    bodies: tuple[dict[str, Any], ...] = (
        {"traits": {"email": f" {CANARY.upper()} "}},
        {"context": {"lines": [{"to": CANARY}]}},
        {"user_id": CANARY},
    )
    mine = [replace(event, body=body) for event, body in zip(events(2, 4, 5), bodies, strict=True)]
    others = [replace(event, body={"text": f"not {CANARY.replace('canary', 'x')}"}) for event in events(1, 3)]

    async def run():
        async with closing(open_log(tmp_path)) as log:
            early = await log.reader("early")
            await log.append([others[0], mine[0], others[1], *mine[1:]])
            read = await fetched(early, 2)
            positions = await asyncio.to_thread(erase_events, tmp_path, [CANARY, "u-9"])
            late = await log.reader("late", Start.BEGINNING)
            await log.append(events(6))
            newest = ids(await log.newest(9))
            found = await log.find(positions)
            after = ids(await fetched(late, 3)), ids(await fetched(early, 2))
            await late.acknowledge(await log.newest(9))
            return ids(read), len(positions), found, newest, after, await late.lag()

    assert ([1, 2], 3, {}, [1, 3, 6], ([1, 3, 6], [3, 6]), 0) == asyncio.run(run())
    assert [] == [file.name for file in tmp_path.iterdir() if b"canary" in file.read_bytes().lower()]


def test_a_short_id_is_a_person_only_where_it_says_so(tmp_path):
    """Somebody whose id is 5 is not every quantity of 5."""
    bodies: tuple[dict[str, Any], ...] = (
        {"user_id": "5"},
        {"properties": {"quantity": 5}},
        {"anonymous_id": "55"},
    )

    async def run():
        async with closing(open_log(tmp_path)) as log:
            await log.append(
                [replace(each, body=body) for each, body in zip(events(1, 2, 3), bodies, strict=True)]
            )
            await asyncio.to_thread(erase_events, tmp_path, ["5"])
            return ids(await log.newest(9))

    assert [2, 3] == asyncio.run(run())


def test_where_there_is_no_log_nothing_is_made(tmp_path):
    """Most projects have no events."""
    assert () == erase_events(tmp_path / "none", [CANARY])
    assert not (tmp_path / "none").exists()
