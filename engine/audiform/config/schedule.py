"""When a binding is sent by `audiform sync --watch`: at times of the clock or in intervals.

A binding's own `schedule` goes before its environment's. `cron` or `every` of a binding takes the place of both; what else it
leaves open (`time_zone`, `jitter`, `catch_up`) is the environment's. Cron expressions are read by cronsim, which does what
Debian's cron does (docs/decisions/0019-schedules.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Final, Literal

from pydantic import Discriminator, Field, Tag

from audiform.address import Address
from audiform.config.models import Duration, Model, is_text
from audiform.diagnostics import Diagnostic, did_you_mean

MANUAL: Final = "manual"
"""A binding that is sent only when somebody says so."""

_ALIASES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS: Final = {
    "minute": (1, "a minute is 0 to 59"),
    "hour": (2, "an hour is 0 to 23"),
    "day-of-month": (
        3,
        "a day of the month is 1 to 31, or `L` for the last one, and must be in one of the months",
    ),
    "month": (4, "a month is 1 to 12, or `jan` to `dec`"),
    "day-of-week": (5, "a day of the week is 0 (Sunday) to 7, or `sun` to `sat`"),
}
"""Field as cronsim names it -> its number, and what it takes."""
_NAMES: Final = {
    "month": "jan feb mar apr may jun jul aug sep oct nov dec".split(),  # noqa: SIM905 - as it is read
    "day-of-week": "sun mon tue wed thu fri sat".split(),  # noqa: SIM905 - as above
}
_CRON_FIELDS: Final = 5


class Schedule(Model):
    """When bindings are sent by `audiform sync --watch`."""

    cron: str | None = Field(
        default=None,
        description="Minute, hour, day of the month, month, day of the week; or `@hourly`, `@daily`, `@weekly`, `@monthly`",
        examples=["0 6 * * mon-fri", "*/15 8-20 * * *", "@daily"],
    )
    every: Annotated[str, Field(pattern=r"^[1-9]\d*(m|h|d)$")] | None = Field(
        default=None,
        description="An interval instead of `cron`: time that passes, whatever the clocks say",
        examples=["15m"],
    )
    time_zone: str | None = Field(
        default=None, description="Where `cron` is read (default: UTC)", examples=["Europe/Berlin"]
    )
    jitter: Duration | None = Field(
        default=None,
        description="Begin up to so much later, each audience always by the same time, so that not all begin at once",
        examples=["5m"],
    )
    catch_up: Literal["once", "skip"] | None = Field(
        default=None,
        description="After a time that was missed: `once` makes up for all of them with one run (default), `skip` waits for the "
        "next",
    )


Scheduled = Annotated[
    Annotated[
        str, Field(description="A cron expression, or `manual`: only when somebody says so"), Tag("<text>")
    ]
    | Annotated[Schedule, Tag("<other>")],
    Discriminator(is_text),
]
"""What `schedule` may be; a text is short for `cron`."""


def merged(default: str | Schedule | None, own: str | Schedule | None) -> Schedule | None:
    """Return the schedule of a binding, or None where it has none; `default` is its environment's."""
    return _merged((default, own))


@lru_cache
def _merged(both: tuple[str | Schedule | None, str | Schedule | None]) -> Schedule | None:
    default, own = both
    if own == MANUAL or (own is None and default == MANUAL):
        return None
    given, said = _whole(default), _whole(own)
    timed = said if said.cron or said.every else given
    if not (timed.cron or timed.every):
        return None
    return Schedule(
        cron=timed.cron,
        every=timed.every,
        time_zone=said.time_zone or given.time_zone,
        jitter=said.jitter or given.jitter,
        catch_up=said.catch_up or given.catch_up,
    )


def _whole(schedule: str | Schedule | None) -> Schedule:
    if isinstance(schedule, Schedule):
        return schedule
    return Schedule(cron=schedule) if schedule and schedule != MANUAL else Schedule()


