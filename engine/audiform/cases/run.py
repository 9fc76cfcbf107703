"""Runs one case with the real client: no case has Python of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audiform.cases.clock import still_clock
from audiform.cases.events import send_events
from audiform.cases.model import PLACE, Case, Expected
from audiform.cases.people import batch_of, columns_of
from audiform.cases.script import Script
from audiform.cases.secrets import sample_secret
from audiform.client import ConnectorClient, PlatformError
from audiform.connectors.catalog import ConnectorType
from audiform.connectors.manifest import Manifest, SignalOperation
from audiform.outcome import Outcome, OutcomeKind
from audiform.transport import FakeTransport
from audiform.wire import RetryPolicy


async def run_case(case: Case, connector_type: ConnectorType) -> tuple[str, ...]:
    """Return what was not as the case says, in words; nothing when it passes."""
    configured = connector_type.configured(case.settings)
    script = Script(case.exchanges)
    client = ConnectorClient(
        configured,
        case.settings,
        lambda name: sample_secret(configured.manifest, name, f"test-{name}"),
        FakeTransport(script.answer),
        timing=still_clock(),
        policy=RetryPolicy(attempts=case.attempts),
    )
    problems: list[str] = []
    if case.do == "add" and configured.manifest.kind == "event":
        outcome = await send_events(case, connector_type, FakeTransport(script.answer), problems)
    elif case.do in ("find", "members"):
        outcome, found = await _listed(client, configured.manifest, case)
        if found is not None and case.found is not None and found != [*case.found]:
            problems.append(f"found {found!r}, not {[*case.found]!r}")
    else:
        outcome = await _act(client, configured.manifest, case, problems)
    problems += script.problems
    problems += [
        f"request {number} was not sent" for number in range(script.sent + 1, len(case.exchanges) + 1)
    ]
    return (*problems, *_differences(case.outcome, outcome))


async def _act(client: ConnectorClient, manifest: Manifest, case: Case, problems: list[str]) -> Outcome:
    scope: dict[str, Any] = {**PLACE, "destination": dict(case.destination)}
    if case.do not in ("add", "remove", "modify", "erase"):
        operation = manifest.check if case.do == "check" else getattr(manifest.destination, case.do)
        if operation is None:
            return Outcome(OutcomeKind.FAILED, message=f"the type has no `{case.do}`")
        return await client.call(operation, scope)
    signal = manifest.erase if case.do == "erase" else manifest.signals.get(case.do)
    if not isinstance(signal, SignalOperation):
        problems.append(f"the type has no signal `{case.do}`")
        return Outcome(OutcomeKind.FAILED)
    columns = columns_of(case, manifest)
    rows, left_out = batch_of(signal, manifest, case, columns)
    if left_out != case.left_out:
        problems.append(f"{left_out} rows were left out, not {case.left_out}")
    scope["identifiers"] = [item.field for name, item in manifest.identifiers.items() if name in columns]
    return await client.send_batch(signal, scope, rows)


async def _listed(
    client: ConnectorClient, manifest: Manifest, case: Case
) -> tuple[Outcome, list[Mapping[str, Any]] | None]:
    operation = getattr(manifest.destination, case.do)
    if operation is None:
        return Outcome(OutcomeKind.FAILED, message=f"the type has no `{case.do}`"), None
    try:
        found = [
            entry
            async for entry in client.listing(operation, {**PLACE, "destination": dict(case.destination)})
        ]
    except PlatformError as error:
        return error.outcome, None
    return Outcome(OutcomeKind.ACCEPTED), found


def _differences(expected: Expected, outcome: Outcome) -> Iterator[str]:
    if outcome.kind is not expected.kind:
        yield f"the outcome is {outcome.kind}, not {expected.kind} ({outcome.message})"
    if outcome.category is not expected.category:
        yield f"the category is {outcome.category}, not {expected.category}"
    for name, text in (("message", expected.message), ("remedy", expected.remedy)):
        if text not in getattr(outcome, name):
            yield f"the {name} `{getattr(outcome, name)}` does not say `{text}`"
    if outcome.retry_after != expected.retry_after:
        yield f"it waits {outcome.retry_after} seconds, not {expected.retry_after}"
    yield from _rejected_differences(expected, outcome)
    for name, value in expected.extracted.items():
        if outcome.extracted.get(name) != value:
            yield f"{name} is {outcome.extracted.get(name)!r}, not {value!r}"


def _rejected_differences(expected: Expected, outcome: Outcome) -> Iterator[str]:
    indexes = [error.index for error in outcome.rejected]
    if indexes != [error.index for error in expected.rejected]:
        yield f"records {indexes} are rejected, not {[error.index for error in expected.rejected]}"
    else:
        for error, wanted in zip(outcome.rejected, expected.rejected, strict=True):
            if wanted.message not in error.message:
                yield f"record {error.index}: `{error.message}` does not say `{wanted.message}`"
    count = len(expected.rejected) if expected.rejected_count is None else expected.rejected_count
    if outcome.rejected_count != count:
        yield f"{outcome.rejected_count} records are rejected, not {count}"
