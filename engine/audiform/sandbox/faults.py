"""Faults on demand: what a platform does on a bad day, so many times or with a probability."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from audiform.outcome import Category


class FaultKind(StrEnum):
    """What happens to a request."""

    ERROR = "error"
    """An error answer in the platform's own shape; nothing is done. Needs `category`."""
    STATUS = "status"
    """This HTTP status with an empty body; nothing is done. Needs `status`."""
    SLOW = "slow"
    """The answer comes after so many seconds."""
    RESET_BEFORE_BODY = "reset_before_body"
    """The connection is lost before the request was read; nothing is done."""
    RESET_AFTER_BODY = "reset_after_body"
    """The request is processed, and its answer is lost."""
    RESET_IN_ANSWER = "reset_in_answer"
    """The request is processed, and the connection is lost in the middle of its answer."""
    GARBAGE = "garbage"
    """The request is processed, and the answer is what no program can read: a proxy's page, half an answer."""
    PARTIAL_FAILURE = "partial_failure"
    """The first `rows` rows of the batch are rejected, as the platform reports it."""
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - a name, no token
    """The access token is no longer accepted; tokens that were handed out are void."""
    SMALL_LIST = "small_list"
    """The platform refuses to work with so few members."""


class Fault(BaseModel):
    """One fault. `type` and `operation` say where (None: anywhere); `times` how often, or else `probability`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: FaultKind
    type: str | None = Field(None, description="Prefix of the service")
    operation: str | None = Field(None, description="create, add, add.job, remove.lookup, token, ...")
    times: int = Field(1, ge=1)
    probability: float | None = Field(
        None, gt=0, le=1, description="Instead of `times`: until the faults are cleared"
    )
    category: Category = Category.UNAVAILABLE
    status: int = Field(429, ge=400, le=599)
    retry_after: int | None = Field(None, ge=0, description="Seconds, sent as Retry-After")
    seconds: float = Field(1.0, ge=0)
    rows: int = Field(1, ge=1)


@dataclass(slots=True)
class Faults:
    """The faults that wait for their request, first in, first out."""

    waiting: list[Fault] = field(default_factory=list[Fault])
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - no secret

    def add(self, fault: FaultKind | str, **details: Any) -> Fault:
        """Add one; `details` are the fields of `Fault`."""
        made = Fault(fault=FaultKind(fault), **details)
        self.waiting.append(made)
        return made

    def add_all(self, bodies: Mapping[str, Any] | list[Mapping[str, Any]]) -> None:
        """Add what arrived as JSON: one fault or a list. Raises pydantic's ValidationError."""
        for body in bodies if isinstance(bodies, list) else [bodies]:
            self.waiting.append(Fault.model_validate(body))

    def clear(self) -> None:
        """Forget all of them."""
        self.waiting.clear()

    def take(self, service: str, operations: Collection[str], *, before_body: bool) -> Fault | None:
        """Return the fault that the next request meets, and use it up; resets before the body are asked for first."""
        for index, fault in enumerate(self.waiting):
            if (fault.fault is FaultKind.RESET_BEFORE_BODY) is not before_body:
                continue
            if fault.type not in (None, service) or (
                fault.operation is not None and fault.operation not in operations
            ):
                continue
            if fault.probability is not None:
                if self.chance.random() < fault.probability:
                    return fault
                continue
            self.waiting[index : index + 1] = [_once_less(fault)] if fault.times > 1 else []
            return fault
        return None


def _once_less(fault: Fault) -> Fault:
    """Return the fault with one time less to go."""
    return fault.model_copy(update={"times": fault.times - 1})
