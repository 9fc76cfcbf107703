"""What a running process says: structured lines and traces, without a person and without a secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from audiform.diagnostics import Diagnostic, DiagnosticError

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


@dataclass(frozen=True, slots=True)
class Tracing:
    """Where spans go; `close` writes those that wait."""

    span: Span
    close: Callable[[], None]


def no_traces() -> Tracing:
    """Return traces that nobody wants."""
    return Tracing(_no_span, lambda: None)


def traces(exporter: Any = None) -> Tracing:
    """Return spans of OpenTelemetry. Without an `exporter` they go where its own environment variables say.

    Raises:
        DiagnosticError: it is not installed (`library-missing`).
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError:
        detail = (
            "An OTLP endpoint is set, and OpenTelemetry is not installed: run `pip install 'audiform[otel]'`."
        )
        raise DiagnosticError((Diagnostic(code="library-missing", detail=detail),)) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "audiform"}))
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
    tracer = provider.get_tracer("audiform")

    def span(name: str, **facts: str | int) -> AbstractContextManager[object]:
        return tracer.start_as_current_span(
            name, attributes={f"audiform.{key}": value for key, value in facts.items()}
        )

    return Tracing(span, provider.shutdown)
