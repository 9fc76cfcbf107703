"""The settings of an event source are those of its type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pydantic import ValidationError

from audiform.address import Address
from audiform.config.event_kinds import SOURCE_SETTINGS, EventSource
from audiform.config.schema import problems_of
from audiform.diagnostics import Diagnostic


def source_problems(address: Address, source: EventSource) -> Iterator[Diagnostic]:
    """Yield what is wrong with a source's settings and keys."""
    model = SOURCE_SETTINGS[source.type]
    try:
        model.model_validate(source.settings)
    except ValidationError as error:
        for item in problems_of(error, model, None):
            yield replace(item, address=address, path=("settings", *item.path))
    if source.type == "http" and not source.write_keys:
        yield Diagnostic(
            "missing-write-key",
            "A source of type `http` takes events only from clients that prove themselves with a key, and it has none.",
            hint="write_keys: {web: {from_env: WEB_WRITE_KEY}}",
            address=address,
            on_key=True,
        )
    if source.type != "http" and source.write_keys:
        text = f"A source of type `{source.type}` has no clients, so it has no `write_keys`; `credentials` say how it is reached."
        yield Diagnostic("unknown-field", text, address=address, path=("write_keys",), on_key=True)
