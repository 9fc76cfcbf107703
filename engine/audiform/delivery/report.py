"""What became of one binding's delivery: counts and masked messages, never a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from audiform.outcome import Category, Signal
from audiform.plan.plan import GuardResult, Impact
from audiform.state.ledger import Part

Status = Literal["done", "stopped", "failed"]
"""`stopped`: a guard said no and nothing was sent. `failed`: at least one batch was not taken by the platform."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why batches were not taken, or records not; equal ones are reported once. `category` None: a reason of ours."""

    category: Category | None
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """By which run the ledger knows whom a delivery moved. `parts`: how many rows each part of it had."""

    run: str
    destination_key: str
    parts: Mapping[Part, int]


@dataclass(frozen=True, slots=True)
class Delivered:
    """One binding after a delivery.

    `sent`: people whom the platform took, by signal; `pending` of them in a job whose end is not known yet.
    `rejected`: people whom the platform refused. `unsure`: people whose batch got no answer: they are sent again.
    `not_sent`: people of the difference whose batches were not sent after a failure.
    """

    binding: str
    status: Status
    sent: Mapping[Signal, int]
    rejected: int
    pending: int
    unsure: int
    left_out: Mapping[str, int]
    impact: Impact
    guards: tuple[GuardResult, ...]
    problems: tuple[Problem, ...]
    not_sent: int
    moved: Moved | None = None
