"""`--target` and `--exclude`: the part of a plan that somebody asked for, with what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from audiform.address import Address, Kind, parse_address
from audiform.config.project import Project
from audiform.plan.decision import Decision, Situation
from audiform.plan.evolve import Evolved
from audiform.plan.patterns import known_of
from audiform.plan.plan import Partial
from audiform.plan.records import dependencies_of
from audiform.state.store import StateView


def select(
    decisions: Sequence[Decision],
    situation: Situation,
    *,
    targets: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> tuple[tuple[Decision, ...], Partial | None]:
    """Return the decisions whose address matches a target, with those that they need, without the excluded.

    What begins needs what it depends on; what ends needs that everything that depends on it ends. A decision that
    needs an excluded one is left out as well. What was asked for is said beside it, where it is a part.

    Raises:
        DiagnosticError: a pattern matches nothing (`unknown-target`).
    """
    if not targets and not exclude:
        return tuple(decisions), None
    known = known_of(situation.project, situation.evolved)
    known.refuse_unknown([*targets, *exclude])
    needs = _needs(decisions, situation.project, situation.recorded)
    everything = list(dict.fromkeys(decision.address for decision in decisions))
    asked = known.matching(targets)
    chosen = [address for address in everything if not targets or address in asked]
    wanted = _closure(chosen, lambda address: needs[address])
    excluded = known.matching(exclude)
    kept = [
        address
        for address in everything
        if address in wanted and excluded.isdisjoint(_closure([address], lambda one: needs[one]))
    ]
    partial = Partial(
        tuple(targets),
        tuple(exclude),
        added=tuple(address for address in kept if targets and address not in asked),
        left_out=tuple(address for address in everything if address not in kept),
    )
    inside = frozenset(kept)
    return tuple(decision for decision in decisions if decision.address in inside), partial


def chosen_imports(
    project: Project, evolved: Evolved, targets: Sequence[str], exclude: Sequence[str]
) -> Evolved:
    """Return what is evolved without the imports that were not asked for: nobody looks for their objects."""
    if not evolved.imports or not (targets or exclude):
        return evolved
    known = known_of(project, evolved)
    asked, excluded = known.matching(targets), known.matching(exclude)
    imports = tuple(
        one
        for one in evolved.imports
        if (not targets or one.address in asked) and one.address not in excluded
    )
    return replace(evolved, imports=imports)


def addresses_of(
    project: Project, evolved: Evolved, targets: Sequence[str], exclude: Sequence[str]
) -> frozenset[Address]:
    """Return the project's addresses that the patterns name, with what these need.

    Raises:
        DiagnosticError: a pattern matches nothing (`unknown-target`).
    """
    known = known_of(project, evolved)
    known.refuse_unknown([*targets, *exclude])
    asked = known.matching(targets) if targets else frozenset(project.digests)
    return frozenset(_closure(asked, lambda one: dependencies_of(project, one))) - known.matching(exclude)


def bindings_of(
    project: Project, evolved: Evolved, targets: Sequence[str], exclude: Sequence[str]
) -> tuple[str, ...]:
    """Return the project's bindings that the patterns name, by themselves or by what they depend on.

    Raises:
        DiagnosticError: a pattern matches nothing (`unknown-target`).
    """
    known = known_of(project, evolved)
    known.refuse_unknown([*targets, *exclude])
    asked, excluded = known.matching(targets), known.matching(exclude)

    def parts(name: str) -> set[Address]:
        return _closure([Address(Kind.BINDING, name)], lambda one: dependencies_of(project, one))

    return tuple(
        name
        for name in project.bindings
        if (not targets or not asked.isdisjoint(parts(name))) and excluded.isdisjoint(parts(name))
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
