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
    """How often everything is read all the same."""

    every: Duration = Field(default="1d", description="Time between two syncs that read everything")
