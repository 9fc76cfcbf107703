from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from audiform.delivery.deliver import deliver
from audiform.diagnostics import DiagnosticError
from audiform.outcome import Category, Request, Response, Signal
from audiform.sandbox.faults import Fault, FaultKind
from audiform.state.segments.session import SegmentSession
from audiform.state.tables.store import TableStore
from audiform.state.writing import not_written
from audiform.transport import FakeTransport, HttpTransport
from delivery.deliveries import KEYS, NAMED, Shop, emails, shop
from delivery.killing import deliver_and_die
from processes import started


def fault(kind: FaultKind, operation: str, times: int = 1, **more: object) -> Fault:
    """Return a fault of one operation."""
    return Fault.model_validate({"fault": kind, "operation": operation, "times": times, **more})


@dataclass
class Naming:
    """Goes to the sandbox, and lists whom a job has rejected, which the sandbox only counts."""

    rejected: Sequence[str]
    inner: HttpTransport = field(default_factory=HttpTransport)

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - as the Protocol has it
        if "import-errors" not in request.url:
            return await self.inner.send(request, timeout)
        entries = [
            {
                "type": "import-error",
                "attributes": {
                    "code": "invalid",
                    "detail": "Not deliverable",
                    "original_payload": {"email": f"{name}@example.com"},
                },
            }
            for name in self.rejected
        ]
        return Response(200, {}, orjson.dumps({"data": entries, "links": {}}))

    async def close(self) -> None:
        await self.inner.close()


def test_a_rejected_record_is_a_dead_letter_and_no_member(named: Shop):
    """What the platform rejects stays out of the ledger and is not sent again as it is."""
    named.people(*emails("a", "b", "c"))
    named.transport = Naming(["a"])
    named.sandbox.faults.waiting.append(fault(FaultKind.PARTIAL_FAILURE, "add"))

    first = named.deliver()
    second = named.deliver()

    assert ("done", {Signal.ADD: 2}, 1) == (first.status, first.sent, first.rejected)
    assert [("add", "invalid_record")] == [(letter.signal, letter.category) for letter in named.letters()]
    assert ({}, {"rejected_before": 1}) == (second.sent, second.left_out)
    assert 2 == named.ledger_count()


def test_a_rejected_record_is_sent_again_when_it_changes(named: Shop):
    """Whoever mends the record does not have to ask for it."""
    named.people(*emails("a", "b"))
    named.transport = Naming(["a", "b"])
    named.sandbox.faults.waiting.append(fault(FaultKind.PARTIAL_FAILURE, "add", rows=2))
    named.deliver()
    named.people({"email": "a@example.com", "ltv": 7}, *emails("b"))

    report = named.deliver()

    assert {Signal.ADD: 1} == report.sent
    assert ["a@example.com"] == list(named.members())


def test_rejected_records_are_sent_again_on_demand(named: Shop):
    """`retry_rejected` sends them as they are, and what is accepted is no dead letter any more."""
    named.people(*emails("a", "b"))
    named.transport = Naming(["a", "b"])
    named.sandbox.faults.waiting.append(fault(FaultKind.PARTIAL_FAILURE, "add", rows=2))
    named.deliver()

    report = named.deliver(retry_rejected=True)

    assert {Signal.ADD: 2} == report.sent
    assert [] == named.letters()


def test_a_dead_letter_names_nobody(named: Shop):
    """A dead letter holds a keyed digest and the platform's masked message."""
    named.people(*emails("canary-person"))
    named.transport = Naming(["canary-person"])
    named.sandbox.faults.waiting.append(fault(FaultKind.PARTIAL_FAILURE, "add"))
    named.deliver()

    assert 1 == len(named.letters())
    assert "canary" not in repr(named.letters())


