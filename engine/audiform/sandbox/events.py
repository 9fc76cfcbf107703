"""Events: what an event type's requests bring, kept as it was sent."""

from __future__ import annotations

from typing import Any

from audiform.connectors.events.fields import Deduplication
from audiform.connectors.template import Bindings, unify
from audiform.sandbox.answers import Refused, success, tells_errors
from audiform.sandbox.asked import Asked
from audiform.sandbox.scopes import scope_of
from audiform.sandbox.signals import DIRECT, is_dry_run, refused_whole, signal_of, values_of
from audiform.sandbox.wire import Answer


def receive_events(asked: Asked, reject: int) -> Answer:
    """Keep the events of a request and answer it; the first `reject` of them are refused whatever they say.

    Where the platform cannot tell which it refuses, it refuses them all and keeps none.
    """
    signal, manifest = signal_of(asked), asked.manifest
    values = values_of(asked.match)
    kept: list[tuple[Any, str | None]] = []
    refused: list[Refused] = []
    for index, value in enumerate(values):
        said = dict(asked.found) if value is DIRECT else unify(signal.row, value)
        if said is None or index < reject:
            problem = (
                "rejected on demand" if index < reject else "the event has not the form that is described"
            )
            refused.append(Refused(index, _identity(asked, said) or "", problem))
        else:
            kept.append((_shown(said) if value is DIRECT else value, _identity(asked, said)))
    if refused and not tells_errors(signal.response, manifest.errors):
        return refused_whole(asked, refused[0])
    if not is_dry_run(signal, asked.match):
        for event, identity in kept:
            asked.account.events.add(event, identity)
    scope = scope_of(asked.found, None)
    scope["result"] = {"received": len(values), "invalid": len(refused)}
    answer = success(signal.response, scope, manifest.errors, refused)
    return Answer(answer.status, answer.body, answer.headers, rows=len(values))


def _identity(asked: Asked, said: Bindings | None) -> str | None:
    """Return what the platform knows an event by; None where it does not know it again."""
    by = asked.manifest.deduplication
    if said is None or not isinstance(by, Deduplication):
        return None
    value = said.get(f"row.{by.field}")
    return None if value is None else str(value)


def _shown(said: Bindings) -> dict[str, Any]:
    """Return what a request says of its only event outside of a body."""
    return {name.removeprefix("row."): value for name, value in said.items() if name.startswith("row.")}
