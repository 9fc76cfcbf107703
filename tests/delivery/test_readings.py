"""One read, many bindings: what is sent and kept is what each binding by itself would send and keep."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from delivery.sharing import BINDINGS, each, left_out, sharing

PLAIN = [f"p{number}@example.com" for number in range(12)]
ODD = [" P1@Example.com ", "p2@example.com", "nothing", "", None, "\uff503@example.com"]
PHONES = ["+16505551111", "(650) 555-2222", "650.555.3333", "+49 30 901820", "call me", None, "\uff10\uff11"]


def people(chance: random.Random, count: int) -> list[Mapping[str, Any]]:
    """Return people who share addresses and numbers; some cannot be sent, or only after Python has looked at them."""
    return [
        {
            "id": key,
            "email": chance.choice(PLAIN + ODD),
            "phone": chance.choice(PHONES),
            "ltv": chance.randrange(2),
            "ok": chance.random() > 0.1,
        }
        for key in chance.sample(range(1000), count)
    ]


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

                report, sent = together.synced()
                alone, sent_alone = each(apart, list(BINDINGS))

                assert ([], sent_alone) == ([*report.failed], sent)
                assert alone == left_out(report)
                for name in BINDINGS:
                    assert apart.ledger(name) == together.ledger(name)