def test_records_that_are_only_counted_as_rejected_stay_as_sent(keys: Shop):
    """Where the platform does not say which, all of the batch are members."""
    keys.people(*emails("a", "b", "c"))
    keys.sandbox.faults.waiting.append(fault(FaultKind.PARTIAL_FAILURE, "add"))

    report = keys.deliver()

    assert ({Signal.ADD: 2}, 1, 3) == (report.sent, report.rejected, keys.ledger_count())


def test_a_bad_day_is_waited_out(keys: Shop):
    """429, 500 and lost connections are tried again within one delivery."""
    keys.people(*emails("a", "b"))
    kinds = (FaultKind.STATUS, FaultKind.RESET_BEFORE_BODY, FaultKind.RESET_AFTER_BODY)
    keys.sandbox.faults.waiting += [fault(kind, "add") for kind in kinds]

    report = keys.deliver()

    assert ("done", {Signal.ADD: 2}) == (report.status, report.sent)
    assert 2 == len(keys.members()["email"])


def test_a_batch_without_an_answer_is_unsure_and_sent_again(named: Shop):
    """Whether the platform has them is not known: they are members that can be removed, and are sent again."""
    named.people(*emails("a", "b"))
    named.sandbox.faults.waiting.append(fault(FaultKind.RESET_AFTER_BODY, "add", times=50))

    first = named.deliver()
    named.sandbox.faults.waiting.clear()
    counted = named.ledger_count()
    named.people(*emails("b"))
    second = named.deliver()

    assert ("failed", {}, 2, 0) == (first.status, first.sent, first.unsure, first.not_sent)
    assert 2 == counted
    assert {Signal.ADD: 1, Signal.REMOVE: 1} == second.sent
    assert ["b@example.com"] == list(named.members())


def test_a_removal_without_an_answer_is_done_again(named: Shop):
    """A member whose removal nobody saw answered is removed again, or added again when it is back."""
    named.people(*emails("a", "b", "c"))
    named.deliver()
    named.people(*emails("c"))
    named.sandbox.faults.waiting.append(fault(FaultKind.RESET_AFTER_BODY, "remove", times=50))
    failed = named.deliver()
    named.sandbox.faults.waiting.clear()
    named.people(*emails("b", "c"))
    again = named.deliver()

    assert ("failed", 2) == (failed.status, failed.unsure)
    assert {Signal.ADD: 1, Signal.REMOVE: 1} == again.sent
    assert ["b@example.com", "c@example.com"] == sorted(named.members())


def test_a_failure_stops_what_is_left_and_says_why(keys: Shop):
    """A token that does not work fails the delivery once, with the remedy; the next one does the rest."""
    keys.people(*emails("a", "b"))
    invalid = fault(FaultKind.ERROR, "add", category=Category.INVALID_CREDENTIALS)
    keys.sandbox.faults.waiting.append(invalid)

    failed = keys.deliver()
    healed = keys.deliver()

    assert ("failed", {}, 2) == (failed.status, failed.sent, failed.not_sent)
    assert [Category.INVALID_CREDENTIALS] == [problem.category for problem in failed.problems]
    assert failed.problems[0].remedy
    assert ("done", {Signal.ADD: 2}, 2) == (healed.status, healed.sent, keys.ledger_count())


def test_a_key_that_waits_for_its_new_member_is_not_forgotten(keys: Shop):
    """When the changed member cannot be added, the old one stays in the ledger with what it still holds."""
    keys.people({"email": "a@example.com", "phone": "+16505551111"})
    keys.deliver()
    keys.people({"email": "a@example.com", "phone": "+16505552222"})
    keys.sandbox.faults.waiting.append(fault(FaultKind.ERROR, "add", category=Category.INVALID_CREDENTIALS))
    failed = keys.deliver()
    counted = keys.ledger_count()
    keys.people({"email": "b@example.com"})
    keys.deliver()

    assert ("failed", 1) == (failed.status, counted)
    assert ["email"] == list(keys.members())
    assert 1 == len(keys.members()["email"])


