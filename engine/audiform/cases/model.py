"""The cases of a connector type: given rows and answers, the requests that go out and what comes of them.

Rows take the way that people take in a sync: SQL normalises them and writes the JSON, the client sends it.
No case has Python of its own; `cases/*.yaml` beside a manifest look like this:

    given:                                    # for every case of the file; each may give more
      settings: {ad_account_id: "1"}
      destination: {id: "77"}
    cases:
      - case: Two people are added
        do: add                               # a signal, an operation of the destination, or check
        rows: [{email: a@b.example}]          # columns are called as the identifiers, or see `identifiers`
        exchanges:
          - request: {method: POST, url: "https://...", headers: {a: b}, body: {...}}
            response: {status: 200, body: {...}}
        outcome: {kind: accepted}

A case of an event type has `events` instead of rows, and may have a `map`, as an event connector has. What an event does
not say (`id`, `source`, `type`, `time`) is the same in every case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from audiform.connectors.aliases import parse
from audiform.outcome import Category, OutcomeKind

PLACE = {"project": "shop", "environment": "production", "binding": "lapsed_buyers"}
"""Where every case takes place, for the types that say so in what they send."""

ANYTHING = "..."


class Model(BaseModel):
    """Frozen and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ExpectedRequest(Model):
    """What must go out. Headers are those that must be there; without `body`, `form` and `multipart` there must be none.

    `multipart` are the texts, and the files as texts, by the names of their parts.

    A value of a form or query that ends with `...` may go on as it likes: what is made anew for each run.
    """

    method: str
    url: str
    headers: Mapping[str, str] = Field(default_factory=dict[str, str])
    body: Any = None
    form: Mapping[str, str] | None = None
    multipart: Mapping[str, str] | None = None


class GivenResponse(Model):
    """What comes back. `error` stands for an answer that never arrived."""

    status: int = 0
    headers: Mapping[str, str] = Field(default_factory=dict[str, str])
    body: Any = None
    text: str | None = None
    error: str | None = None


class Exchange(Model):
    """One request and its answer."""

    request: ExpectedRequest
    response: GivenResponse


class Column(Model):
    """Where an identifier comes from, as in an audience."""

    column: str
    region: str | None = None
    already_hashed: bool = False


class Rejected(Model):
    """One record that must be rejected; `message` is a part of its message."""

    index: int
    message: str = ""


class Expected(Model):
    """What must come of it. `message` and `remedy` are parts of the outcome's."""

    kind: OutcomeKind
    category: Category | None = None
    message: str = ""
    remedy: str = ""
    retry_after: float | None = None
    rejected: tuple[Rejected, ...] = ()
    rejected_count: int | None = None
    extracted: Mapping[str, Any] = Field(default_factory=dict[str, Any])


Action = Literal[
    "add", "remove", "modify", "erase", "create", "read", "update", "delete", "find", "members", "check"
]


class Given(Model):
    """What cases share. `exchanges` come before each case's own: how a token is got."""

    settings: Mapping[str, Any] = Field(default_factory=dict[str, Any])
    destination: Mapping[str, Any] = Field(default_factory=dict[str, Any])
    exchanges: tuple[Exchange, ...] = ()


class Case(Given):
    """One case. `left_out` is the number of rows that have nothing valid to be known by, or of events that are not sent."""

    case: str
    do: Action
    identifiers: Mapping[str, str | Column] = Field(default_factory=dict[str, str | Column])
    variables: Mapping[str, str] = Field(default_factory=dict[str, str])
    rows: tuple[Mapping[str, Any], ...] = ()
    left_out: int = 0
    events: tuple[Mapping[str, Any], ...] = ()
    map: Mapping[str, Any] = Field(default_factory=dict[str, Any])
    attempts: int = Field(default=1, ge=1)
    outcome: Expected = Expected(kind=OutcomeKind.ACCEPTED)
    found: tuple[Mapping[str, Any], ...] | None = None


class CaseFile(Model):
    """`cases/*.yaml`."""

    given: Given = Given()
    cases: tuple[Case, ...]


def read_cases(folder: Path) -> Iterator[tuple[str, Case]]:
    """Yield (name of the file, case) of the connector type in `folder`, in order of the files' names.

    Raises:
        pydantic.ValidationError: a file is no file of cases.
    """
    for path in sorted((folder / "cases").glob("*.yaml")):
        file = CaseFile.model_validate(parse(path.read_text(encoding="utf-8")))
        for case in file.cases:
            given = file.given
            update = {
                "settings": {**given.settings, **case.settings},
                "destination": {**given.destination, **case.destination},
                "exchanges": (*given.exchanges, *case.exchanges),
            }
            yield path.name, case.model_copy(update=update)
