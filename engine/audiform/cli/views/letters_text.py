"""Dead letters as tables: of people, and of events; and what a replay would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from audiform.cli.views.table import table
from audiform.forwarding.records import Letter
from audiform.state.store import DeadLetter

_DIGEST_LENGTH = 12


def listed(people: Sequence[DeadLetter], events: Sequence[Letter]) -> str:
    """Return both lists, each where it has something."""
    parts = [*([_people(people)] if people else []), *([_events(events)] if events else [])]
    return "\n\n".join(parts) or "No record was rejected"


def whole(letter: Letter) -> str:
    """Return all of one event's letter."""
    facts = {
        "connector": letter.connector,
        "event": letter.event_id,
        "name": letter.name,
        "source": letter.source,
        "received": letter.received,
        "given up": letter.at,
        "category": letter.category,
        "message": letter.message,
        "person": letter.person or "nobody is named",
        "arrived": "perhaps: the answer to a try was lost" if letter.uncertain else "no",
    }
    return "\n".join(table(list(facts.items()), left=2))


def plan(letters: Sequence[Letter]) -> str:
    """Return what a replay would do: how many, to whom, and what may arrive twice."""
    counts = Counter((letter.connector, letter.category) for letter in letters)
    rows = [(connector, category, f"{count:,}") for (connector, category), count in sorted(counts.items())]
    lines = table([("connector", "category", "events"), *rows], left=2, indent="  ")
    doubled = sum(letter.uncertain for letter in letters)
    twice = (
        f"{doubled:,} of them may have arrived already, because an answer was lost: they may arrive twice, "
        "unless the platform knows them again by their id"
        if doubled
        else "None of them can have arrived before"
    )
    return "\n".join([f"This sends {_number(len(letters))} again:", "", *lines, "", twice])


def _people(letters: Sequence[DeadLetter]) -> str:
    rows = [
        (
            f"{letter.at:%Y-%m-%d %H:%M}",
            letter.binding,
            letter.signal,
            letter.identity[:_DIGEST_LENGTH],
            letter.category,
            letter.message,
        )
        for letter in letters
    ]
    heads = ("when (UTC)", "binding", "signal", "person", "category", "message")
    lines = table([heads, *rows], left=len(heads))
    count = f"{len(letters):,} rejected record{'' if len(letters) == 1 else 's'}"
    return "\n".join([*lines, "", f"{count}. Send them again with `audiform sync --retry-rejected`."])


def _events(letters: Sequence[Letter]) -> str:
    rows = [
        (
            letter.at[:16].replace("T", " "),
            letter.connector,
            letter.event_id,
            letter.name,
            letter.person[:_DIGEST_LENGTH],
            letter.category,
            letter.message,
        )
        for letter in letters
    ]
    heads = ("when (UTC)", "connector", "event", "name", "person", "category", "message")
    lines = table([heads, *rows], left=len(heads))
    count = f"{_number(len(letters))} that could not be delivered"
    return "\n".join([*lines, "", f"{count}. Send them again with `audiform dead-letters replay`."])


def _number(count: int) -> str:
    return f"{count:,} event{'' if count == 1 else 's'}"
