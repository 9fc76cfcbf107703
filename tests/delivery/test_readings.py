"""One read, many bindings: what is sent and kept is what each binding by itself would send and keep."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from audiform.memory import LEAST, Memory
from audiform.runtime import Runtime
from audiform.sync import sync
from delivery.deliveries import KEYS, emails
from delivery.sharing import BINDINGS, Sharing, Silent, each, left_out, sharing
from servers import Database

pytestmark = pytest.mark.slow

PLAIN = [f"p{number}@example.com" for number in range(12)]
ODD = [" P1@Example.com ", "p2@example.com", "nothing", "", None, "\uff503@example.com"]
PHONES = ["+16505551111", "(650) 555-2222", "650.555.3333", "+49 30 901820", "call me", None, "\uff10\uff11"]
TABLE = """
DROP SCHEMA IF EXISTS once CASCADE;
CREATE SCHEMA once;
CREATE TABLE once.people_of_once AS
  SELECT n AS id, 'p' || n || '@example.com' AS email, NULL::text AS phone, n AS ltv, true AS ok FROM generate_series(1, 9) n
"""
FAILING = {"query": "SELECT id, email, phone, ltv, CAST('x' AS BOOLEAN) AS ok FROM people"}


def people(chance: random.Random, count: int) -> list[Mapping[str, Any]]:
    """Return people who share addresses and numbers; some cannot be sent, or only after Python has looked at them."""
    return [
        {
            "id": key,
            "email": chance.choice(PLAIN + ODD),
            "phone": chance.choice(PHONES),
            "ltv": chance.randrange(3),
            "ok": chance.random() > 0.1,
        }
        for key in chance.sample(range(1000), count)
    ]


def spilled(shop: Sharing) -> list[Path]:
    """Return what sessions have left in the folder of the ledger."""
    return list(shop.root.glob(".audiform/*/ledger/spill-*"))


def test_together_they_send_and_keep_what_each_would_by_itself(tmp_path: Path):
    """First syncs and later ones: the same requests, rows of the ledger, and people left out, for every binding."""
    chance = random.Random(1)
    with sharing(tmp_path / "together") as together:
        together.people(*people(chance, 30))
        together.applied()
        together.entomb("p4@example.com")
        with together.copied(tmp_path / "apart") as apart:
            for _ in range(2):
                now = people(chance, 25)
                together.people(*now)
                apart.people(*now)

                counted = together.measured()
                report, sent = together.synced()
                alone, sent_alone = each(apart, list(BINDINGS))

                assert ([], sent_alone) == ([*report.failed], sent)
                assert alone == left_out(report)
                assert counted == {one.binding: one.impact for one in report.delivered}
                for name in BINDINGS:
                    assert apart.ledger(name) == together.ledger(name)
        assert [] == spilled(together)


def test_the_source_is_asked_once_whatever_the_number_of_bindings(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
):
    """A sync of all bindings and a measurement of all run the audience's SQL once each."""
    monkeypatch.setenv("CRM_USER", database.user)
    monkeypatch.setenv("CRM_PASSWORD", database.password)
    source = {
        "type": "postgresql",
        "settings": {"url": database.url, "search_path": ["once"]},
        "credentials": {"user": {"from_env": "CRM_USER"}, "password": {"from_env": "CRM_PASSWORD"}},
    }
    audience = {"query": "SELECT * FROM people_of_once"}
    with (
        psycopg.connect(
            database.url, autocommit=True, user=database.user, password=database.password
        ) as connection,
        sharing(tmp_path / "shop", audience=audience, source=source) as shop,
    ):

        def number(query: str) -> int:
            return int(connection.execute(query).fetchall()[0][0])

        def scans() -> int:
            # What a session has done is counted when it has ended.
            while number("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'audiform%'"):
                time.sleep(0.01)
            return number("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'people_of_once'")

        connection.execute(TABLE)
        shop.applied()
        before = scans()
        report, _ = shop.synced()
        synced = scans()
        shop.measured()
        measured = scans()

    assert [9] * len(BINDINGS) == [sum(one.sent.values()) for one in report.delivered]
    assert (1, 1) == (synced - before, measured - synced)


def test_a_column_that_one_binding_needs_is_a_matter_of_that_binding(tmp_path: Path):
    """Those that need a column that is not there are told so, and the others are sent."""
    with sharing(tmp_path / "shop", audience={"variables": {"value": "nowhere"}}) as shop:
        shop.people(*emails("a", "b"))
        shop.applied()
        report, _ = shop.synced()

    failed = {one.step.address.name: one.problems[0].message for one in report.failed}
    assert {"counted", "named"} == set(failed)
    assert all("names the column `nowhere`" in message for message in failed.values())
    assert {"all_keys", "same_keys", "addresses", "plain"} == {one.binding for one in report.delivered}


def test_what_cannot_be_read_is_said_of_each_binding_in_the_same_words(tmp_path: Path):
    """Nobody is sent, nothing is left behind, and the words are those that one binding alone gets."""
    with sharing(tmp_path / "shop", audience=FAILING) as shop:
        shop.people(*emails("a"))
        shop.applied()
        report, sent = shop.synced()
        (alone,) = shop.synced("named")[0].failed

        assert [] == spilled(shop)
    assert ([], [*alone.problems] * len(BINDINGS)) == (
        sent,
        [item for one in report.failed for item in one.problems],
    )


def test_many_audiences_take_turns_where_there_is_little_memory(tmp_path: Path):
    """One is read after the other, each once, although their bindings stand in another order."""
    names = [f"{audience}{number}" for number in (1, 2) for audience in ("one", "two", "three")]
    wanted = {name: {"connector": KEYS, "audience": name[:-1]} for name in names}
    with sharing(tmp_path / "shop", wanted=wanted) as shop:
        shop.people(*emails("a", "b"))
        shop.applied()
        shop.memory = Memory(LEAST)
        report, _ = shop.synced()

        assert [2] * 6 == [sum(one.sent.values()) for one in report.delivered]
    assert 3 == shop.opened.count(None)


def test_a_sync_that_is_interrupted_leaves_nothing_behind(tmp_path: Path):
    """What was read of people goes with it, also while a platform keeps it waiting."""
    with sharing(tmp_path / "shop") as shop:
        shop.people(*emails("a", "b"))
        shop.applied()

        async def interrupted(runtime: Runtime) -> int:
            task = asyncio.ensure_future(sync(runtime))
            await silent.asked.wait()
            there = len(spilled(shop))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return there

        shop.transport = silent = Silent()
        there = shop.ask(interrupted)

        assert (1, []) == (there, spilled(shop))
