"""The request of a batch that the platform only validates, where it can."""

from __future__ import annotations

from typing import Any

from audiform.connectors.manifest import ResponseTemplate, SignalOperation


def dry_run_of(signal: SignalOperation) -> SignalOperation | None:
    """Return the signal as a question: the same request with what says that nothing is to be done, and no job."""
    body: Any = signal.request.body
    if signal.dry_run is None or not isinstance(body, dict):
        return None
    request = signal.request.model_copy(update={"body": {**body, **signal.dry_run}})
    # A platform that does nothing has no job to name; what it says about single records is read as always.
    answer = ResponseTemplate(status="2xx", items=signal.response.items, keyed=signal.response.keyed)
    return signal.model_copy(update={"request": request, "response": answer, "job": None})
