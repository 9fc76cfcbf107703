"""Series of faults: change something, let a fault happen to the run, check, recover, check."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from faults.checker import at_once, in_the_end
from faults.figures import Figures
from faults.kinds import IN_A_DATABASE, KINDS, ON_A_DISK, killed_at, small_disk
from faults.scene import STATE, Scene, remember, scene
from processes import quick_folder
from servers import postgresql
from whole.engine import Engine, said

ON_TOP = 0.4
"""How often one fault comes on top of another, before anybody has recovered."""
EVERY_POINT = "killed at every point"


def of_kinds(kinds: Sequence[str], seed: int, number: int) -> Figures:
    """Let so many faults of these kinds happen in turn, one run after the other. They are all about the same state."""
    figures = Figures()
    with _place(kinds[0], seed) as now:
        begun(now)
        for tries in range(5 * number):
            if figures.faults.total() >= number:
                break
            kind = kinds[figures.faults.total() % len(kinds)]
            where = f"{kind}, seed {seed}, run {tries}"
            now.change()
            before = figures.faults.total()
            _one(now, kind, figures, where)
            while now.chance.random() < ON_TOP:
                now.change_people(2)
                _one(now, kind, figures, f"{where}, on top")
            recover(now, figures, where, counts=figures.faults.total() > before)
    return figures


def at_every_point(seed: int, step: int = 1) -> Figures:
    """Kill one and the same run at each of its points, or at each `step`-th, and let another one finish it."""
    figures = Figures()
    with _place("every point", seed) as now:
        begun(now, changes=1 + seed % 4)
        now.change()
        past = remember(now)
        for point in itertools.count(seed % step, step):
            where = f"{EVERY_POINT}, seed {seed}, point {point}"
            past.restore()
            if not killed_at(now, figures, where, point):
                break
            figures.faults[EVERY_POINT] += 1
            now.disturbed()
            at_once(now, figures, where)
            recover(now, figures, where)
    return figures


def begun(now: Scene, changes: int = 1) -> None:
    """Apply some changes before the first fault."""
    for _ in range(changes):
        now.change()
        undisturbed = Figures()
        recover(now, undisturbed, "before the first fault")
        assert not undisturbed.findings, undisturbed.findings


def recover(now: Scene, figures: Figures, where: str, *, counts: bool = True) -> None:
    """Apply and sync with nothing in the way, and check that all is as it should be."""
    reports = Engine(now.root).run()
    now.settled()
    wrong = [word for report in reports if not report.ok for word in said(report)]
    before = figures.wrong.total()
    figures.found("not_recovered", f"{where}: {wrong}", len(wrong))
    in_the_end(now, figures, where)
    figures.recoveries += counts and figures.wrong.total() == before


def _one(now: Scene, kind: str, figures: Figures, where: str) -> None:
    if KINDS[kind](now, figures, where):
        figures.faults[kind] += 1
    now.disturbed()
    at_once(now, figures, where)


@contextmanager
def _place(kind: str, seed: int) -> Iterator[Scene]:
    """Yield a scene in a folder of its own."""
    with ExitStack() as ends:
        root = ends.enter_context(quick_folder()) / "project"
        if kind == ON_A_DISK:
            ends.enter_context(small_disk(root / STATE))
        database = ends.enter_context(postgresql()) if kind.startswith(IN_A_DATABASE) else None
        yield ends.enter_context(scene(root, f"{kind} {seed}", database))
