"""One digest per resource, made when the first is asked for: `validate` needs none."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from audiform.address import Address, Kind
from audiform.hashing import canonical, digest_text


class Digests(Mapping[Address, str]):
    """Address -> digest of the rendered body and its SQL. A secret is a reference there, so no digest has seen one."""

    def __init__(self, tables: Mapping[Kind, Mapping[str, BaseModel]]) -> None:
        self._tables = tables
        self._made: dict[Address, str] | None = None

    def __getitem__(self, address: Address) -> str:
        return self._all()[address]

    def __iter__(self) -> Iterator[Address]:
        return iter(self._all())

    def items(self) -> ItemsView[Address, str]:
        """Return addresses with their digests: the mixin's would look each of them up."""
        return self._all().items()

    def __len__(self) -> int:
        return sum(map(len, self._tables.values()))

    def _all(self) -> dict[Address, str]:
        if self._made is None:
            self._made = {
                Address(kind, name): digest_text(_canonical(model.model_dump(mode="json")))
                for kind, table in self._tables.items()
                for name, model in table.items()
            }
        return self._made


def _canonical(body: dict[str, Any]) -> str:
    """Return canonical JSON four times as fast as `canonical` does, which is for numbers that orjson does not take."""
    import orjson

    try:
        return orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        return canonical(body)
