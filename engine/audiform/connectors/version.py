"""What a type sends and understands, as digests of its parts: so that a plan can say what another version changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from audiform.hashing import digest

PARTS: Mapping[str, tuple[str, ...]] = {
    "identifiers": ("identity", "identifiers"),
    "signals": ("signals", "variables"),
    "fields": ("fields", "free_fields", "one_of", "deduplication"),
    "destination": ("destination",),
    "access": ("base_url", "auth", "headers", "limits", "outcomes", "errors", "from_settings", "check"),
}
"""Part -> keys of a manifest; only event types have `fields`. What only people read (title, notes, descriptions) is in none."""

_LENGTH = 12
_ONLY_READ = frozenset({"description", "examples", "remedy"})


def version_of(data: Mapping[str, Any]) -> str:
    """Return `identifiers=1f.. signals=2a.. ...` of a manifest's plain data."""
    parts = (
        f"{name}={digest([_plain(data.get(key)) for key in keys])[:_LENGTH]}"
        for name, keys in PARTS.items()
        if name != "fields" or "fields" in data
    )
    return " ".join(parts)


def parts_of(version: str) -> dict[str, str]:
    """Return part -> digest of what `version_of` has returned; nothing of another text."""
    pairs = [item.partition("=") for item in version.split(" ")]
    return {name: value for name, _, value in pairs if name in PARTS}


def _plain(value: Any) -> Any:
    """Leave out what is there to be read: a text under one of the names, which a setting or a field is not."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {key: _plain(item) for key, item in items if not _is_only_read(key, item)}
    if isinstance(value, list):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _is_only_read(key: str, item: Any) -> bool:
    return key in _ONLY_READ and ((isinstance(item, str) and "{{" not in item) or isinstance(item, list))
