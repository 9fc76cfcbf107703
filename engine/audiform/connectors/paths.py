"""Writes into JSON data at a dotted path, as `response.values_at` reads from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def put_at(body: Any, path: Sequence[str], value: Any) -> Any:
    """Return `body` with `value` at the dotted path; `*` is the first entry of a list."""
    if not path:
        return value
    head, rest = path[0], path[1:]
    if head == "*" or head.isdigit():
        items: list[Any] = [*body] if isinstance(body, list) else []
        index = 0 if head == "*" else int(head)
        items += [{} for _ in range(index + 1 - len(items))]
        items[index] = put_at(items[index], rest, value)
        return items
    inner: dict[str, Any] = {**body} if isinstance(body, Mapping) else {}
    inner[head] = put_at(inner.get(head), rest, value)
    return inner