def plain_cron(text: str) -> str:
    """Return a cron expression of five fields: what `@daily` and its like stand for."""
    return _ALIASES.get(text.strip().lower(), text)


def schedule_problems(schedule: str | Schedule | None, address: Address | None) -> Iterator[Diagnostic]:
    """Yield what is wrong with what a schedule says, beyond its form."""
    if schedule is None or schedule == MANUAL:
        return
    if isinstance(schedule, str):
        yield from _cron_problems(schedule, ("schedule",), address, shorthand=True)
        return
    if schedule.cron is not None and schedule.every is not None:
        detail = "`schedule` has `cron` and `every`, and only one of them can say when. Leave one out."
        yield Diagnostic("invalid-schedule", detail, address=address, path=("schedule", "every"), on_key=True)
    if schedule.cron is not None:
        yield from _cron_problems(schedule.cron, ("schedule", "cron"), address, shorthand=False)
    if schedule.time_zone is not None and not _is_zone(schedule.time_zone):
        yield _unknown_zone(schedule.time_zone, address)


def _cron_problems(
    text: str, path: tuple[str, ...], address: Address | None, *, shorthand: bool
) -> Iterator[Diagnostic]:
    found = _cron_problem(text)
    if found is None:
        return
    why, hint = found
    if shorthand:
        why += (
            " As a text, `schedule` is a cron expression or `manual`; an interval is written `{every: 15m}`."
        )
        hint = hint or did_you_mean(text.lower(), [MANUAL])
    detail = f"`{'.'.join(path)}`: {why}"
    yield Diagnostic("invalid-schedule", detail, hint=hint, address=address, path=path)


@lru_cache
def _cron_problem(text: str) -> tuple[str, str | None] | None:
    """Return what is wrong with a cron expression and a hint, or None."""
    from datetime import UTC, datetime

    from cronsim import CronSim, CronSimError

    if text.startswith("@"):
        if text.lower() in _ALIASES:
            return None
        listed = ", ".join(f"`{name}`" for name in _ALIASES)
        return f"`{text}` is no short form; there are {listed}.", did_you_mean(text.lower(), _ALIASES)
    fields = text.split()
    if len(fields) != _CRON_FIELDS:
        names = "minute, hour, day of the month, month and day of the week"
        return f"a cron expression has five fields ({names}), and this has {len(fields)}.", None
    try:
        next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        return _bad_field(f"{error}".removeprefix("Bad "), fields)
    except StopIteration:
        return "no day of the next 50 years is one that this describes.", None
    return None


def _bad_field(name: str, fields: list[str]) -> tuple[str, str | None]:
    number, takes = _FIELDS[name]
    value, names = fields[number - 1], _NAMES.get(name, [])
    words = [word for word in re.findall(r"[a-z]+", value.lower()) if word not in names]
    near = next((f'did you mean "{word[:3]}"?' for word in words if word[:3] in names), None)
    hint = near or next((found for word in words if (found := did_you_mean(word, names))), None)
    title = name.replace("-", " ")
    return f"the {title}, field {number}, is `{value}`, which cannot be read: {takes}.", hint


@lru_cache
def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        # A folder of zones (`Europe`), a path, or a name that is none (ZoneInfoNotFoundError is a KeyError).
        return False
    return True


def _unknown_zone(name: str, address: Address | None) -> Diagnostic:
    from zoneinfo import available_timezones

    zones = {zone.lower(): zone for zone in available_timezones()}
    # People write the city alone, or forget the capitals.
    near = next((zone for zone in sorted(zones.values()) if zone.lower().endswith(f"/{name.lower()}")), None)
    hint = f'did you mean "{near or zones[name.lower()]}"?' if near or name.lower() in zones else None
    detail = f"`{name}` is no time zone of the IANA database, so nobody knows when this is. Write one such as `Europe/Berlin` or `UTC`."
    return Diagnostic(
        "unknown-time-zone",
        detail,
        hint=hint or did_you_mean(name, zones.values()),
        address=address,
        path=("schedule", "time_zone"),
    )
