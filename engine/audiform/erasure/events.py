"""What is kept of a person's events: erased where the log is a file of ours, and said where it is on the servers of others."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from audiform.address import Kind
from audiform.erasure.forms import Forms
from audiform.eventlog.open import event_directory
from audiform.eventlog.sqlite.erasing import erase_events
from audiform.forwarding.store import look
from audiform.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Events:
    """`erased`: events of the log; `letters`: dead letters of events; `left`: what is not erased here, in words."""

    erased: int = 0
    letters: int = 0
    left: tuple[str, ...] = ()

    def data(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {"erased": self.erased, "dead_letters": self.letters, "left": list(self.left)}


def erase_kept(runtime: Runtime, forms: Forms) -> Events:
    """Erase a person's events and their dead letters. A process that runs may send what it holds already."""
    project = runtime.project
    directory = event_directory(project)
    texts = {text for _, text in forms.texts}
    positions = erase_events(directory, texts) if project.event_log.url is None else ()
    people = [digest for digest in map(runtime.store.secret_digest, _spellings(texts)) if digest]
    with closing(look(directory)) as records:
        letters = records.erase(positions, people)
    return Events(len(positions), letters, tuple(what_is_left(runtime)))


def what_is_left(runtime: Runtime) -> list[str]:
    """Return what an erasure does not reach of events: the servers of a log, and the platforms that were sent them."""
    project = runtime.project
    records = runtime.store.read().records.values()
    names = sorted(each.address.name for each in records if each.address.kind is Kind.EVENT_CONNECTOR)
    said = list[str]()
    if project.event_log.url is not None:
        kind = "NATS" if project.event_log.url.startswith("nats") else "Kafka"
        said.append(
            f"their events in the log on {kind} until they are too old there (`event_log.max_age`: {project.event_log.max_age})"
        )
    if names:
        said.append(f"what these event connectors have sent, at their platforms: {', '.join(names)}")
    return said


def _spellings(texts: Collection[str]) -> set[str]:
    return {*texts, *(text.lower() for text in texts)}
