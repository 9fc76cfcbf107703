"""Whatever happens to `audiform run`, its log and its destinations: no event that was acknowledged is lost."""

from __future__ import annotations

import pytest

from faults.events import Found, Size, injected

pytestmark = [pytest.mark.kills, pytest.mark.slow]


def wrong(found: Found) -> list[int]:
    """Return what must be 0; show what was found where it is not."""
    assert [] == found.findings
    return [found.lost, found.unwanted, found.unexplained, found.uncounted]


def test_no_event_is_lost_when_the_process_is_killed_and_the_log_is_full():
    """Each acknowledged event arrives wherever it is wanted or is a dead letter; what arrives twice is explained and counted."""
    found = injected(Size(events=2_000, kills=4, room=1_000_000))

    assert [0, 0, 0, 0] == wrong(found)
    assert (2_000, 4) == (found.events, found.kills)
    assert found.full > 0


def test_no_event_is_lost_when_nats_is_restarted():
    """The same with the log on a server that is killed and comes back, while destinations fail."""
    found = injected(Size(events=500, kills=0, room=50_000_000, restarts=2))

    assert [0, 0, 0, 0] == wrong(found)
    assert (500, 2) == (found.events, found.restarts)
