"""What `imports`, `moved` and `removed` say: how the state follows when resources are taken over, renamed or given up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audiform.address import Address


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an entry stands: `path` leads to it in `file`. One of the command line has no file."""

    file: str = ""
    path: tuple[str | int, ...] = ()

    @property
    def number(self) -> str:
        """What people call it: `moved[2] in bindings.yaml`."""
        section, index = self.path
        return f"`{section}[{index}]` in {self.file}"


@dataclass(frozen=True, slots=True)
class Importing:
    """The binding at `address` takes over the existing object that `wanted` names: its id, or its exact name."""

    address: Address
    wanted: str
    entry: Entry = Entry()


@dataclass(frozen=True, slots=True)
class Moving:
    """What is recorded as `old` is `new` from now on. Of repeated resources (`for_each`) the name without the key."""

    old: Address
    new: Address
    entry: Entry = Entry()


@dataclass(frozen=True, slots=True)
class Removing:
    """What is recorded at `address` ends; `on_delete` says how, of a binding, instead of what is recorded."""

    address: Address
    on_delete: str | None = None
    entry: Entry = Entry()


@dataclass(frozen=True, slots=True)
class Evolution:
    """All entries of a project. What has been done already means nothing any more, and may stay or go."""

    imports: tuple[Importing, ...] = ()
    moved: tuple[Moving, ...] = ()
    removed: tuple[Removing, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.imports or self.moved or self.removed)

    def data(self) -> Mapping[str, Any]:
        """Return what they say, as JSON data and without their places."""
        return {
            "imports": [[str(one.address), one.wanted] for one in self.imports],
            "moved": [[str(one.old), str(one.new)] for one in self.moved],
            "removed": [[str(one.address), one.on_delete] for one in self.removed],
        }

    def last(self, address: Address) -> Address:
        """Return what an address is called in the end, after every move of a chain."""
        following = {one.old: one.new for one in self.moved}
        seen: set[Address] = set()
        while address in following and address not in seen:
            seen.add(address)
            address = following[address]
        return address
