"""Facts of a platform that a manifest states: what it takes at once, and how far its counts may be off."""

from __future__ import annotations

from pydantic import Field

from audiform.connectors.model import Model


class Limits(Model):
    """Facts of the platform."""

    rows_per_request: int = Field(default=1, ge=1)
    bytes_per_request: int | None = None
    requests_per_second: float | None = None
    concurrency: int = Field(default=4, ge=1)
    timeout_seconds: float = 30.0
    oldest_hours: float | None = Field(
        default=None, gt=0, description="Events that happened longer ago are not taken"
    )
    min_members: int | None = Field(
        default=None, description="Smallest list that the platform serves or accepts"
    )
    identifier_kinds: int | None = Field(
        default=None, ge=1, description="Most kinds of identifier in one request, and so in one binding"
    )


class Counting(Model):
    """A platform that counts late or roughly: what a count may differ by without meaning anything."""

    share: float = Field(default=0.0, ge=0, le=1, description="Share of the members")
    people: int = Field(default=0, ge=0, description="People, whatever the share of them is")
    hours: float = Field(
        default=0.0, ge=0, description="How long after people were sent it may be an old one"
    )
