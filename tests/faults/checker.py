"""Compares the platforms, the ledger, the state and the definitions, and counts what is wrong.

`at_once` holds at every moment, whatever has just happened; `in_the_end` after a run that nothing disturbed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from audiform.address import Address, Kind
from audiform.state.ledger import LedgerSession, destination_key
from audiform.state.open import open_ledger, open_store
from faults.figures import Figures
from faults.scene import Scene
from whole.engine import Engine
from whole.model import EXTERNAL, NAMED_BY, Key, Members, Model, Remote, moves, wanted
from whole.shop import CONNECTORS, described, loaded, objects

Kept = dict[str, dict[str, list[set[Key]]]]
"""Destination key -> binding -> the keys of each of its members in the ledger."""


def at_once(scene: Scene, figures: Figures, where: str) -> None:
    """Check what no fault may break: who was added is known, and who stays was not taken out."""
    kept = read_ledger(scene.root)
    ending = _ending(scene)
    for connector in CONNECTORS:
        for one in scene.sandbox.destinations(connector):
            _, there = described(connector, one)
            mine = kept.get(destination_key(connector, one.id), {})
            known = {key for members in mine.values() for keys in members for key in keys}
            unknown = there.keys() - known - _nobodys(scene, connector, one.id, ending)
            figures.found("members_lost", f"{where}: {connector} {one.id} has {sorted(unknown)}", len(unknown))
            _count_twice(figures, f"{where}: {connector} {one.id}", mine)
    for name, remote in scene.model.at.items():
        if name not in ending and remote in scene.model.remotes:
            stay = remote.owners[name] & wanted(scene.people, scene.defined[name]).keys()
            gone = stay - _somewhere(scene, remote)
            figures.found("members_wrongly_removed", f"{where}: {name} lacks {sorted(gone)}", len(gone))
    for connector in EXTERNAL:
        there = objects(connector, scene.sandbox)
        if ("stranger" not in str(there)) and there:
            figures.found("members_wrongly_removed", f"{where}: {connector} lost whom we never added")


def in_the_end(scene: Scene, figures: Figures, where: str) -> None:
    """Check that everything is as if nothing had ever happened; the model is settled."""
    for connector in CONNECTORS:
        _compare_objects(scene, connector, figures, f"{where}: {connector}")
    _compare_ledger(scene, figures, where)
    left = [str(change.address) for change in Engine(scene.root).plan().changes]
    figures.found("not_recovered", f"{where}: the plan still has {left}", len(left))
    open_ends = _open_ends(scene.root)
    figures.found("not_recovered", f"{where}: still open: {open_ends}", len(open_ends))


def read_ledger(root: Path) -> Kept:
    """Return what the next writer will find in the ledger."""
    project, _ = loaded(root)
    ledger = open_ledger(project.state.url, project.root, project.environment.name)
    session = ledger.open(write=False)
    try:
        return {key: _members_of(session, key) for key in ledger.destinations()}
    finally:
        session.close()


def _members_of(session: LedgerSession, key: str) -> dict[str, list[set[Key]]]:
    session.revealed(f"SELECT * FROM {session.members(key)}", "audiform.checked")
    table = session.connection.execute("SELECT * FROM audiform.checked").to_arrow_table().to_pylist()
    found: defaultdict[str, list[set[Key]]] = defaultdict(list)
    for row in table:
        keys = {(name.removeprefix("id:"), str(v)) for name, v in row.items() if name.startswith("id:") and v}
        found[row["binding"]].append(keys)
    return found
