"""Says what a value from YAML or JSON can be, and asks what it is, so that the type checkers know what is in it.

A parameter that is a `Json` costs nothing: `isinstance` and `match` narrow it by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

Json = Mapping[str, Any] | list[Any] | tuple[Any, ...] | str | int | float | bool | None
"""What a reader gives; a tuple where a model has frozen a list."""


def is_map(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """Return whether `value` is a map; its keys are texts, because the readers take no others."""
    return isinstance(
        value, (dict, Mapping)
    )  # most are dicts, which are told without a search for what registered


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Return whether `value` is a list."""
    return isinstance(value, list)
