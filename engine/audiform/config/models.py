"""What every model of text from outside is."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Frozen, and closed: an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


Duration = Annotated[str, Field(pattern=r"^\d+(s|m|h|d)$", examples=["24h"])]


def is_text(value: Any) -> str:
    """Tell a text from anything else, where a field takes both."""
    return "<text>" if isinstance(value, str) else "<other>"
