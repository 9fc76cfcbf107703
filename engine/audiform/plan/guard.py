"""Guards: limits that stop an apply or a sync before anything is sent. Used by plan, and again by sync.

The default is `max_removed: 20%`, and only from 100 members: a share of a handful of people says nothing. A
guard that somebody wrote down holds for any number. A source that returns nobody stops a binding that has
members. What cannot be known at planning stops nothing there: sync evaluates the guards again before it sends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from audiform.config.kinds import Guards
from audiform.plan.plan import Figure, GuardResult, Impact
from audiform.state.store import Record

DEFAULT_MAX_REMOVED = "20%"
DEFAULT_FROM_MEMBERS = 100
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Facts:
    """What guards look at. `source_age` in seconds, None where the source cannot tell. `ends`: the binding ends."""

    impact: Impact
    source_age: float | None = None
    ends: bool = False


def evaluate(
    binding: str, guards: Guards, facts: Facts, approved: Collection[str] = ()
) -> tuple[GuardResult, ...]:
    """Return every guard of a binding that applies; one that does not hold stops it unless it is approved.

    Args:
        binding: name of the binding; a result's name is `binding.guard`.
        guards: the binding's effective guards (the environment's merged in).
        facts: people and ages.
        approved: names of results that somebody approved.
    """
    results = _results(guards, facts)
    return tuple(
        replace(result, name=name, approved=not result.ok and name in approved)
        for result in results
        for name in (f"{binding}.{result.name}",)
    )


def protected_delete(address: str, approved: Collection[str]) -> GuardResult:
    """Return the guard of a protected environment over a deletion; `approved` holds addresses."""
    return GuardResult(
        name=f"{address}",
        limit="no deletion without approval",
        measured="deleted",
        ok=False,
        detail="the environment is protected: deleting a binding there is approved by its address",
        approved=address in approved,
    )


def prevented(record: Record) -> tuple[GuardResult, ...]:
    """Return the guard of a record that says `protected: true`: nobody can approve its deletion on the way."""
    if not record.body.get("protected"):
        return ()
    detail = (
        "it was applied with `protected: true`, which outlives its block. Bring the block back with `protected: false` and apply "
        "that; then delete it and apply again"
    )
    return (
        GuardResult(
            name=f"{record.address}.protected",
            limit="no deletion while it is protected",
            measured="deleted",
            ok=False,
            detail=detail,
            approvable=False,
        ),
    )


def approval(result: GuardResult) -> str:
    """Return the option that approves what the guard stopped, to copy; nothing where none does."""
    if not result.approvable:
        return ""
    is_delete = result.name.startswith("binding.")
    return f"--approve-delete {result.name}" if is_delete else f"--approve-guard {result.name}"


def stops(results: Collection[GuardResult]) -> bool:
    """Whether one of them stops the binding."""
    return any(not result.ok and not result.approved for result in results)


def stricter(one: Guards, other: Guards, members: int) -> Guards:
    """Return, guard by guard, what lets less through for a destination of `members` people.

    A plan that loosens a guard and makes use of that at once is stopped by the recorded one.
    """
    default = DEFAULT_MAX_REMOVED if members >= DEFAULT_FROM_MEMBERS else None
    return Guards(
        max_removed=_lower(one.max_removed, other.max_removed, members, default),
        max_added=_lower(one.max_added, other.max_added, members),
        min_members=max(
            (limit for limit in (one.min_members, other.min_members) if limit is not None), default=None
        ),
        allow_empty=bool(one.allow_empty and other.allow_empty) or None,
        max_source_age=min(
            (age for age in (one.max_source_age, other.max_source_age) if age is not None),
            key=seconds,
            default=None,
        ),
    )


def allowance(limit: int | str, members: int) -> int:
    """Return how many people a limit (`500` or `20%` of `members`) lets through."""
    return limit if isinstance(limit, int) else int(float(limit.rstrip("% ")) * members / 100)


def seconds(duration: str) -> int:
    """Return the seconds of `24h`, `30m`, `7d` or `45s`."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def _lower(
    one: int | str | None, other: int | str | None, members: int, default: str | None = None
) -> int | str | None:
    limits = [limit for limit in (one, other) if limit is not None]
    if len(limits) == 1 and default is not None:
        limits.append(default)
    return min(limits, key=lambda limit: allowance(limit, members), default=None)


