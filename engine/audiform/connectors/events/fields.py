"""The fields of one record of an event type: what a connector's `map` may fill, and what fills it by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from audiform.connectors.model import Model

FieldType = Literal["text", "integer", "number", "boolean", "object", "list", "any"]
Step = str | Mapping[str, Any]
"""A transformation: `lower`, `minor_units:EUR`, or with an argument that is no text `{lookup: {...}}`."""


class EventField(Model):
    """One field of a record. It is filled from the first of `from` that the event has, or with `value`.

    `each`: the field is a list of objects, made of the entries of a list: key there -> path in the entry
    (`item.product_id`). `transform` belongs to them: a connector that maps the field says its own. `convert` is
    what the platform wants of any value; then `normalize`, `valid` and `hash` follow, as those of an identifier.
    What `normalize` cannot make valid is left out, because it only helps to find a person; of any other field it
    is an error of the event. `values`: the only ones that the platform knows.
    """

    type: FieldType = "text"
    required: bool = False
    source: str | tuple[str, ...] | None = Field(
        default=None, alias="from", description="Path in the event, or several", examples=["event.user_id"]
    )
    value: Any = Field(default=None, description="Where the platform wants the same in every record")
    each: Mapping[str, str] | None = None
    transform: tuple[Step, ...] = ()
    convert: tuple[Step, ...] = ()
    normalize: tuple[str, ...] = ()
    valid: str | None = None
    hash: Literal["none", "sha256", "md5", "sha1"] = "none"
    encoding: Literal["hex", "base64"] = "hex"
    values: tuple[str | int | bool, ...] = ()
    max_length: int | None = Field(default=None, ge=1, description="Of a text, in characters")
    description: str | None = None

    @property
    def identifies(self) -> bool:
        """Whether it is a key of a person, made as identifiers are."""
        return bool(self.normalize) or self.hash != "none"

    @property
    def paths(self) -> tuple[str, ...]:
        """Where it is taken from."""
        return (self.source,) if isinstance(self.source, str) else self.source or ()


Fields = Annotated[Mapping[str, EventField], Field(description="What a record of an event type may hold")]
OneOf = Annotated[
    tuple[tuple[str, ...], ...],
    Field(description="Of each of these groups of fields, a record has at least one"),
]


class Deduplication(Model):
    """The field by which the platform knows an event that it got before, and for how long it does."""

    field: str
    window_hours: float | None = Field(default=None, gt=0)


Deduplicated = Annotated[
    Deduplication | Literal["none"] | None,
    Field(description="How the platform knows an event that it got before; `none` where it does not"),
]
