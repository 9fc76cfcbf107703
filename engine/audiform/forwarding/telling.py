"""What a running process says: structured lines and traces, without a person and without a secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

Span = Callable[..., AbstractContextManager[object]]


def _nothing(_: str) -> None:
    """Say nothing."""


def _no_span(_: str, **__: object) -> AbstractContextManager[object]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Telling:
    """`write` gets one line of JSON; `span` opens a span of a trace."""

    write: Callable[[str], None] = _nothing
    span: Span = _no_span

    def say(self, event: str, **facts: object) -> None:
        """Say what happened. Facts are names, numbers and masked messages of platforms."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.write(json.dumps({"at": at, "event": event, **facts}, default=str))


def traces() -> Span:
    """Return spans of OpenTelemetry; where they go is said by its own environment variables.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    from opentelemetry import trace

    tracer = trace.get_tracer("audiform")

    def span(name: str, **facts: str | int) -> AbstractContextManager[object]:
        return tracer.start_as_current_span(
            name, attributes={f"audiform.{key}": value for key, value in facts.items()}
        )

    return span
