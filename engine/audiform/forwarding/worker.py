"""One event connector at work: reads the log, maps, batches, sends, and settles each event, once and for all.

An event is acknowledged only when its platform took it, when it is kept as a dead letter, or when nobody wanted it.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from audiform.event_client import Sent
from audiform.eventlog.log import Entry, EventLog, LogUnavailableError, Reader, Start
from audiform.events.event import Event
from audiform.events.route import COUNTED, DEAD_LETTERS, Mapped, NotSent, Reason
from audiform.forwarding.breaker import Breaker, Circuit, backoff
from audiform.forwarding.destination import Destination
from audiform.forwarding.latency import Recent
from audiform.forwarding.letters import Letters
from audiform.forwarding.queue import Item, Queue
from audiform.forwarding.records import Letter, Records, Settled
from audiform.forwarding.snapshot import Snapshot
from audiform.forwarding.telling import Telling
from audiform.outcome import Category, OutcomeKind
from audiform.wire import Timing

_MOST_HELD = 5_000
_MOST_BYTES = 32 * 1024 * 1024
_AT_ONCE = 250
"""Events that are mapped before others get their turn."""
_FETCH_SECONDS = 1.0
_AGAIN_SECONDS = 1.0
_STOP_SECONDS = 10.0
_SWEEP_SECONDS = 1.0
_LOOK_SECONDS = 0.25
_SUPPRESSED = NotSent(Reason.SUPPRESSED, "the person asked to be forgotten; it is not sent")


@dataclass(slots=True)
class Worker:
    """Forwards to one destination. `person` makes the keyed digest of whom an event is about."""

    destination: Destination
    log: EventLog
    records: Records
    timing: Timing = field(default_factory=Timing)
    person: Callable[[str], str] = lambda _: ""
    telling: Telling = field(default_factory=Telling)
    forgotten: Callable[[Event], bool] = lambda _: False
    broken: str = ""
    """What stopped it, which should not; whoever runs it starts it anew."""
    _reader: Reader | None = None
    _queue: Queue = field(init=False)
    _breaker: Breaker = field(init=False)
    _letters: Letters = field(init=False)
    _latency: Recent = field(init=False)
    _offered: Recent = field(init=False)
    _uncertain: set[str] = field(default_factory=set[str])
    _known: set[Settled] = field(default_factory=set[Settled])
    """Settled before this worker began: a log that was killed, or did not hear of it, hands them out again."""
    _sending: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    _replayed: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """The dead letters that are on their way again, each as it was when somebody asked for it."""
    _totals: Counter[str] = field(default_factory=Counter[str])
    _last_error: str = ""
    _broken: bool = False

    def __post_init__(self) -> None:
        self._queue = Queue(self.destination.sender.limits, self.destination.max_seconds)
        name, window = self.destination.name, self.destination.window
        self._letters = Letters(name, window, self.timing.clock, self.person)
        self._breaker = Breaker(self.timing.monotonic, self.timing.chance)
        self._latency, self._offered = Recent(self.timing.monotonic), Recent(self.timing.monotonic)
        self._room.set()

    async def start(self, *, skip: bool = False) -> None:
        """Begin to forward. `skip`: not what was kept during a pause."""
        self._uncertain = set(await self.records.unsettled(self.destination.name))
        self._known = set(await self.records.settled(self.destination.name))
        since = await self.records.broken_since(self.destination.name)
        if since is not None:
            broken = max(0.0, self.timing.clock().timestamp() - since)
            self._breaker.since, self._broken = self.timing.monotonic() - broken, True
        self._reader = reader = await self.log.reader(self.destination.name, Start.NOW)
        if skip:
            await reader.skip()
        self._tasks = [asyncio.create_task(self._read(reader)), asyncio.create_task(self._send())]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Send nothing more; wait for the answers to what was sent. The rest is there when it starts again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._sending:
            await asyncio.wait(self._sending, timeout=_STOP_SECONDS)
        for task in list(self._sending):
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        if self._reader is not None:
            await self._reader.close()

    async def replay(self, letters: Sequence[Letter]) -> None:
        """Send dead letters again, as many as there is room for. `letters` are all that are asked for."""
        asked = {(letter.position, letter.at): letter for letter in letters}
        self._replayed &= asked.keys()
        new = [letter for key, letter in asked.items() if key not in self._replayed]
        new = new[: _AT_ONCE if self._room.is_set() else 0]
        events = await self.log.find([letter.position for letter in new])
        for letter in new:
            self._replayed.add((letter.position, letter.at))
            await self._again(letter, events.get(letter.position))
        self._has_room()
        self._wake.set()

    async def snapshot(self) -> Snapshot:
        """Return how this connector is."""
        p50, p95, p99 = self._latency.quantiles(0.5, 0.95, 0.99)
        lag = None
        if self._reader is not None:
            with suppress(LogUnavailableError):
                lag = await self._reader.lag()
        rates = self._offered.per_second(), self._latency.per_second()
        return Snapshot(
            self.destination.name,
            lag,
            *rates,
            p50,
            p95,
            p99,
            self._queue.held,
            self._queue.retrying,
            self._breaker.state,
            self._last_error,
            dict(self._totals),
            self._latency.seconds,
        )

    # --- From the log into the queue

    async def _read(self, reader: Reader) -> None:
        while True:
            await self._room.wait()
            try:
                entries = await reader.fetch(_AT_ONCE, _FETCH_SECONDS)
            except LogUnavailableError as gone:
                self.telling.say("log_unavailable", connector=self.destination.name, why=str(gone))
                await self.timing.sleep(_AGAIN_SECONDS)
                continue
            if entries:
                await self._take(reader, entries)
                self._has_room()
                self._wake.set()

    async def _take(self, reader: Reader, entries: Sequence[Entry]) -> None:
        """Map events: what is wanted is held, the rest is settled, with a dead letter where it could not be mapped."""
        now, refused, tally = self.timing.monotonic(), list[Letter](), Counter[tuple[str, str]]()
        settled = list[Entry]()
        for entry in entries:
            if self._known and (entry.position, entry.event.id) in self._known:
                settled.append(entry)
                continue
            found = self._offer(entry.event)
            if isinstance(found, Mapped):
                self._queue.add(self._item(entry, found), now)
                self._offered.add(0)
                continue
            settled.append(entry)
            if found.reason in COUNTED:
                tally["not_sent", found.reason] += 1
            if found.reason in DEAD_LETTERS:
                refused.append(self._letters.refused(entry, found.reason, found.detail))
                tally["dead", found.reason] += 1
        await self._settle(reader, settled, refused, tally)

    def _offer(self, event: Event) -> Mapped | NotSent:
        found = self.destination.route.offer(event)
        return _SUPPRESSED if isinstance(found, Mapped) and self.forgotten(event) else found

    def _item(self, entry: Entry, mapped: Mapped) -> Item:
        received = _seconds(entry.event.received)
        unsure = entry.position in self._uncertain
        self._uncertain.discard(entry.position)
        return Item(entry, mapped, received, received + self.destination.window, unsure)

    async def _settle(
        self,
        reader: Reader,
        entries: Sequence[Entry],
        letters: Sequence[Letter],
        tally: Counter[tuple[str, str]],
    ) -> None:
        """First what must not be lost, then the acknowledgement: a kill between the two repeats, and loses nothing."""
        await self.records.bury(letters)
        await self.records.count(self.destination.name, tally)
        self._count(tally)
        await reader.acknowledge(entries)

    # --- From the queue to the platform

    async def _send(self) -> None:
        swept = self.timing.monotonic()
        while True:
            self._wake.clear()
            now = self.timing.monotonic()
            wait = max(self._queue.due(now), self._breaker.wait())
            if len(self._sending) >= self.destination.sender.limits.concurrency:
                wait = math.inf
            if wait <= 0:
                self._begin([item for item in self._queue.take() if self._is_mine(item)])
                continue
            if now - swept > _SWEEP_SECONDS and self._breaker.state is not Circuit.CLOSED:
                swept = now
                await self._expire()
            # Not `wait_for`, which forgets that it was cancelled when what it waits for comes at the same time.
            with suppress(TimeoutError):
                async with asyncio.timeout(min(wait, _LOOK_SECONDS)):
                    await self._wake.wait()

    def _begin(self, items: Sequence[Item]) -> None:
        if items:
            self._breaker.begin()
            task = asyncio.create_task(self._batch(items))
            self._sending.add(task)
            task.add_done_callback(self._sent)

    def _is_mine(self, item: Item) -> bool:
        """Return whether an item is to be sent here; what another worker has by now is let go of."""
        if item.letter or self._reader is None or self._reader.holds(item.entry):
            return True
        self._queue.settled(item, self.timing.monotonic())
        return False

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._has_room()
        self._wake.set()
        self._ended(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            # The disk is full, or away. Its events stay unsettled, so they come again with the next start.
            self.broken = type(error).__name__
            self.telling.say("not_recorded", connector=self.destination.name, error=self.broken)

    async def _batch(self, items: Sequence[Item]) -> None:
        name = self.destination.name
        again = sum(item.unsure and not item.counted for item in items)
        detail = "same_id" if self.destination.deduplicates else ""
        twice = Counter({("maybe_twice", detail): again}) if again else Counter[tuple[str, str]]()
        number = await self.records.begin(name, [item.entry.position for item in items], twice)
        self._count(twice)
        for item in items:
            item.counted = item.unsure
        with self.telling.span("audiform.send", connector=name, events=len(items)):
            results = await self._answers(items)
        tally = Counter[tuple[str, str]]()
        letters, settled = self._judged(items, results, tally)
        await self._remember()
        await self.records.bury(letters)
        await self._acknowledged(settled, {letter.position for letter in letters})
        known = [(item.entry.position, item.entry.event.id) for item in settled]
        await self.records.settle(number, name, known, tally)
        self._count(tally)

    async def _answers(self, items: Sequence[Item]) -> Sequence[Sent]:
        try:
            return await self.destination.sender.send([item.mapped for item in items])
        except Exception as error:  # noqa: BLE001 - a bug of ours must not stop a connector, nor lose an event
            self.telling.say("bug", connector=self.destination.name, error=type(error).__name__)
            why = f"{type(error).__name__} while it was sent. This is a bug in Audiform: please report it"
            return [Sent(OutcomeKind.RETRY, Category.OTHER, why, answer_lost=True)] * len(items)

    def _judged(
        self, items: Sequence[Item], results: Sequence[Sent], tally: Counter[tuple[str, str]]
    ) -> tuple[list[Letter], list[Item]]:
        """Decide what becomes of each event of a batch."""
        letters, settled = list[Letter](), list[Item]()
        clock = self.timing.clock().timestamp()
        self._pace(results)
        for item, sent in zip(items, results, strict=True):
            if sent.outcome in {OutcomeKind.ACCEPTED, OutcomeKind.PENDING}:
                tally["sent", ""] += 1
                self._latency.add(max(0.0, clock - item.received))
                settled.append(item)
                continue
            self._last_error = sent.message
            item.attempts += 1
            if sent.answer_lost:
                item.unsure, item.counted = True, False
            category = sent.category or Category.OTHER
            if sent.outcome is OutcomeKind.REJECTED:
                tally["dead", category] += 1
                letters.append(
                    self._letters.refused(item.entry, category, sent.message, uncertain=item.unsure)
                )
                settled.append(item)
            elif clock >= item.deadline:
                tally["dead", category] += 1
                letters.append(self._letters.expired(item, category, sent.message))
                settled.append(item)
            else:
                tally["retried", category] += 1
                self._later(item, sent)
        return letters, settled

    def _pace(self, results: Sequence[Sent]) -> None:
        """Tell the breaker: whatever got an answer that is about the record shows that the destination works."""
        waiting = [sent for sent in results if sent.outcome in {OutcomeKind.RETRY, OutcomeKind.FAILED}]
        if len(waiting) < len(results):
            self._breaker.succeed()
            return
        before = self._breaker.state
        waits = [sent.retry_after for sent in waiting if sent.retry_after is not None]
        # A platform that says "in a year" is asked again when the time of what waits is over.
        after = min(max(waits), self.destination.window) if waits else None
        self._breaker.fail(after, hopeless=any(sent.outcome is OutcomeKind.FAILED for sent in waiting))
        if self._breaker.state is not before:
            first = waiting[0]
            self.telling.say(
                "breaker_open",
                connector=self.destination.name,
                category=first.category or Category.OTHER,
                message=first.message,
                seconds=round(self._breaker.wait(), 1),
            )

    async def _remember(self) -> None:
        """Keep since when nothing is taken: a restart does not begin to count anew."""
        broken = self._breaker.since is not None
        if broken is not self._broken:
            self._broken = broken
            since = self.timing.clock().timestamp() - self._breaker.broken_for()
            await self.records.broke(self.destination.name, since if broken else None)

    def _later(self, item: Item, sent: Sent) -> None:
        asked = min(sent.retry_after or 0.0, self.destination.window)
        wait = max(asked, backoff(item.attempts, self.timing.chance()))
        self._queue.again(item, self.timing.monotonic() + wait)

    async def _expire(self) -> None:
        """Give up what waits although its time is over: what was tried, and the rest once it was broken for the whole window."""
        untried = self._breaker.broken_for() >= self.destination.window
        items = self._queue.expired(self.timing.clock().timestamp(), untried=untried)
        if not items:
            return
        letters = [self._letters.expired(item, Category.UNAVAILABLE, self._last_error) for item in items]
        tally = Counter({("dead", str(Category.UNAVAILABLE)): len(letters)})
        await self.records.bury(letters)
        await self.records.count(self.destination.name, tally)
        self._count(tally)
        await self._acknowledged(items, {letter.position for letter in letters})

    async def _acknowledged(self, items: Sequence[Item], dead: set[str]) -> None:
        now = self.timing.monotonic()
        for item in items:
            self._queue.settled(item, now)
        delivered = [item.entry.position for item in items if item.letter and item.entry.position not in dead]
        await self.records.unbury(self.destination.name, delivered)
        if self._reader is not None:
            await self._reader.acknowledge([item.entry for item in items if not item.letter])

    # --- Dead letters and figures

    async def _again(self, letter: Letter, event: Event | None) -> None:
        """Hold the event of a dead letter, mapped anew; or say why it cannot be sent."""
        gone = "the event is no longer in the log; it cannot be sent again"
        found = NotSent(Reason.OTHER_EVENT, gone) if event is None else self._offer(event)
        if event is None or isinstance(found, NotSent):
            why = found.detail if isinstance(found, NotSent) else gone
            await self.records.bury([self._letters.kept(letter, why)])
            return
        now = self.timing.clock().timestamp()
        entry, until = Entry(letter.position, event), now + self.destination.window
        item = Item(entry, found, now, until, unsure=letter.uncertain, letter=True)
        self._queue.add(item, self.timing.monotonic())

    def _count(self, tally: Mapping[tuple[str, str], int]) -> None:
        for (what, _), count in tally.items():
            self._totals[what] += count

    def _has_room(self) -> None:
        if self._queue.held < _MOST_HELD and self._queue.bytes < _MOST_BYTES:
            self._room.set()
        else:
            self._room.clear()


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
