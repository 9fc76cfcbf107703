"""Compares the platforms, the ledger, the state and the definitions, and counts what is wrong.

`at_once` holds at every moment, whatever has just happened; `in_the_end` after a run that nothing disturbed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from audiform.address import Address, Kind
from audiform.cli.opening import state_of
from audiform.state.ledger import LedgerSession, destination_key
from audiform.state.store import Record, StateStore
from faults.figures import Figures
from faults.scene import STRANGER, Scene
from whole.engine import Engine
from whole.model import EXTERNAL, NAMED_BY, Key, Members, moves
from whole.shop import CONNECTORS, expected, loaded, members_of, objects

Kept = dict[str, dict[str, list[set[Key]]]]
"""Destination key -> binding -> the keys of each of its members in the ledger."""


def at_once(scene: Scene, figures: Figures, where: str) -> None:
    """Check what no fault may break: who was added is known, and who stays was not taken out."""
    kept, ending = read_ledger(scene), _ending(scene)
    held = {connector: set[Key]() for connector in CONNECTORS}
    for connector in CONNECTORS:
        others = _nobodys(scene, connector, ending)
        for one in scene.sandbox.destinations(connector):
            there, mine = members_of(connector, one), kept.get(destination_key(connector, one.id), {})
            known = {key for members in mine.values() for keys in members for key in keys}
            unknown = there.keys() - known - others
            said = f"{where}: {connector} {one.id}"
            figures.found("members_lost", f"{said} has {sorted(unknown)}, not in the ledger", len(unknown))
            figures.found("members_doubled", f"{said}: twice in the ledger", _twice(mine))
            held[connector] |= there.keys()
    for name, remote in scene.model.at.items():
        if name not in ending and remote in scene.model.remotes:
            gone = (remote.owners[name] & scene.staying[name]) - held[remote.connector]
            figures.found("members_wrongly_removed", f"{where}: {name} lacks {sorted(gone)}", len(gone))
    for connector in EXTERNAL:
        if STRANGER not in {value for _, value in held[connector]}:
            figures.found("members_wrongly_removed", f"{where}: {connector} lacks whom we never added")


def in_the_end(scene: Scene, figures: Figures, where: str) -> None:
    """Check that everything is as if nothing had ever happened; the model is settled."""
    for connector in CONNECTORS:
        _compare_objects(scene, connector, figures, f"{where}: {connector}")
    _compare_ledger(scene, figures, where)
    left = [str(change.address) for change in Engine(scene.root).plan().changes]
    figures.found("not_recovered", f"{where}: the plan still has {left}", len(left))
    ends = _open_ends(scene.root)
    figures.found("not_recovered", f"{where}: still open: {ends}", len(ends))


def read_ledger(scene: Scene) -> Kept:
    """Return what the next writer will find in the ledger of every object that there is."""
    keys = [destination_key(name, one.id) for name in CONNECTORS for one in scene.sandbox.destinations(name)]
    project, _ = loaded(scene.root)
    store, ledger = state_of(project)
    session = ledger.open(write=False)
    try:
        return {key: _kept(session, key) for key in keys}
    finally:
        session.close()
        store.close()


def _kept(session: LedgerSession, key: str) -> dict[str, list[set[Key]]]:
    session.revealed(f"SELECT * FROM {session.members(key)}", "audiform.checked")
    rows = session.connection.sql("SELECT * FROM audiform.checked").to_arrow_table().to_pylist()
    found: defaultdict[str, list[set[Key]]] = defaultdict(list)
    for row in rows:
        keys = {(name.removeprefix("id:"), str(v)) for name, v in row.items() if name.startswith("id:") and v}
        found[row["binding"]].append(keys)
    return found


def _twice(mine: Mapping[str, Sequence[set[Key]]]) -> int:
    """Count the members that a binding has more than once."""
    return sum(len(members) - len({frozenset(keys) for keys in members}) for members in mine.values())


def _ending(scene: Scene) -> set[str]:
    """Return the bindings that end, or are to fill something else: what became of their members is not known yet."""
    was, now = scene.model.bindings, scene.defined
    return {name for name in scene.model.at if name not in now or moves(was[name], now[name])}


def _nobodys(scene: Scene, connector: str, ending: AbstractSet[str]) -> set[Key]:
    """Return whom the ledger need not know: nobody of us added them, or those who did have ended and left them."""
    found: set[Key] = set()
    for remote in scene.model.remotes:
        if remote.connector == connector:
            left = {
                name
                for name in ending & remote.owners.keys()
                if scene.model.bindings[name].on_delete == "keep"
            }
            owned = [keys for name, keys in remote.owners.items() if name not in left]
            found |= remote.doubtful | (remote.members.keys() - set[Key]().union(*owned))
    return found


def _compare_objects(scene: Scene, connector: str, figures: Figures, where: str) -> None:
    wanted_now = sorted(expected(connector, scene.model), key=str)
    there = sorted(objects(connector, scene.sandbox, scene.model), key=str)
    for one in [*wanted_now]:
        if one in there:
            wanted_now.remove(one)
            there.remove(one)
    titles = {title for title, _ in expected(connector, scene.model)}
    for title, members in wanted_now:
        same = next((one for one in there if one[0] == title), None)
        if same is None:
            figures.found("objects_missing", f"{where} {title}")
            continue
        there.remove(same)
        _compare_members(members, same[1], figures, f"{where} {title}")
    for title, _ in there:
        figures.found("objects_doubled" if title in titles else "objects_orphaned", f"{where} {title}")


def _compare_members(wanted_now: Members, there: Members, figures: Figures, where: str) -> None:
    lost, left = wanted_now.keys() - there.keys(), there.keys() - wanted_now.keys()
    other = {key for key in wanted_now.keys() & there.keys() if wanted_now[key] != there[key]}
    figures.found("members_lost", f"{where} lacks {sorted(lost)}", len(lost))
    figures.found("members_lost", f"{where}: {sorted(other)} with other variables", len(other))
    figures.found("members_left_behind", f"{where} has {sorted(left)}", len(left))


def _compare_ledger(scene: Scene, figures: Figures, where: str) -> None:
    """Compare each binding's members in the ledger with whom the model says that it added."""
    kept, records = read_ledger(scene), _records(scene.root)
    for name, remote in scene.model.at.items():
        record = records.get(Address(Kind.BINDING, name))
        identity = None if record is None else record.body["destination_id"]
        if identity is None or (record is not None and record.body["connector"] != remote.connector):
            figures.found("objects_orphaned", f"{where}: the state has no object of {name}")
            continue
        members = kept.get(destination_key(remote.connector, identity), {}).get(name, [])
        names = [NAMED_BY.get(remote.connector, "email"), NAMED_BY.get(remote.connector, "phone")]
        known = {key for keys in members for key in keys if key[0] in names}
        less, more = remote.owners[name] - known, known - remote.owners[name] - remote.doubtful
        figures.found("members_lost", f"{where}: the ledger lacks {sorted(less)} of {name}", len(less))
        figures.found("members_left_behind", f"{where}: the ledger has {sorted(more)} of {name}", len(more))
        figures.found("members_doubled", f"{where}: {name}", _twice({name: members}))


def _records(root: Path) -> Mapping[Address, Record]:
    store = _store(root)
    try:
        return store.read().records
    finally:
        store.close()


def _open_ends(root: Path) -> list[str]:
    store = _store(root)
    try:
        intents = [f"{one.action} of {one.address}" for one in store.pending()]
        return [*intents, *(f"run of {one.binding}" for one in store.open_runs())]
    finally:
        store.close()


def _store(root: Path) -> StateStore:
    project, _ = loaded(root)
    return state_of(project)[0]