def test_figures_are_kept_by_day(named: Shop):
    """Sent, left out and rejected people are counted for the statistics."""
    named.people(*emails("a", "b", "c"), {"email": "d@example.com", "ok": False})
    named.sandbox.faults.waiting.append(fault(FaultKind.PARTIAL_FAILURE, "add"))

    named.deliver()

    assert {
        ("2024-05-01", "ads", "buyers", "sent", "add", 2),
        ("2024-05-01", "ads", "buyers", "error", "invalid_record", 1),
        ("2024-05-01", "ads", "buyers", "left_out", "no_consent", 1),
    } == {(c.day, c.connector, c.binding, c.what, c.detail, c.count) for c in named.counts()}


def _bodies(sent: list[Request]) -> list[int]:
    return [len(request.body or b"") for request in sent]


def test_batches_keep_within_the_limits(named: Shop):
    """Requests have at most as many bytes as the platform takes."""
    named.people(*({"email": f"{'x' * 60}{number}@{'y' * 60}.example.com"} for number in range(30_000)))
    named.apply()
    answers: Callable[[Request], Response] = _job
    transport = FakeTransport(answers)
    named.transport = transport

    report = named.deliver()

    sent = [request for request in transport.requests if request.method == "POST"]
    assert ("done", {Signal.ADD: 30_000}) == (report.status, report.sent)
    assert max(_bodies(sent)) <= 4_900_000 + 1_000
    assert 3 <= len(sent)


def _job(request: Request) -> Response:
    kind = '"type": "profile-bulk-import-job", "id": "1"'
    if request.method == "POST":
        return Response(202, {}, b'{"data": {%b}}' % kind.encode())
    status = b'"attributes": {"status": "complete", "total_count": 1, "failed_count": 0}'
    return Response(200, {}, b'{"data": {%b, %b}}' % (kind.encode(), status))


POINTS = [
    (SegmentSession, "stage"),
    (TableStore, "begin_run"),
    (TableStore, "start_batch"),
    (TableStore, "settle_batch"),
    (SegmentSession, "fold"),
    (TableStore, "end_run"),
]


@pytest.mark.kills
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("owner", "method"), POINTS)
@pytest.mark.parametrize("kind", [KEYS, NAMED])
def test_a_kill_loses_nothing(tmp_path: Path, kind: str, owner: type, method: str, when: str):
    """Killed at any step of the journal, the next delivery ends where it would have ended, and then rests."""
    with shop(tmp_path, kind) as killed:
        killed.people(*emails("a", "b"), {"email": "c@example.com", "phone": "+16505551111"})
        killed.deliver()
        killed.people(*emails("b", "d"), {"email": "c@example.com", "phone": "+16505552222"})
        process = started(deliver_and_die, tmp_path, kind, killed.endpoint, owner, method, when)
        process.join(60)
        assert -signal.SIGKILL == process.exitcode

        measured = killed.measure().impact
        report = killed.deliver(approved=["buyers.max_removed"])
        rest = killed.deliver()

        assert report.impact == measured
        assert ("done", {}) == (rest.status, rest.sent)
        assert 3 == killed.ledger_count()
        assert 3 == (len(killed.members()["email"]) if kind == KEYS else len(killed.members()))
        assert [] == [path.name for path in tmp_path.rglob("spill-*")]


@dataclass
class FullDisk:
    """A store whose disk is full when the answer of a batch arrives."""

    store: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def settle_batch(self, *arguments: object) -> None:
        raise not_written(Path("state"), "no space left on device")


def test_what_cannot_be_written_down_is_said_and_forgets_nobody(named: Shop):
    """When there is no room for an answer, the reason is the error; those who were sent can still be removed."""
    named.people(*emails("a"))
    named.apply()
    with pytest.raises(DiagnosticError, match="no space left on device"):
        named.ask(lambda runtime: deliver(replace(runtime, store=FullDisk(runtime.store)), "buyers"))

    assert 1 == named.ledger_count()
