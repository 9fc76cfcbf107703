"""Chooses the log of events by the project's `event_log.url`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from audiform.config.kinds import EventLogPlace
from audiform.config.project import Project
from audiform.eventlog.kafka.log import KafkaLog
from audiform.eventlog.log import EventLog, LogView, Retention
from audiform.eventlog.nats import NatsLog
from audiform.eventlog.place import Place, place_of
from audiform.eventlog.sqlite.log import open_log, view_log
from audiform.plan.guard import seconds
from audiform.secret_stores.stores import SecretStores
from audiform.state.open import state_directory

_KAFKA = "kafka://"


def event_directory(project: Project) -> Path:
    """Return the folder of the log and of what forwarding remembers: beside the state, where that is a folder."""
    environment = project.environment.name
    beside = state_directory(project.state.url, project.root, environment)
    return (beside or project.root / ".audiform" / environment) / "events"


def open_event_log(
    said: EventLogPlace, root: Path, directory: Path, note: Callable[[str], None] | None = None
) -> EventLog:
    """Return the log; `directory` is where a file of it lies, `root` the project's folder.

    `note` is told what a log does otherwise than the project says, where its servers have settings of their own.

    Raises:
        DiagnosticError: a credential is not there, or a newer Audiform made the log.
    """
    retention = Retention(max_seconds=seconds(said.max_age), max_bytes=said.max_bytes)
    if said.url is None:
        return open_log(directory, retention)
    place = _place(said.url, said, root)
    if said.url.startswith(_KAFKA):
        return KafkaLog(place, retention, said.sasl_mechanism, note=note)
    return NatsLog(place, retention)


def view_event_log(said: EventLogPlace, root: Path, directory: Path) -> LogView:
    """Return the log to look at; a file that is not there is not made.

    Raises:
        DiagnosticError: a credential is not there.
    """
    if said.url is None:
        return view_log(directory)
    place = _place(said.url, said, root)
    return KafkaLog(place, mechanism=said.sasl_mechanism) if said.url.startswith(_KAFKA) else NatsLog(place)


def _place(url: str, said: EventLogPlace, root: Path) -> Place:
    secrets = {
        str(name): SecretStores().resolve(reference, root) for name, reference in said.credentials.items()
    }
    return place_of(url, secrets.get("user"), secrets.get("password"))
