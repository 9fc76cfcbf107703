"""Guards against the loosest that a policy lets them be."""

from __future__ import annotations

from collections.abc import Iterator

from audiform.config.kinds import Guards
from audiform.plan.guard import DEFAULT_MAX_REMOVED, seconds

Limit = int | str


def looser(guards: Guards, floor: Guards) -> Iterator[tuple[str, str]]:
    """Yield name and explanation of each guard that lets more through than the floor.

    A share is compared with a share and a number with a number: which of the two lets more through depends on the day.
    """
    removed = DEFAULT_MAX_REMOVED if guards.max_removed is None else guards.max_removed
    yield from _most("max_removed", removed, floor.max_removed)
    yield from _most("max_added", guards.max_added, floor.max_added)
    if floor.min_members is not None and (guards.min_members or 0) < floor.min_members:
        yield "min_members", _said("min_members", guards.min_members, f"at least {floor.min_members:,}")
    if floor.allow_empty is False and guards.allow_empty:
        yield "allow_empty", "`allow_empty` is true, and it may not be"
    oldest = floor.max_source_age
    if oldest is not None and (
        guards.max_source_age is None or seconds(guards.max_source_age) > seconds(oldest)
    ):
        yield "max_source_age", _said("max_source_age", guards.max_source_age, f"at most {oldest}")


def _most(name: str, limit: Limit | None, floor: Limit | None) -> Iterator[tuple[str, str]]:
    if floor is None:
        return
    if limit is None:
        yield name, _said(name, None, f"at most {floor}")
    elif isinstance(limit, str) is not isinstance(floor, str):
        form = "a share" if isinstance(floor, str) else "a number of people"
        yield name, _said(name, limit, f"{form} of at most {floor}")
    elif _number(limit) > _number(floor):
        yield name, _said(name, limit, f"at most {floor}")


def _number(limit: Limit) -> float:
    return float(limit.rstrip("% ")) if isinstance(limit, str) else limit


def _said(name: str, value: Limit | None, wanted: str) -> str:
    now = "is not set" if value is None else f"is {value}"
    return f"`{name}` {now}, and it has to be {wanted}"
