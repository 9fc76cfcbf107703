"""Sends the staged rows of a run: bounded, journalled before and after, each answer taken for what it means."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import pairwise

from audiform.audiences.difference import content_sql
from audiform.delivery.courier import Answer, Courier, Parcel
from audiform.delivery.progress import Progress
from audiform.delivery.report import Problem
from audiform.delivery.rows import Outgoing
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.outcome import Category, Outcome, OutcomeKind, RecordError, Signal
from audiform.sql import literal, name
from audiform.state.ledger import Batch, LedgerSession, Settled
from audiform.state.naming import is_kept, trace_text
from audiform.state.store import Count, DeadLetter, Run, StateStore


@dataclass(slots=True)
class Tally:
    """What became of people so far."""

    sent: Counter[Signal] = field(default_factory=Counter[Signal])
    rejected: int = 0
    pending: int = 0
    unsure: int = 0
    tried: int = 0
    failed: bool = False
    problems: list[Problem] = field(default_factory=list[Problem])
    settled: list[Settled] = field(default_factory=list[Settled])

    def add_problem(self, problem: Problem) -> None:
        """Keep a problem; equal ones once."""
        if problem not in self.problems:
            self.problems.append(problem)


@dataclass(slots=True)
class Sending:
    """One run on its way. `connector`: its name, for the statistics."""

    courier: Courier
    store: StateStore
    session: LedgerSession
    run: Run
    connector: str
    progress: Progress = field(repr=False)
    now: datetime
    tally: Tally = field(default_factory=Tally)
    _number: int = 0
    _lookups: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def send(self, outgoing: Outgoing) -> None:
        """Send one part; after a failure the batches that were not begun are left.

        Raises:
            DiagnosticError: what becomes of a batch cannot be written down. Those on their way are left: they are unsure.
        """
        try:
            await self._send_all(outgoing)
        except ExceptionGroup as several:
            said, others = several.split(DiagnosticError)
            if said is None or others is not None:
                raise
            raise DiagnosticError(_diagnostics(said)) from None

    async def _send_all(self, outgoing: Outgoing) -> None:
        slots = asyncio.Semaphore(self.courier.at_once(outgoing))
        async with asyncio.TaskGroup() as group:
            async for parcel in self.courier.parcels(outgoing):
                await slots.acquire()
                if self.tally.failed:
                    break
                batch = Batch(self._number, outgoing.part, parcel.first, parcel.first + parcel.count)
                self._number += 1
                task = group.create_task(self._send(outgoing, parcel, batch))
                task.add_done_callback(lambda _: slots.release())

    async def _send(self, outgoing: Outgoing, parcel: Parcel, batch: Batch) -> None:
        self.store.start_batch(self.run.id, batch.number, batch.data())
        answers = await parcel.send(self.tally, partial(self.progress.advance, self.run.binding))
        settled = _settled(batch, answers)
        self.tally.failed |= bool(settled.failed)
        signal = outgoing.operation_signal
        letters = await self._letters(settled, answers, signal)
        self._count(answers, settled, signal)
        counts = self._counts(answers, settled, signal)
        self.store.settle_batch(self.run.id, batch.number, settled.data(), counts, letters)
        self.tally.settled.append(settled)

    async def _letters(self, settled: Settled, answers: Iterable[Answer], signal: Signal) -> list[DeadLetter]:
        if not settled.rejected:
            return []
        errors = {answer.first + error.index: error for answer in answers for error in _rejected(answer)}
        async with self._lookups:
            contents = await asyncio.to_thread(self._contents, settled)
        return [
            DeadLetter(
                self.run.binding,
                signal.value,
                contents[row][0],
                error.category.value,
                error.message,
                self.now,
                contents[row][1],
            )
            for row, error in errors.items()
        ]

    def _contents(self, settled: Settled) -> dict[int, tuple[str, tuple[str, ...]]]:
        """Return row -> the keyed digest by which a rejected record is known again, and those of its identifiers."""
        staged, connection = self.session.staged(self.run, settled.batch.part), self.session.connection
        columns = [row[0] for row in connection.execute(f"DESCRIBE FROM {staged}").fetchall()]
        texts = [trace_text(literal(column), name(column)) for column in columns if is_kept(column)]
        traces = ", ".join(f"CAST({self.session.digest(text)} AS VARCHAR)" for text in texts)
        found = connection.execute(
            f"SELECT row, CAST({content_sql(self.session.digest)} AS VARCHAR), [{traces}] FROM {staged} WHERE row IN "
            f"(SELECT unnest(CAST($1 AS BIGINT[])))",
            [list(settled.rejected)],
        ).fetchall()
        return {row: (content, tuple(filter(None, keys))) for row, content, keys in found}

    def _count(self, answers: Iterable[Answer], settled: Settled, signal: Signal) -> None:
        tally = self.tally
        tally.tried += settled.batch.last - settled.batch.first
        tally.unsure += _unanswered(settled)
        for answer in answers:
            outcome, rejected = answer.outcome, _rejected_people(answer)
            tally.rejected += rejected
            if outcome.ok:
                tally.sent[signal] += answer.size - rejected
            if outcome.kind is OutcomeKind.PENDING:
                tally.pending += answer.size - rejected
            for problem in _problems(outcome):
                tally.add_problem(problem)

    def _counts(self, answers: Iterable[Answer], settled: Settled, signal: Signal) -> list[Count]:
        """Return the figures of one batch for the statistics."""
        figures: Counter[tuple[str, str]] = Counter()
        for answer in answers:
            outcome, rejected = answer.outcome, _rejected_people(answer)
            if outcome.ok:
                figures["sent", signal.value] += answer.size - rejected
            figures["error", Category.INVALID_RECORD.value] += rejected
            if not outcome.ok and outcome.category is not None:
                figures["error", outcome.category.value] += answer.size - rejected
        day = self.now.date().isoformat()
        return [
            Count(day, self.connector, self.run.binding, what, detail, count)
            for (what, detail), count in figures.items()
            if count
        ]


def _diagnostics(group: ExceptionGroup[Exception]) -> list[Diagnostic]:
    """Return what all of the group's errors say, the same once."""
    errors = [error for error in group.exceptions if isinstance(error, DiagnosticError)]
    return [*dict.fromkeys(one for error in errors for one in error.diagnostics)]


