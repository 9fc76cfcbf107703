"""Every policy that applies, asked: of a project alone, and of a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from audiform.address import Address
from audiform.config.policies import NamedPolicy
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.plan.plan import Action, Change, Plan
from audiform.policies.builtin import BUILT_IN
from audiform.policies.configured import Check, Resource, Subjects, checks_of, of_all
from audiform.policies.found import Effect, Found
from audiform.policies.rules import verdicts
from audiform.policies.scope import in_use, is_about
from audiform.policies.views import Views, change_view, plan_view

Policies = Mapping[str, NamedPolicy]

_ENDS = frozenset({Action.DELETE, Action.FORGET})


def judge_project(project: Project, catalog: Catalog) -> tuple[Found, ...]:
    """Return what the policies find in the configuration, without a plan: what `validate` can know.

    Raises:
        DiagnosticError: a connector type cannot be opened.
    """
    return tuple(of_resources(in_use(project), project, catalog, lambda _: True))


def judge_plan(project: Project, catalog: Catalog, plan: Plan) -> tuple[Found, ...]:
    """Return what the policies find in the configuration and in what the plan would do.

    A resource of the project that the plan ends, as `destroy` does, is judged by its end only.

    Raises:
        DiagnosticError: a connector type cannot be opened.
    """
    ending = frozenset(change.address for change in plan.changes if change.action in _ENDS)
    policies = in_use(project)
    return (
        *of_resources(policies, project, catalog, lambda address: address not in ending),
        *of_plan(policies, project, plan),
    )


def of_resources(
    policies: Policies, project: Project, catalog: Catalog, wanted: Callable[[Address], bool]
) -> list[Found]:
    """Return what these policies find in the resources of the project that are wanted."""
    return _errors_once(_of_resources(policies, project, catalog, wanted)) if policies else []


def of_plan(policies: Policies, project: Project, plan: Plan) -> list[Found]:
    """Return what the expressions of these policies find in a plan."""
    return _errors_once(_of_plan(policies, project, plan))


def _errors_once(found: Iterator[Found]) -> list[Found]:
    """Return what was found, of each policy that cannot be evaluated only the first time, with how often it was."""
    kept: list[Found] = []
    first: dict[str, int] = {}
    more: Counter[str] = Counter()
    for item in found:
        if item.effect == "error" and item.policy in first:
            more[item.policy] += 1
            continue
        if item.effect == "error":
            first[item.policy] = len(kept)
        kept.append(item)
    for name, count in more.items():
        item = kept[first[name]]
        kept[first[name]] = replace(item, detail=f"{item.detail}; nor for {count:,} more")
    return kept


def _of_resources(
    policies: Policies, project: Project, catalog: Catalog, wanted: Callable[[Address], bool]
) -> Iterator[Found]:
    subjects, views = Subjects(project, catalog), Views(project)
    for kind, table in subjects.tables():
        asked = [(name, policy, checks_of(policy, kind)) for name, policy in policies.items()]
        asked = [item for item in asked if item[2] or _looks_over_resources(item[1])]
        for name, resource in table.items() if asked else ():
            address = Address(kind, name)
            for item in asked if wanted(address) else ():
                yield from _of_resource(item, address, resource, subjects, views)


def _of_resource(
    asked: tuple[str, NamedPolicy, tuple[Check, ...]],
    address: Address,
    resource: Resource,
    subjects: Subjects,
    views: Views,
) -> Iterator[Found]:
    name, policy, checks = asked
    if not is_about(policy, address, resource.labels):
        return
    for check in checks if resource.enabled else of_all(checks):
        for detail, path in check(policy, address.name, resource, subjects):
            yield _found(name, policy, policy.effect, f"{address}: {detail}", address, path)
    if resource.enabled and _looks_over_resources(policy):
        names = {**views.always(), **views.around(address)}
        for effect, detail in verdicts(policy, names, lambda: str(address)):
            yield _found(name, policy, effect, detail, address)


def _of_plan(policies: Policies, project: Project, plan: Plan) -> Iterator[Found]:
    rules = {name: policy for name, policy in policies.items() if _has_rules(policy)}
    each = {name: policy for name, policy in rules.items() if policy.over == "changes"}
    whole = {name: policy for name, policy in rules.items() if policy.over == "plan"}
    if not each and not whole:
        return
    views = Views(project)
    always: dict[str, Any] = {**views.always(), "plan": plan_view(plan, project.environment.file.protected)}
    for change, view in zip(plan.changes, always["plan"]["changes"], strict=True) if each else ():
        names = {**always, **views.around(change.address), "change": view}
        for name, policy in each.items():
            if is_about(policy, change.address, change.labels):
                for effect, detail in verdicts(policy, names, partial(_said, change)):
                    yield _found(name, policy, effect, detail, change.address)
    for name, policy in whole.items():
        for effect, detail in verdicts(policy, always, lambda: "the plan"):
            yield _found(name, policy, effect, detail)


def _said(change: Change) -> str:
    """Return a change in a few words, with the figures that a rule may have looked at."""
    view = change_view(change)
    what = f"{change.address} ({change.action.name.lower()})"
    if change.impact is None:
        return what
    moves = (
        f"{name} {view[name]:,}" if name in view else f"{name} unknown"
        for name in ("adds", "removes", "modifies")
    )
    return f"{what}: {', '.join(moves)}"


def _looks_over_resources(policy: NamedPolicy) -> bool:
    return policy.over == "resources" and _has_rules(policy)


def _has_rules(policy: NamedPolicy) -> bool:
    return policy.deny is not None or policy.warn is not None


def _found(
    name: str,
    policy: NamedPolicy,
    effect: Effect,
    detail: str,
    address: Address | None = None,
    path: tuple[str | int, ...] = (),
) -> Found:
    return Found(name, effect, detail, policy.message, address, path, own=name not in BUILT_IN)
