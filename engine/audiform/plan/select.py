"""`--target` and `--exclude`: the part of a plan that somebody asked for, with what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase

from audiform.address import Address, parse_address
from audiform.config.project import Project
from audiform.plan.decision import Decision
from audiform.plan.records import dependencies_of
from audiform.state.store import StateView


def select(
    decisions: Sequence[Decision],
    project: Project,
    recorded: StateView,
    *,
    targets: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> tuple[Decision, ...]:
    """Return the decisions whose address matches a target, with those that they need, without the excluded.

    What begins needs what it depends on; what ends needs that everything that depends on it ends. A decision that
    needs an excluded one is left out as well. Patterns are shell patterns over `kind.name`.
    """
    if not targets and not exclude:
        return tuple(decisions)
    needs = _needs(decisions, project, recorded)
    everything = [decision.address for decision in decisions]
    chosen = [address for address in everything if not targets or _matches(address, targets)]
    wanted = _closure(chosen, lambda address: needs[address])
    left_out = {address for address in everything if _matches(address, exclude)}
    return tuple(
        decision
        for decision in decisions
        if decision.address in wanted
        and left_out.isdisjoint(_closure([decision.address], lambda address: needs[address]))
    )


def _needs(
    decisions: Sequence[Decision], project: Project, recorded: StateView
) -> dict[Address, list[Address]]:
    """Return, for the address of each decision, the addresses (with a decision) that it directly needs."""
    needs: dict[Address, list[Address]] = {decision.address: [] for decision in decisions}
    for decision in decisions:
        needs[decision.address].extend(_upstream(decision.address, project, needs))
        record = recorded.records.get(decision.address)
        for name in record.body["dependencies"] if record else ():
            dependency = parse_address(name)
            if dependency in needs and project.get(dependency) is None:
                needs[dependency].append(decision.address)
    return needs


def _upstream(address: Address, project: Project, known: dict[Address, list[Address]]) -> Iterable[Address]:
    """Yield the nearest dependencies that have a decision, through those that have none."""
    for dependency in dependencies_of(project, address):
        if dependency in known:
            yield dependency
        else:
            yield from _upstream(dependency, project, known)


def _closure(start: Iterable[Address], needs: Callable[[Address], Iterable[Address]]) -> set[Address]:
    reached: set[Address] = set()
    waiting = list(start)
    while waiting:
        address = waiting.pop()
        if address not in reached:
            reached.add(address)
            waiting.extend(needs(address))
    return reached


def _matches(address: Address, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(str(address), pattern) for pattern in patterns)