def _results(guards: Guards, facts: Facts) -> Iterator[GuardResult]:
    yield from _max_removed(guards, facts.impact)
    yield from _max_added(guards, facts.impact)
    yield from _min_members(guards, facts.impact)
    if not facts.ends:
        yield from _empty_source(guards, facts.impact)
        yield from _source_age(guards, facts.source_age)


def _max_removed(guards: Guards, impact: Impact) -> Iterator[GuardResult]:
    members = impact.members_before.value
    limit = guards.max_removed
    if limit is None and members < DEFAULT_FROM_MEMBERS:
        return
    chosen = DEFAULT_MAX_REMOVED if limit is None else limit
    yield _within("max_removed", chosen, impact.removes, members, "leave the destination at once")


def _max_added(guards: Guards, impact: Impact) -> Iterator[GuardResult]:
    members = impact.members_before.value
    limit = guards.max_added
    if limit is None or (isinstance(limit, str) and members == 0):
        return  # a share of nobody would forbid every first sync
    yield _within("max_added", limit, impact.adds, members, "enter the destination at once")


def _within(name: str, limit: int | str, figure: Figure, members: int, happens: str) -> GuardResult:
    most = allowance(limit, members)
    said = (
        f"{limit} of {members:,} members = {most:,} people" if isinstance(limit, str) else f"{limit:,} people"
    )
    ok = figure.quality == "unknown" or figure.value <= most
    detail = "" if ok else f"{figure.value:,} people would {happens}; the most that is allowed is {said}"
    return GuardResult(name, said, people(figure), ok, detail)


def _min_members(guards: Guards, impact: Impact) -> Iterator[GuardResult]:
    least = guards.min_members
    if least is None:
        return
    if impact.members_after.quality == "unknown":
        yield GuardResult("min_members", f"{least:,} people", "unknown", ok=True)
        return
    after = impact.members_after.value
    moves = impact.adds.value + impact.removes.value > 0
    ok = after >= least or not moves
    detail = "" if ok else f"{after:,} people would remain; at least {least:,} have to"
    yield GuardResult("min_members", f"{least:,} people", f"{after:,} people", ok, detail)


def _empty_source(guards: Guards, impact: Impact) -> Iterator[GuardResult]:
    if guards.allow_empty or impact.desired.quality == "unknown":
        return
    empty = impact.source_rows == 0
    ok = not (empty and impact.members_before.value > 0)
    detail = (
        "" if ok else "the audience's query returns nobody: more often a broken source than an empty audience"
    )
    yield GuardResult("empty_source", "at least 1 profile", f"{impact.source_rows:,} profiles", ok, detail)


def _source_age(guards: Guards, age: float | None) -> Iterator[GuardResult]:
    limit = guards.max_source_age
    if limit is None:
        return
    ok = age is not None and age <= seconds(limit)
    measured = "unknown" if age is None else _hours(age)
    why = "cannot tell how old its data is" if age is None else f"was last written {measured} ago"
    detail = "" if ok else f"the source {why}; the oldest that is allowed is {limit}"
    yield GuardResult("max_source_age", limit, measured, ok, detail)


def _hours(age: float) -> str:
    return f"{age / 3600:.1f}h" if age >= _SECONDS["h"] else f"{age / 60:.0f}m"


def people(figure: Figure) -> str:
    """Return a figure as text: `1,234`, `about 1,234`, `unknown (why)`."""
    match figure.quality:
        case "exact":
            return f"{figure.value:,}"
        case "estimated":
            return f"about {figure.value:,}"
        case _:
            return f"unknown ({figure.why})" if figure.why else "unknown"
