"""What pydantic found in a manifest or a setting, in words that go on after the name of the place."""

from __future__ import annotations

from pydantic_core import ErrorDetails


def in_words(found: ErrorDetails) -> str:
    """Return what is wrong, without a full stop."""
    match found["type"]:
        case "extra_forbidden":
            return "this is not known here"
        case "missing":
            return "this is missing, and it must be there"
        case _:
            return found["msg"]
