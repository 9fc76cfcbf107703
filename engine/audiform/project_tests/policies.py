"""Tests of policies: given resources and changes, what is denied and what is warned of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from audiform import __version__
from audiform.address import Address, Kind, parse_address
from audiform.config.declared import SECTIONS
from audiform.config.kinds import Audience, Binding, Connector, GivenChange, ProjectTest, Source
from audiform.config.models import Model
from audiform.config.policies import NamedPolicy
from audiform.config.project import Project
from audiform.config.references import Names, unknown_references
from audiform.config.schema import problems_of
from audiform.connectors.catalog import Catalog
from audiform.diagnostics import DiagnosticError, did_you_mean
from audiform.plan.plan import Action, Change, ChangeCategory, FieldChange, Figure, Impact, Plan
from audiform.plan.serialise import VERSION
from audiform.policies.builtin import BUILT_IN
from audiform.policies.found import Found
from audiform.policies.judge import of_plan, of_resources

_MODELS: Mapping[Kind, type[Model]] = {
    Kind.SOURCE: Source,
    Kind.CONNECTOR: Connector,
    Kind.AUDIENCE: Audience,
    Kind.BINDING: Binding,
}
_PLAN = "plan"
_WHEN = datetime(2000, 1, 1, tzinfo=UTC)
"""No rule sees when a plan was made."""


class _WrongTestError(Exception):
    """What is given cannot be; the message says why."""


def policy_problems(project: Project, catalog: Catalog, name: str, test: ProjectTest) -> Iterator[str]:
    """Yield what is not as the test expects of the policy `name`."""
    known = {**BUILT_IN, **project.policies}
    if name not in known:
        hint = did_you_mean(name, known)
        yield f"there is no policy `{name}`{f' ({hint})' if hint else ''}"
        return
    try:
        found = [*_found(project, catalog, {name: _everywhere(known[name])}, test)]
    except _WrongTestError as error:
        yield str(error)
    except DiagnosticError as error:
        yield from (item.detail for item in error.diagnostics)
    else:
        yield from _differences(test, found)


def _everywhere(policy: NamedPolicy) -> NamedPolicy:
    """Return the policy as it is in an environment that it is for."""
    where = policy.applies_to.model_copy(update={"environments": None, "protected": None})
    return policy.model_copy(update={"applies_to": where, "enabled": True})


def _found(
    project: Project, catalog: Catalog, policies: Mapping[str, NamedPolicy], test: ProjectTest
) -> Iterator[Found]:
    given = _given(project, test.resources)
    whole = _with(project, given)
    yield from of_resources(policies, whole, catalog, lambda address: address in given)
    changes = tuple(_change(number, change) for number, change in enumerate(test.changes, start=1))
    yield from of_plan(policies, whole, _plan(whole, changes))


# --- Resources


def _given(project: Project, resources: Mapping[str, Mapping[str, Any]]) -> dict[Address, Any]:
    """Return the resources of a test: those of the project with what differs, and new ones."""
    given: dict[Address, Any] = {}
    for section, bodies in resources.items():
        kind = SECTIONS.get(section)
        model = _MODELS.get(kind) if kind else None
        if kind is None or model is None:
            listed = ", ".join(f"`{known.section}`" for known in _MODELS)
            raise _WrongTestError(f"`{section}` is no section of resources; there are {listed}")
        for name, body in bodies.items():
            address = Address(kind, name)
            there = project.get(address)
            given[address] = _valid(model, address, {**(there.model_dump() if there else {}), **body})
    return given


def _valid(model: type[Model], address: Address, body: Mapping[str, Any]) -> Model:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        said = " ".join(item.detail for item in problems_of(error, model, address))
        raise _WrongTestError(f"{address} is not one: {said}") from None


def _with(project: Project, given: Mapping[Address, Any]) -> Project:
    """Return the project with the resources of a test in it."""

    def table(kind: Kind, own: Mapping[str, Any]) -> dict[str, Any]:
        return {**own, **{address.name: item for address, item in given.items() if address.kind is kind}}

    whole = replace(
        project,
        sources=table(Kind.SOURCE, project.sources),
        connectors=table(Kind.CONNECTOR, project.connectors),
        audiences=table(Kind.AUDIENCE, project.audiences),
        bindings=table(Kind.BINDING, project.bindings),
    )
    tables: dict[Kind, Collection[str]] = {
        Kind.SOURCE: whole.sources,
        Kind.CONNECTOR: whole.connectors,
        Kind.AUDIENCE: whole.audiences,
    }
    unknown = [*unknown_references(whole.audiences, whole.bindings, Names(tables, dict.fromkeys(Kind, ())))]
    if unknown:
        raise _WrongTestError(" ".join(item.detail for item in unknown))
    return whole


# --- Changes


def _plan(project: Project, changes: tuple[Change, ...]) -> Plan:
    return Plan(
        version=VERSION,
        tool=f"audiform {__version__}",
        project=project.name,
        environment=project.environment.name,
        lineage="",
        serial=0,
        config_digest="",
        manifest_digests={},
        created=_WHEN,
        expires=_WHEN + timedelta(days=1),
        changes=changes,
        steps=(),
    )


def _change(number: int, given: GivenChange) -> Change:
    try:
        address = parse_address(given.address)
    except ValueError as error:
        raise _WrongTestError(f"change {number}: {error}") from None
    names = ("adds", "removes", "modifies", "members_before")
    figures: dict[str, Any] = {name: _figure(getattr(given, name)) for name in names}
    moves = any(figure != Figure("exact", 0) for figure in figures.values())
    counted = address.kind is Kind.BINDING
    impact = Impact(**figures, desired=Figure("unknown"), left_out={}, not_sent={}) if counted else None
    return Change(
        address,
        Action[given.action.upper()],
        tuple(
            FieldChange(path, field.before, field.after, ChangeCategory.METADATA, "")
            for path, field in given.fields.items()
        ),
        impact=impact,
        sends=counted and moves,
        labels=given.labels,
        owner=given.owner,
    )


def _figure(given: int | str) -> Figure:
    return Figure("exact", given) if isinstance(given, int) else Figure("unknown")


# --- What differs


def _differences(test: ProjectTest, found: Collection[Found]) -> Iterator[str]:
    yield from (item.detail for item in found if item.effect == "error")
    for effect, expected, word in (
        ("deny", test.expect.denied, "denied"),
        ("warn", test.expect.warned, "warned of"),
    ):
        if expected is not None:
            actual = {str(item.address) if item.address else _PLAN for item in found if item.effect == effect}
            yield from (f"{address} is not {word}" for address in sorted({*expected} - actual))
            yield from (
                f"{address} is {word}, which was not expected" for address in sorted(actual - {*expected})
            )
