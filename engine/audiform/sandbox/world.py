"""What the platforms hold: destinations, their members, jobs. Changed by operations, read by tests and `/_sandbox`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol

from audiform.connectors.manifest import Job, Manifest
from audiform.sandbox.rows import Row


class Members(Protocol):
    """The members of one destination, as the platform knows them."""

    def add(self, rows: Iterable[Row]) -> None: ...
    def remove(self, rows: Iterable[Row]) -> None: ...
    def modify(self, rows: Iterable[Row]) -> None: ...
    def has(self, name: str, value: str) -> bool:
        """Whether a member has this value of an identifier."""
        ...

    def counts(self) -> dict[str, int]:
        """Return what is held, counted: values per identifier, or people."""
        ...

    def known(self) -> list[dict[str, str]]:
        """Return the identifiers of each member; of match keys nobody can tell whose they are."""
        ...

    def as_json(self) -> Any: ...


@dataclass(slots=True)
class Keys:
    """Match keys: every identifying value stands by itself, so the platform holds a set of them per identifier."""

    names: tuple[str, ...]
    values: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def add(self, rows: Iterable[Row]) -> None:
        sets = self._sets()
        for row in rows:
            for name, value in row.identifiers.items():
                if name in sets:
                    sets[name].add(value)

    def remove(self, rows: Iterable[Row]) -> None:
        sets = self._sets()
        for row in rows:
            for name, value in row.identifiers.items():
                if name in sets:
                    sets[name].discard(value)

    def modify(self, rows: Iterable[Row]) -> None:
        """Match keys have no variables."""

    def has(self, name: str, value: str) -> bool:
        return value in self.values.get(name, ())

    def counts(self) -> dict[str, int]:
        return {name: len(values) for name, values in sorted(self.values.items()) if values}

    def known(self) -> list[dict[str, str]]:
        return []

    def as_json(self) -> dict[str, list[str]]:
        return {name: sorted(values) for name, values in sorted(self.values.items()) if values}

    def _sets(self) -> dict[str, set[str]]:
        return {name: self.values.setdefault(name, set()) for name in self.names}


@dataclass(slots=True)
class Person:
    """A member with attributes; what is sent again replaces what was there, key by key."""

    identifiers: dict[str, str] = field(default_factory=dict[str, str])
    variables: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True)
class People:
    """Members named by one identifier, `key`. A row without it changes nothing."""

    key: str
    people: dict[str, Person] = field(default_factory=dict[str, Person])

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if self.key in row.identifiers:
                _update(self.people.setdefault(row.identifiers[self.key], Person()), row)

    def remove(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.people.pop(row.identifiers.get(self.key, ""), None)

    def modify(self, rows: Iterable[Row]) -> None:
        for row in rows:
            person = self.people.get(row.identifiers.get(self.key, ""))
            if person is not None:
                _update(person, row)

    def has(self, name: str, value: str) -> bool:
        if name == self.key:
            return value in self.people
        return any(person.identifiers.get(name) == value for person in self.people.values())

    def counts(self) -> dict[str, int]:
        return {"people": len(self.people)} if self.people else {}

    def known(self) -> list[dict[str, str]]:
        return [{**person.identifiers, self.key: key} for key, person in sorted(self.people.items())]

    def as_json(self) -> dict[str, dict[str, Any]]:
        return {
            key: {"identifiers": person.identifiers, "variables": person.variables}
            for key, person in sorted(self.people.items())
        }


@dataclass(slots=True)
class Destination:
    """A remote object.

    `attributes` are the manifest's `destination.*`, flat (`a.b`); `context` has what else its create said
    (`settings.*`, `marker`), by which it is found again. `revision` grows with each change of the members.
    """

    id: str
    attributes: dict[str, Any]
    members: Members
    context: dict[str, Any] = field(default_factory=dict[str, Any])
    revision: int = 0


@dataclass(slots=True)
class JobState:
    """An asynchronous job: finished after `polls` more questions. `scope` fills in its answers."""

    id: str
    part: Job
    polls: int
    scope: Mapping[str, Any]


KEPT_EVENTS = 10_000


@dataclass(slots=True)
class Received:
    """The events of one service. `known`: ids that the platform would know again; `doubled`: how many came twice."""

    last: deque[Any] = field(default_factory=lambda: deque[Any](maxlen=KEPT_EVENTS))
    count: int = 0
    doubled: int = 0
    known: set[str] = field(default_factory=set[str])

    def add(self, event: Any, identity: str | None) -> None:
        """Keep an event, once where the platform knows it again; None: it does not."""
        if identity is not None and identity in self.known:
            self.doubled += 1
            return
        if identity is not None:
            self.known.add(identity)
        self.count += 1
        self.last.append(event)


@dataclass(slots=True)
class Account:
    """What one service holds."""

    events: Received = field(default_factory=Received)

    destinations: dict[str, Destination] = field(default_factory=dict[str, Destination])
    jobs: dict[str, JobState] = field(default_factory=dict[str, JobState])
    tokens: set[str] = field(default_factory=set[str])
    remote: dict[str, str] = field(default_factory=dict[str, str])
    """Remote id -> value of the identifier that it was looked up by."""
    profiles: dict[str, Row] = field(default_factory=dict[str, Row])
    """Remote id -> what a look-up that makes people said of the person."""
    uploads: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Id of an upload -> what it said, `rows` included."""
    made: int = 0

    def next_id(self) -> str:
        """Return an id that was never used: digits, which every platform's fields take."""
        self.made += 1
        return str(23840000000000000 + self.made)

    def remote_id(self, value: str) -> str:
        """Return the platform's own id of a person; the same for the same value."""
        remote = sha256(value.encode()).hexdigest()[:20]
        self.remote[remote] = value
        return remote


@dataclass(slots=True)
class World:
    """Service name -> what it holds."""

    accounts: dict[str, Account] = field(default_factory=dict[str, Account])

    def account(self, service: str) -> Account:
        """Return the account of a service, empty at first."""
        return self.accounts.setdefault(service, Account())

    def clear(self) -> None:
        """Forget everything."""
        self.accounts.clear()


def members_for(manifest: Manifest) -> Members:
    """Return the empty members of a destination of this type."""
    if manifest.identity == "each":
        return Keys(tuple(name for name, identifier in manifest.identifiers.items() if identifier.identifies))
    return People(manifest.identity)


def _update(person: Person, row: Row) -> None:
    """Merge; a variable that is sent as null is cleared."""
    person.identifiers.update(row.identifiers)
    person.variables.update(row.variables)
    for name in [name for name, value in person.variables.items() if value is None]:
        del person.variables[name]
