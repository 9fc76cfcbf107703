"""What an audience says of its rows' changes, so that a sync reads these and not everything."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, StrictInt, Tag

from audiform.config.models import Duration, Model, is_text


class Watermark(Model):
    """A column that grows when a row changes."""

    column: str = Field(description="A timestamp, a date, an integer or a text that sorts")
    overlap: (
        Annotated[
            Annotated[StrictInt, Field(ge=0), Tag("<other>")] | Annotated[Duration, Tag("<text>")],
            Discriminator(is_text),
        ]
        | None
    ) = Field(
        default=None,
        description="How far below the highest value is read again, for what is committed late: a duration for times, a number "
        "for integers (default: 10m for timestamps, 0 otherwise)",
    )


Watermarked = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[Watermark, Tag("<other>")], Discriminator(is_text)
]
"""The column, or the column with what is known about how late it is."""


class Reconcile(Model):
    """When everything is read all the same: by the first sync after an interval, or after a time of the clock."""

    every: Duration | None = Field(
        default=None,
        description="How long after the last sync that read everything one reads everything again (default: 1d)",
        examples=["12h"],
    )
    cron: str | None = Field(
        default=None,
        description="Instead of `every`: the times after which the next sync reads everything, as of a `schedule`",
        examples=["0 3 * * *", "@weekly"],
    )
    time_zone: str | None = Field(
        default=None, description="Where `cron` is read (default: UTC)", examples=["Europe/Berlin"]
    )

    @property
    def interval(self) -> str | None:
        """The interval; None where `cron` says when."""
        return None if self.cron is not None else self.every or "1d"

    def __str__(self) -> str:
        return f"every {self.interval}" if self.interval else f"{self.cron} ({self.time_zone or 'UTC'})"
