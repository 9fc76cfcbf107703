"""Dependency order of anything: pure functions over node -> what it needs."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


class CycleError(Exception):
    """Nodes that need each other in a ring; `cycle` starts and ends with the same node."""

    def __init__(self, cycle: tuple[Hashable, ...]) -> None:
        self.cycle = cycle
        super().__init__(" -> ".join(str(node) for node in cycle))


def levels(needs: Mapping[Node, Iterable[Node]]) -> tuple[tuple[Node, ...], ...]:
    """Return the nodes in levels: each needs nodes of earlier levels only.

    Within a level the order is that of `needs`. What is needed without being a node counts as there.
    `levels({"b": ["a"], "a": [], "c": []})` is `(("a", "c"), ("b",))`.

    Raises:
        CycleError: nodes need each other in a ring.
    """
    open_needs = {node: {need for need in wanted if need in needs} for node, wanted in needs.items()}
    wanted_by: dict[Node, list[Node]] = {node: [] for node in needs}
    for node, wanted in open_needs.items():
        for need in wanted:
            wanted_by[need].append(node)
    position = {node: index for index, node in enumerate(needs)}
    found: list[tuple[Node, ...]] = []
    ready = [node for node, wanted in open_needs.items() if not wanted]
    while ready:
        found.append(tuple(sorted(ready, key=position.__getitem__)))
        following: list[Node] = []
        for node in ready:
            for dependent in wanted_by[node]:
                open_needs[dependent].discard(node)
                if not open_needs[dependent]:
                    following.append(dependent)
        ready = following
    if sum(map(len, found)) < len(needs):
        raise CycleError(_cycle({node: wanted for node, wanted in open_needs.items() if wanted}))
    return tuple(found)


def order(needs: Mapping[Node, Iterable[Node]]) -> tuple[Node, ...]:
    """Return the nodes so that each stands behind all that it needs; reversed, it is the order of deletion.

    Raises:
        CycleError: nodes need each other in a ring.
    """
    return tuple(node for level in levels(needs) for node in level)


def dependents(needs: Mapping[Node, Iterable[Node]], start: Iterable[Node]) -> frozenset[Node]:
    """Return all that needs one of `start`, directly or through others, without `start` itself."""
    wanted_by: dict[Node, list[Node]] = {}
    for node, wanted in needs.items():
        for need in wanted:
            wanted_by.setdefault(need, []).append(node)
    first = frozenset(start)
    found: set[Node] = set()
    waiting = list(first)
    while waiting:
        for node in wanted_by.get(waiting.pop(), ()):
            if node not in found and node not in first:
                found.add(node)
                waiting.append(node)
    return frozenset(found)


def _cycle(stuck: Mapping[Node, Iterable[Node]]) -> tuple[Node, ...]:
    """Return a ring among nodes that each need another stuck node."""
    path: list[Node] = []
    node = next(iter(stuck))
    while node not in path:
        path.append(node)
        node = next(need for need in stuck[node] if need in stuck)
    return (*path[path.index(node) :], node)
