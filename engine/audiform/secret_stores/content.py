"""What a store returned, as the one secret that was asked for. No value of it stands in a message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from audiform.config.secrets import unavailable
from audiform.diagnostics import DiagnosticError, did_you_mean
from audiform.shapes import is_map

Content = str | Mapping[str, Any]


def chosen(content: Content, field: str | None, shown: str) -> str:
    """Return the secret: the whole text, or one field of what is a map or JSON. `shown` names it inside of a sentence.

    Raises:
        DiagnosticError: there is no such field, it is not a text, or it is empty (`secret-unavailable`).
    """
    if field is None:
        return _full(str(content), shown)
    fields = _fields(content, shown)
    if field not in fields:
        # The names that there are stay unsaid but for a near one: who keeps secrets as keys must not read them here.
        hint = did_you_mean(field, fields)
        raise unavailable(f"{_begun(shown)} has no field `{field}`{f' ({hint})' if hint else ''}.")
    value = fields[field]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise unavailable(f"The field `{field}` of {shown} is not a text, and a secret must be.")
    return _full(str(value), f"the field `{field}` of {shown}")


def text_of(data: bytes, shown: str) -> str:
    """Return bytes of a store as text.

    Raises:
        DiagnosticError: they are none (`secret-unavailable`).
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        # The exception holds the bytes, which are the secret: it must not be chained.
        raise unavailable(f"{_begun(shown)} is not UTF-8 text. A secret must be.") from None


def refused(shown: str, why: str, remedy: str) -> DiagnosticError:
    """Return why a store did not give a secret; what it answered is not shown, because it could hold one."""
    return unavailable(f"{_begun(shown)} could not be read: {why}. {remedy}")


def _fields(content: Content, shown: str) -> Mapping[str, Any]:
    if not isinstance(content, str):
        return content
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    if not is_map(value):
        raise unavailable(
            f"{_begun(shown)} is not a JSON map, so it has no fields. Leave `field` out to take the whole text."
        )
    return value


def _full(secret: str, shown: str) -> str:
    if not secret:
        raise unavailable(f"{_begun(shown)} is empty, and an empty secret is never right. Give it a value.")
    return secret


def _begun(shown: str) -> str:
    return shown[:1].upper() + shown[1:]
