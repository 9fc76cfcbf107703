"""The plan is a value that holds its own steps: apply executes them and decides nothing.

Made of canonical JSON data only (`schemas/plan.schema.json`): no person, no secret.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    GetPydanticSchema,
    PlainSerializer,
    WithJsonSchema,
)

from audiform.address import Address, Kind, parse_address
from audiform.plan.later import Later, LaterText

_CLOSED = ConfigDict(extra="forbid")
"""An unknown key in a plan file is an error: it was written by another version, or by hand."""


class Action(StrEnum):
    """The value is the symbol that the user sees."""

    NO_OP = " "
    CREATE = "+"
    UPDATE = "~"
    REPLACE = "±"
    DELETE = "-"
    FORGET = "x"
    """Delete from state only: the remote object is kept."""
    MOVE = "→"
    """The record gets another address. Nothing at a platform changes."""
    IMPORT = "←"
    """An object that exists is taken into the state, with its members where they are known."""
    SYNC = ">"
    """The resource itself is unchanged, but something that it depends on is: the difference is sent."""


def _address(value: Any) -> Any:
    return parse_address(value) if isinstance(value, str) else value


def _action(value: Any) -> Any:
    """Actions are named in a plan file; their symbols are for the reader of the text."""
    if not isinstance(value, str) or isinstance(value, Action):
        return value
    named = {action.name.lower(): action for action in Action}
    if value not in named:
        raise ValueError(f"not an action; there are {', '.join(named)}")
    return named[value]


PlanAddress = Annotated[
    Address,
    BeforeValidator(_address),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^({'|'.join(Kind)})\.",
            "description": "kind.name",
        }
    ),
]
PlanAction = Annotated[
    Action,
    BeforeValidator(_action),
    PlainSerializer(lambda action: action.name.lower(), return_type=str),
    WithJsonSchema({"enum": [action.name.lower() for action in Action]}),
]


class ChangeCategory(StrEnum):
    """What changing a field means for people (design, rule 7)."""

    METADATA = "metadata"
    DELTA = "delta"
    RESEND = "re-send all"
    REKEY = "re-key"
    REMOVE_ALL = "remove all"
    STARTS_SENDING = "starts sending at once"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a resource. `reason` says what the change means; values of secrets are never here."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    path: str
    before: Any
    after: Any
    category: ChangeCategory
    reason: str


class NewFields(Later[FieldChange]):
    """The fields of a new resource, `pairs` of path and value: a first plan has a hundred thousand of them to show."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(
            lambda: tuple(
                FieldChange(path, None, value, ChangeCategory.METADATA, "") for path, value in pairs
            )
        )
        self.pairs = pairs


Fields = Annotated[Sequence[FieldChange], AfterValidator(tuple)]

