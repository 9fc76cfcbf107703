"""Typed addresses: `kind.name`, parsed once and never passed on as bare strings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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

    @property
    def section(self) -> str:
        """Name of the YAML section that declares this kind (`bindings`)."""
        return "policies" if self is Kind.POLICY else f"{self.value}s"


@dataclass(frozen=True, order=True, slots=True)
class Address:
    """One resource of a project, written `binding.lapsed_on_ads`."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}"

    def __hash__(self) -> int:
        # Asked a hundred thousand times of a large project; hardly a name stands in more than one kind.
        return hash(self.name)


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
