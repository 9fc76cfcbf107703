"""Typed addresses: `kind.name`, parsed once and never passed on as bare strings."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """The kinds of resource a project declares, in dependency order."""

    SOURCE = "source"
    CONNECTOR = "connector"
    AUDIENCE = "audience"
    BINDING = "binding"
    POLICY = "policy"
    EVENT_SOURCE = "event_source"
    EVENT_TYPE = "event_type"
    EVENT_CONNECTOR = "event_connector"

    __hash__ = str.__hash__  # that of `Enum` is not written in C

    @property
    def section(self) -> str:
        """Name of the YAML section that declares this kind (`bindings`)."""
        return "policies" if self is Kind.POLICY else f"{self.value}s"


class Address(NamedTuple):
    """One resource of a project, written `binding.lapsed_on_ads`.

    A named tuple, because a large project asks for its hash a hundred thousand times.
    """

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}"


def parse_address(text: str) -> Address:
    """Return the address that `text` spells.

    Raises:
        ValueError: `text` is not `kind.name` with a known kind.
    """
    kind, separator, name = text.partition(".")
    if not separator or not name or kind not in set(Kind):
        kinds = ", ".join(Kind)
        message = f"`{text}` is not an address; write `kind.name` with a kind of {kinds}"
        raise ValueError(message)
    return Address(Kind(kind), name)
