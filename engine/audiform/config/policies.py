"""The section `policies`: what must hold of a project and of a plan before anything is sent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool

from audiform.config.kinds import Guards, LabelKey, Labels, Owner, Protected
from audiform.config.models import Model
from audiform.outcome import Signal

Patterns = Annotated[tuple[str, ...], Field(min_length=1)]
LabelPatterns = dict[LabelKey, Patterns]
SecretSource = Literal["from_env", "from_file", "from_command", "from_vault", "from_aws", "from_gcp"]
"""The forms of a secret reference (`secret_references.FORMS`)."""


class AppliesTo(Model):
    """Where a policy is looked at. All that is given must match; texts are shell patterns (`crm_*`)."""

    environments: Patterns | None = Field(default=None, description="Names of environments (default: all)")
    protected: StrictBool | None = Field(
        default=None, description="Only environments that are `protected`, or only those that are not"
    )
    resources: Patterns | None = Field(
        default=None, description="Addresses (default: all)", examples=[["binding.*_on_ads"]]
    )
    labels: LabelPatterns = Field(
        default_factory=dict, description="Label -> values; a resource has each of these labels itself"
    )


class Allow(Model):
    """What connectors may be and say. What is not named here is not allowed."""

    connector_types: Patterns | None = Field(default=None, description="Connector types")
    settings: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(
        default_factory=dict,
        description="Setting -> its values; a connector that has the setting has one of these",
    )


class Require(Model):
    """What resources must say."""

    owner: StrictBool = Field(default=False, description="Each resource has an `owner`")
    labels: LabelPatterns = Field(
        default_factory=dict, description='Label -> its values (`["*"]`: any); each resource has all of these'
    )
    consent: StrictBool = Field(
        default=False, description="Each audience and each event connector names its `consent`"
    )
    signals: tuple[Signal, ...] = Field(
        default=(), description="Each binding sends these signals, where its connector type can"
    )


class Forbid(Model):
    """What nobody may send or do."""

    signals: tuple[Signal, ...] = Field(default=(), description="Signals that no binding sends")
    identifiers: tuple[str, ...] = Field(default=(), description="Identifiers that no binding sends")
    secret_sources: tuple[SecretSource, ...] = Field(
        default=(), description="Where no secret of a connector or an event source comes from"
    )


class NamedPolicy(Model):
    """What must hold, why, and where. It stops what it denies before anything is sent; nothing approves a denial."""

    message: str = Field(min_length=1, description="Why, and what to do instead; shown with each finding")
    effect: Literal["deny", "warn"] = Field(
        default="deny", description="What `allow`, `require`, `forbid` and `guards` do where they do not hold"
    )
    applies_to: AppliesTo = AppliesTo()
    allow: Allow | None = None
    require: Require | None = None
    forbid: Forbid | None = None
    guards: Guards | None = Field(default=None, description="No binding's guards may be looser than these")
    deny: str | None = Field(
        default=None,
        min_length=1,
        description="An expression, without braces; what it is true of is denied",
        examples=['change.kind == "binding" and change.removes > 1000'],
    )
    warn: str | None = Field(default=None, min_length=1, description="As `deny`; what it is true of is shown")
    over: Literal["changes", "plan", "resources"] = Field(
        default="changes",
        description="What `deny` and `warn` look at, one by one: `changes` of a plan, the `plan` as a whole, or the "
        "project's `resources`, which `validate` looks at too",
    )
    description: str | None = None
    labels: Labels = Field(default_factory=dict)
    owner: Owner | None = None
    protected: Protected = False
    enabled: StrictBool = True
