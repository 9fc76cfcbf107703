"""Codes of schedules."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "invalid-schedule": Code(
        "Schedule that says no time",
        "A schedule cannot be read: its cron expression has another number of fields than five, a field holds what it cannot, no "
        "day is ever one that it describes, or it has both `cron` and `every`.",
        "Mend the field that the message names. Minute, hour, day of the month, month, day of the week: `0 6 * * mon-fri` is six "
        "o'clock on working days.",
        'schedule: {cron: "0 6 * * mon-fry"}',
    ),
    "unknown-time-zone": Code(
        "Time zone that does not exist",
        "A schedule is read in a time zone of the IANA database, which knows when clocks change, and this is the name of none.",
        "Write one such as `Europe/Berlin`, `America/New_York` or `UTC`.",
        "schedule: {cron: '@daily', time_zone: Berlin}",
    ),
    "schedule-without-time": Code(
        "Schedule without a time",
        "A binding's `schedule` has neither `cron` nor `every`, and its environment has none either, so `audiform sync --watch` never "
        "sends it.",
        "Give one of both a `cron` or an `every`, or write `schedule: manual`.",
    ),
}
