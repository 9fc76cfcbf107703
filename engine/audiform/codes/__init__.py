"""Every diagnostic code, in words: what it means and what to do. `document()` renders docs/diagnostics.md.

A new code is added to the file of its subject; a test sees to it that no diagnostic is made without one.
"""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes import (
    catalogue,
    engines,
    erasing,
    events,
    evolving,
    forwarding,
    meaning,
    policies,
    reading,
    rendering,
    running,
    scheduling,
    sources,
    state,
)
from audiform.codes.code import Code

SUBJECTS: Mapping[str, Mapping[str, Code]] = {
    "Reading files": reading.CODES,
    "Templates and environments": rendering.CODES,
    "Resources": meaning.CODES,
    "Moving, removing and importing": evolving.CODES,
    "Connector types": catalogue.CODES,
    "Sources": sources.CODES,
    "Engines": engines.CODES,
    "Policies": policies.CODES,
    "Plan, apply and sync": running.CODES,
    "Schedules": scheduling.CODES,
    "Events": events.CODES,
    "Collecting and forwarding events": forwarding.CODES,
    "Where the state is": state.CODES,
    "Forgetting, drift and history": erasing.CODES,
}

CODES: Mapping[str, Code] = {code: entry for codes in SUBJECTS.values() for code, entry in codes.items()}

DOCUMENTATION = "https://audiform.dev/docs/diagnostics"


def summary(code: str) -> str:
    """Return the headline of `code`; a code that nobody described is its own headline."""
    known = CODES.get(code)
    return known.summary if known else code.replace("-", " ").capitalize()


def documentation(code: str) -> str:
    """Return the URL of the section about `code`."""
    return f"{DOCUMENTATION}#{code}"


def document() -> str:
    """Return docs/diagnostics.md: one section per code, grouped by subject."""
    head = (
        "# Diagnostics\n\n"
        "<!-- Generated from engine/audiform/codes by `make docs`. Change it there. -->\n\n"
        "Every problem that Audiform reports has a code in words. This page says what each one means and what to do.\n"
    )
    parts = [head]
    for subject, codes in SUBJECTS.items():
        parts.append(f"## {subject}\n")
        parts.extend(_section(code, entry) for code, entry in sorted(codes.items()))
    return "\n".join(parts)


def _section(code: str, entry: Code) -> str:
    example = f"\n```yaml\n{entry.example.strip()}\n```\n" if entry.example else ""
    return f"### {code}\n\n**{entry.summary}.** {entry.meaning}\n{example}\n*What to do:* {entry.remedy}\n"
