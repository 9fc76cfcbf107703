"""Whatever happens to an `apply` or a `sync`, nothing is lost: a few faults of every kind. `make faults` injects thousands."""

from __future__ import annotations

import pytest

from faults.figures import Figures
from faults.kinds import IN_A_DATABASE, KINDS
from faults.series import at_every_point, of_kinds

pytestmark = [pytest.mark.kills, pytest.mark.slow]
KILLS = 100
"""At least, of real processes by SIGKILL: those of `EVERY_POINT`, and of both series of `RANDOM`."""
EVERY_POINT = 25
RANDOM = 38
FEW = 2


def clean(figures: Figures) -> dict[str, int]:
    """Return what must be empty; show what was found where it is not."""
    assert [] == figures.findings
    return dict(+figures.wrong)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_that_is_killed_at_random_loses_nothing(seed):
    """Killed at any moment, again and again: no remove is lost, no object made twice, and nothing is left to plan."""
    figures = of_kinds(["killed at a random moment"], seed, RANDOM)

    assert {} == clean(figures)
    assert figures.faults.total() >= RANDOM
    assert figures.recoveries > 0


def test_a_run_that_is_killed_at_any_point_loses_nothing():
    """Killed around writes of journal and ledger, requests and changes of files, the next run goes on."""
    figures = at_every_point(2, step=2)

    assert {} == clean(figures)
    assert figures.faults.total() >= EVERY_POINT
    assert figures.faults.total() == figures.recoveries
    assert EVERY_POINT + 2 * RANDOM >= KILLS


ON_FILES = [kind for kind in KINDS if not kind.startswith((IN_A_DATABASE, "killed at a random"))]
IN_POSTGRESQL = [kind for kind in KINDS if kind.startswith(IN_A_DATABASE)]


@pytest.mark.parametrize("kind", ON_FILES)
def test_no_fault_loses_anybody(kind):
    """Whatever it is that happens, afterwards the platforms, the ledger and the state are as the definitions say."""
    figures = of_kinds([kind], 1, FEW)

    assert {} == clean(figures)
    assert figures.faults.total() >= FEW
    assert figures.recoveries > 0


def test_no_fault_of_a_server_loses_anybody():
    """The same where the state is in PostgreSQL, which is stopped, restarted, and asked by two runs."""
    figures = of_kinds(IN_POSTGRESQL, 1, 2 * len(IN_POSTGRESQL))

    assert {} == clean(figures)
    assert set(IN_POSTGRESQL) == figures.faults.keys()
