"""The distributed engine of one delivery: compares on Spark, stages what the ledger keeps, and has executors send it."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from audiform.address import Address, Kind
from audiform.audiences.difference import table_of
from audiform.audiences.selection import Selection
from audiform.client import ConnectorClient
from audiform.config.project import Project
from audiform.connectors.named import names_revision
from audiform.delivery.barred import Barred
from audiform.delivery.compare import Compared
from audiform.delivery.courier import Answer, Courier, Course, Parcel, Told, parcels_at_once
from audiform.delivery.people import People
from audiform.delivery.readings import Opened
from audiform.delivery.rows import Outgoing
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.outcome import OutcomeKind
from audiform.spark.compare import Comparison, Group
from audiform.spark.failures import failures, is_of_spark
from audiform.spark.parts import BATCH, Batches, in_batches
from audiform.spark.permits import Desk
from audiform.spark.rowwise import Keep, fragment, keys_of
from audiform.spark.sending import ANSWERS, Connection, Send, answers_of, lost
from audiform.spark.session import is_local, linked, open_spark
from audiform.sql import literal, name
from audiform.state.ledger import Form, Part, as_sent
from audiform.state.naming import form_of, is_kept
from audiform.state.open import scheme_of
from audiform.state.segments.session import SegmentSession

_UNSENT_AT_ONCE = 100_000
"""Rows of a partition, of the parts that are not sent but staged."""


def hands_of(project: Project, binding: str, opened: Opened) -> SparkHands:
    """Return the hands of executors for a binding."""
    # Every ledger that there is keeps its members in files.
    session = cast("SegmentSession", opened.session)
    return SparkHands(session, project, project.bindings[binding].audience, opened.selection)


@dataclass(slots=True)
class SparkHands:
    """One binding's delivery on Spark, or its measurement. `close` leaves nothing of it on the shelf."""

    session: SegmentSession
    project: Project
    audience: str
    selection: Selection
    work: Path = field(init=False)
    _spark: Any = field(default=None, init=False)
    _comparison: Comparison | None = field(default=None, init=False)
    _batches: dict[Part, Batches] = field(default_factory=dict[Part, Batches], init=False)
    _tasks: int = field(default=2, init=False)
    _driver: tuple[str, str] = field(default=("", ""), init=False)

    def __post_init__(self) -> None:
        # Beside the ledger's files, where the executors can write; by its name the next run removes it after a kill.
        self.work = self.session.shelf.directory / f"spill-{os.getpid()}-{secrets.token_hex(4)}"

    def compare(self, key: str | None, barred: Barred) -> tuple[People, Compared]:
        """Read the audience, and compare it with the members of the destination `key`.

        Raises:
            DiagnosticError: there is no Spark, or source, query or columns are not as they must be.
        """
        if not is_local(self.project.engine) and scheme_of(self.project.state.url) != "file":
            raise DiagnosticError([_not_shared(self.project)])
        if self.selection.tracked is not None:
            raise DiagnosticError([_by_watermark(self.audience)])
        with linked():
            self._spark = open_spark(self.project)
            self._comparison = Comparison(
                self._spark, self.session, self.project, self.selection, barred, self.work
            )
            return self._comparison.compare(self.audience, key)

    def prepare(self, sizes: Mapping[Part, int]) -> None:
        """Cut each part into batches, and make its table in the session: what the ledger keeps, for it to be staged.

        `sizes`: how many rows are read and journalled at once, of the parts that are sent.
        """
        self.work.mkdir(mode=0o700, exist_ok=True)
        with linked(), failures(Address(Kind.BINDING, self.selection.binding)):
            for group in self._comparison.groups if self._comparison is not None else ():
                every = {part: sizes.get(part, _UNSENT_AT_ONCE) for part in group.sizes}
                batches = in_batches(
                    self._spark, group, every, self.work / f"{next(iter(every)).value}.offsets"
                )
                self._batches |= batches
                self._show(group, batches)
            context = self._spark.sparkContext
            settings, self._tasks = context.getConf(), max(2, int(context.defaultParallelism))
            host = str(settings.get("spark.driver.host", "127.0.0.1"))
            self._driver = (host, str(settings.get("spark.driver.bindAddress", host)))

    def forms(self, part: Part) -> Mapping[str, Form]:
        """Return none: the executors have brought identifiers into the form in which they are kept."""
        return {}

    def courier(self, client: ConnectorClient, scope: Mapping[str, Any]) -> Courier:
        """Return what has the executors send. They are handed the connector's secrets as they are handed their tasks."""
        connection = Connection(
            client.connector_type,
            client.settings,
            dict(client.wire.resolved()),
            client.endpoint,
            client.policy,
        )
        send = partial(Send, connection=connection, scope=scope, keys=keys_of(self.session))
        return SparkCourier(self._batches, send, Desk(client.wire.gate), self._tasks, self._driver)

    def close(self) -> None:
        """Remove what was written for the run."""
        shutil.rmtree(self.work, ignore_errors=True)

    def _show(self, group: Group, batches: Mapping[Part, Batches]) -> None:
        """Have the executors write what is kept of the parts, and show it as the session's tables of them, in order."""
        forms = self.selection.forms if group.columns else dict[str, Form]()
        there = [column for column in group.frame.columns if is_kept(column)]
        keep = Keep(str(self.work), there, forms, keys_of(self.session))
        next(iter(batches.values())).frame.mapInArrow(keep, f"{BATCH} bigint").count()
        kept = [*there, *(form.key(identifier) for identifier, form in forms.items())]
        columns = [
            "CAST(identity AS UUID) AS identity",
            "CAST(variables AS UUID) AS variables",
            *map(name, kept),
        ]
        # Of those who leave, which identifiers are sent follows from which there are; their values are elsewhere.
        identifiers = dict.fromkeys(form_of(column)[1] for column in there)
        columns += [f"CAST(NULL AS VARCHAR) AS {as_sent(identifier)}" for identifier in identifiers]
        for part, one in batches.items():
            files = ", ".join(
                literal(str(self.work / fragment(part.value, number))) for number in range(one.number)
            )
            self.session.connection.execute(
                f"CREATE VIEW {table_of(part)} AS SELECT {', '.join(columns)} FROM read_parquet([{files}])"
            )


