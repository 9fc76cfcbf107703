"""A line of the catalogue: what a type is and can do, read from its manifest without holding it to its schema.

Only for shipped types, whose manifests the tests of each release hold: so a list of all of them costs a parse each.
What is sent is never made from this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from audiform.connectors.homes import MANIFEST


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a type can do, derived from what its manifest defines. None: its settings decide."""

    add: bool | None
    remove: bool | None
    modify: bool | None
    variables: bool
    create: bool
    read: bool
    update: bool
    delete: bool
    find: bool
    read_back: Literal["count", "members", "none"]
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """What a list says of a type."""

    name: str
    title: str
    kind: str
    category: str
    custom: bool
    capabilities: Capabilities


def read_overview(home: Path, name: str) -> Overview:
    """Return the overview of the shipped type `name` in the folder `home`."""
    import yaml12

    data: Any = yaml12.parse_yaml((home / name / MANIFEST).read_text(encoding="utf-8"))
    return Overview(name, data["title"], data["kind"], data["category"], False, capabilities_of(data))


def capabilities_of(data: Mapping[str, Any]) -> Capabilities:
    """Return what a type can do, from the plain data of its manifest."""
    target, signals = data.get("destination", {}), data["signals"]
    return Capabilities(
        add=_able(signals.get("add")),
        remove=_able(signals.get("remove")),
        modify=_able(signals.get("modify")),
        variables=data.get("variables", {}).get("allowed", "none") != "none",
        create="create" in target,
        read="read" in target,
        update="update" in target,
        delete="delete" in target,
        find="find" in target,
        read_back=data.get("read_back", "none"),
        dry_run=any(signal.get("dry_run") is not None for signal in signals.values()),
    )


def _able(signal: Mapping[str, Any] | None) -> bool | None:
    return None if signal is not None and "from_setting" in signal else signal is not None
