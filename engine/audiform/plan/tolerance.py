"""People move between plan and apply: how far a figure may be from what was reviewed."""

from __future__ import annotations

from collections.abc import Iterator

from audiform.plan.plan import Impact

FLOOR = 100


def outside_tolerance(
    planned: Impact, measured: Impact, tolerance: float, floor: int = FLOOR
) -> tuple[str, ...]:
    """Return one sentence for each figure that is too far from the planned one; empty when all are near.

    A figure may differ by `tolerance` (a share of the planned one), and always by `floor` people. A figure
    that was not known at planning was reviewed as unknown and may be anything.
    """
    return tuple(_far(planned, measured, tolerance, floor))


def within_tolerance(planned: Impact, measured: Impact, tolerance: float, floor: int = FLOOR) -> bool:
    """Whether every figure is near the planned one; see `outside_tolerance`."""
    return not outside_tolerance(planned, measured, tolerance, floor)


def _far(planned: Impact, measured: Impact, tolerance: float, floor: int) -> Iterator[str]:
    for name in ("adds", "removes", "modifies"):
        then, now = getattr(planned, name), getattr(measured, name)
        if "unknown" in (then.quality, now.quality):
            continue
        allowed = max(floor, int(tolerance * then.value))
        if abs(now.value - then.value) > allowed:
            yield f"{name}: {then.value:,} planned, {now.value:,} now (may differ by {allowed:,})"