@dataclass(slots=True)
class SparkCourier:
    """Has executors send: a job of one task for each batch of the journal, so many at a time as platform and cluster take.

    `tasks`: those that the cluster has room for; `driver`: its name for executors, and the address that it listens on.
    """

    batches: Mapping[Part, Batches]
    send: Callable[..., Send]
    desk: Desk
    tasks: int
    driver: tuple[str, str]
    _threads: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(self.tasks)

    def at_once(self, outgoing: Outgoing) -> int:
        """Return how many tasks send: one where each request depends on what the one before it has made of the members."""
        if names_revision(outgoing.operation):
            return 1
        return min(parcels_at_once(outgoing), self.tasks)

    async def parcels(self, outgoing: Outgoing) -> AsyncIterator[Parcel]:
        """Yield the batches of a part."""
        batches = self.batches[outgoing.part]
        send = self.send(
            outgoing=outgoing, columns=batches.group.columns, place=await self.desk.open(*self.driver)
        )
        loop = asyncio.get_running_loop()
        answered = await loop.run_in_executor(self._threads, _answered, batches.frame, send)
        for number, (first, count) in enumerate(batches.ranges()):
            job = partial(_run, answered, batches.partition + number)
            yield Parcel(first, count, partial(self._sent, job, (first, count)))

    async def close(self) -> None:
        """Give no more permits, so that nothing is sent any more, and wait for what is on its way."""
        await self.desk.close()
        await asyncio.to_thread(self._threads.shutdown)

    async def _sent(
        self, job: Callable[[], bytes], rows: tuple[int, int], course: Course, told: Told
    ) -> Sequence[Answer]:
        self.desk.course = course
        try:
            answers = answers_of(await asyncio.get_running_loop().run_in_executor(self._threads, job))
        except Exception as error:
            if not is_of_spark(error):
                raise
            answers = lost(*rows)
        for answer in answers:
            told(answer.size)
            if not answer.outcome.ok and answer.outcome.kind is not OutcomeKind.REJECTED:
                course.failed = True
        return answers


def _by_watermark(audience: str) -> Diagnostic:
    detail = (
        f"`audience.{audience}` has a `watermark`, and executors read an audience as a whole: they keep no account of whose member is which "
        "profile's. Take `watermark` out, or use `engine: {type: embedded}`, which then reads what changed. Nothing was read and nothing "
        "was sent."
    )
    return Diagnostic(
        "watermark-not-distributed", detail, address=Address(Kind.AUDIENCE, audience), path=("watermark",)
    )


def _not_shared(project: Project) -> Diagnostic:
    detail = (
        f"The state is kept in {scheme_of(project.state.url)}:, so the ledger's files are on the driver's own disk while it runs, and the "
        f"executors of {project.engine.master} do not see them. Nothing was read and nothing was sent."
    )
    return Diagnostic("ledger-not-shared", detail, path=("engine", "master"))


def _answered(frame: Any, send: Send) -> Any:
    """Return what the tasks will answer, one partition for each; nothing is sent yet."""
    with linked():
        return frame.mapInArrow(send, f"{ANSWERS} binary").rdd


def _run(answered: Any, number: int) -> bytes:
    """Run the task of one partition; return what it has answered."""
    with linked():
        (found,) = answered.context.runJob(answered, list, [number])
        return bytes(found[ANSWERS])