Quality = Literal["exact", "estimated", "unknown"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of people, and how far it can be trusted. `exact`, `estimated` or `unknown (why)`: never a silent 0."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    quality: Quality
    value: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is read of an audience with a watermark. `since`: what changed since then; None: everything, because of `why`.

    `shared`: members whom several profiles may share. Only where everything is read can one of them leave or change.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    since: str | None = None
    why: str = ""
    shared: int = 0


@dataclass(frozen=True, slots=True)
class Impact:
    """What a binding's next sync would do. `left_out`: reason -> people.

    Reasons: `no_consent`, `no_identifier`, `invalid_identifier`, `duplicate_identity`, `suppressed`, `rejected_before`.
    `members_before`: people in the ledger for this binding; `desired`: people that the definition names.
    `claims` become members and `releases` stop being members without anything being sent: others who stay in the
    destination (of another binding, or of this one) are known there by the same.
    `not_sent`: signal -> why, for what will not be propagated (a type without remove or modify).
    """

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    adds: Figure
    removes: Figure
    modifies: Figure
    members_before: Figure
    desired: Figure
    left_out: Mapping[str, int]
    not_sent: Mapping[str, str]
    source_rows: int = 0
    claims: int = 0
    releases: int = 0
    extent: Extent | None = None
    """None: the audience has no watermark, and everything is read."""

    @property
    def members_after(self) -> Figure:
        """The binding's members when all of this is done; unknown where a part of it is."""
        parts = (self.members_before, self.adds, self.removes)
        if any(part.quality == "unknown" for part in parts):
            return Figure("unknown")
        quality: Quality = "exact" if all(part.quality == "exact" for part in parts) else "estimated"
        joining, leaving = self.adds.value + self.claims, self.removes.value + self.releases
        return Figure(quality, self.members_before.value + joining - leaving)


@dataclass(frozen=True, slots=True)
class GuardResult:
    """One guard of a binding, evaluated. `name` is `binding.guard` (`lapsed_on_ads.max_removed`)."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    name: str
    limit: str
    measured: str
    ok: bool
    detail: str = ""
    approved: bool = False
    approvable: bool = True
    """False: no option lets it pass; `detail` says what does."""


class StepKind(StrEnum):
    """The whole set of verbs that a plan may contain, each with the `data` of its step.

    Bodies of records are not in the plan: apply makes them from the project, whose digest must be the plan's.
    """

    RECORD = "record"
    """Write the state record only (sources, connectors, audiences, guards of a binding). {}"""
    CREATE_DESTINATION = "create_destination"
    """Create (or take, after a crash) the remote object and record the binding. {connector, attributes}
    One that vanished at the platform is FORGET and then this."""
    UPDATE_DESTINATION = "update_destination"
    """Write the attributes and record the binding. {connector, id, attributes}"""
    DELETE_DESTINATION = "delete_destination"
    """Delete the remote object and what the ledger holds of it; the record loses its `destination_id`.
    {connector, id, attributes}. A replacement is this and then CREATE_DESTINATION; a deletion ends with FORGET."""
    REMOVE_MEMBERS = "remove_members"
    """Remove all members that the ledger says this binding added, and nobody else's. {connector, id, attributes}"""
    FORGET = "forget"
    """Drop the state record; the remote members stay. {ledger}: `drop` a binding's members from the ledger, or
    `keep` them (`on_delete: freeze`), so that no other binding on that destination ever removes them."""
    MOVE = "move"
    """Give the record, and what the ledger keeps under its name, this address. {from}"""
    IMPORT = "import"
    """Record an existing object as the binding's, its members as added by it where `members`. {connector, id, members}"""
    RESTORE = "restore"
    """Put the record back that was there before an entry of the history, and the object's attributes where `attributes`.
    {entry, connector, id, attributes}: the last three for a binding only."""
    RESTORE_MEMBERS = "restore_members"
    """Undo runs of an entry of the history: remove whom they added, add whom they removed, as far as the ledger
    remembers them. {entry, connector, id, runs, modified}"""
    SYNC = "sync"
    """Send who entered, left and changed. {}"""


@dataclass(frozen=True, slots=True)
class Step:
    """One action. `needs` are ids of steps that must succeed first. `data` is canonical JSON."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    id: str
    kind: StepKind
    address: PlanAddress
    needs: tuple[str, ...]
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One resource's part of the plan. `drift`: fields changed outside of Audiform."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    address: PlanAddress
    action: PlanAction
    fields: Fields
    reason: str = ""
    drift: tuple[FieldChange, ...] = ()
    impact: Impact | None = None
    guards: tuple[GuardResult, ...] = ()
    notes: tuple[str, ...] = ()
    sends: bool = False
    """The binding is synced at the end of the apply."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    owner: str | None = None
    """Who answers for the resource; of one that the project no longer has, as it was recorded."""

    @property
    def categories(self) -> Collection[ChangeCategory]:
        """What the changed fields mean for people."""
        if isinstance(self.fields, NewFields):
            return (ChangeCategory.METADATA,)
        return {field.category for field in self.fields}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a policy says of a plan or of a resource in it. `error`: it could not be evaluated, which is no pass.

    `detail` is what was found, `message` the policy's own. `file` and `line` lead to the resource, or to the policy
    where the project has no such resource; of a built-in policy on a whole plan they lead nowhere.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    policy: str
    effect: Literal["deny", "warn", "error"]
    detail: str
    message: str
    address: PlanAddress | None = None
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the policies say. `looked_at`: their names; `switched_off`: name -> why, of those that would apply."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    findings: tuple[Finding, ...] = ()
    looked_at: tuple[str, ...] = ()
    switched_off: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Partial:
    """A plan that was asked for in part: only `targets`, without `exclude`.

    `added` are in it because what was asked for needs them; `left_out` have changes that are not in it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    targets: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    added: tuple[PlanAddress, ...] = ()
    left_out: tuple[PlanAddress, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A reviewed difference. `serial` and `lineage` must still hold at apply; impact within `tolerance`."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    version: int
    tool: str
    project: str
    environment: str
    lineage: str
    serial: int
    config_digest: Annotated[str | LaterText, GetPydanticSchema(lambda _, handler: handler(str))]
    manifest_digests: Mapping[str, str]
    created: datetime
    expires: datetime
    changes: tuple[Change, ...]
    steps: Annotated[Sequence[Step], AfterValidator(tuple)]
    approvals: tuple[str, ...] = ()
    """Names of guards and addresses of deletions that whoever planned approved: apply and sync honour no others."""
    tolerance: float = 0.10
    notes: tuple[str, ...] = ()
    """What could not be looked up, and why."""
    measured: bool = True
    """False: people were not counted (`--no-impact`); guards are then evaluated when each binding is sent."""
    source_digests: Mapping[str, str] = field(default_factory=dict[str, str])
    """Source -> what its data was when people were counted, where the source can tell. An apply counts again; when
    figures moved, this says whether the data did."""
    policies: Judgement = Judgement()
    """What the policies said when it was made. An apply asks them again and does not rely on this."""
    partial: Partial | None = None
    """None: the plan is the whole difference."""