def _settled(batch: Batch, answers: Sequence[Answer]) -> Settled:
    """Return what the answers mean for the rows of a batch."""
    rejected: list[int] = []
    failed: list[tuple[int, int]] = []
    unsure: list[tuple[int, int]] = []
    for answer in answers:
        refused = sorted({answer.first + error.index for error in _rejected(answer)})
        rejected += refused
        doubtful = answer.outcome.unsure
        if doubtful:
            # An answer was lost before this one: what it rejects may have been taken then.
            unsure += [(row, row + 1) for row in refused]
        match answer.outcome.kind:
            case OutcomeKind.RETRY:
                unsure.append((answer.first, answer.last))
            case OutcomeKind.FAILED:
                (unsure if doubtful else failed).append((answer.first, answer.last))
            case OutcomeKind.REJECTED:
                (unsure if doubtful else failed).extend(_between(answer, refused))
            case _:
                pass
    return Settled(batch, rejected, failed, unsure)


def _between(answer: Answer, refused: Sequence[int]) -> list[tuple[int, int]]:
    """Return the rows that went down with the refused ones of the same request."""
    edges = [answer.first - 1, *refused, answer.last]
    return [(left + 1, right) for left, right in pairwise(edges) if left + 1 < right]


def _rejected(answer: Answer) -> Sequence[RecordError]:
    """Return the records that the platform named; a request of one record names it by its answer."""
    outcome = answer.outcome
    if outcome.kind is OutcomeKind.REJECTED and not outcome.rejected and answer.size == 1:
        return (RecordError(0, outcome.category or Category.INVALID_RECORD, outcome.message),)
    return outcome.rejected


def _rejected_people(answer: Answer) -> int:
    return min(answer.size, max(len(_rejected(answer)), answer.outcome.rejected_count))


def _problems(outcome: Outcome) -> list[Problem]:
    found = [Problem(error.category, error.message, "") for error in outcome.rejected]
    if outcome.message and outcome.kind is not OutcomeKind.ACCEPTED:
        found.append(Problem(outcome.category, outcome.message, outcome.remedy))
    return found


def _unanswered(settled: Settled) -> int:
    """Return how many rows got no answer at all; one that was rejected in the end got one."""
    rows = {row for first, last in settled.unsure for row in range(first, last)}
    return len(rows.difference(settled.rejected))
