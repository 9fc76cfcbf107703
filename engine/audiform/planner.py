"""Makes a plan: read the state, look at the platforms, compare, count people, ask the guards. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from audiform import __version__
from audiform.address import Address, Kind
from audiform.config.event_kinds import EventConnector, EventSource
from audiform.config.evolution import Evolution
from audiform.config.places import place_all, place_in
from audiform.config.project import Project
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.judging import judgement_of
from audiform.lazily import load
from audiform.plan.decision import Decision, Situation, key_of, situation_of
from audiform.plan.diff import diff
from audiform.plan.digest import config_digest
from audiform.plan.draft import Approvals, Ended, judged_change
from audiform.plan.evolve import Evolved, at_entry, evolve
from audiform.plan.facts import facts_of
from audiform.plan.guard import Facts
from audiform.plan.later import Later, LaterText
from audiform.plan.plan import Change, Plan, StepKind
from audiform.plan.prior import Presence, Refreshed
from audiform.plan.records import secrets_of
from audiform.plan.select import chosen_imports, select
from audiform.plan.serialise import VERSION
from audiform.plan.steps import steps_of
from audiform.policies.judge import of_resources
from audiform.policies.scope import in_use
from audiform.runtime import Runtime
from audiform.sources.running import in_thread
from audiform.sources.snapshot import snapshots
from audiform.state.store import Intent, StateView

_SECRETS = (("credentials",), ("write_keys",))
"""Fields in which secrets are named."""


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What to plan. `impact`: count people; `refresh`: look at the platforms; `destroy`: delete everything.

    `remote_validate`: let platforms that can validate a small batch of each binding.
    """

    impact: bool = True
    refresh: bool = True
    remote_validate: bool = False
    targets: Sequence[str] = ()
    exclude: Sequence[str] = ()
    approvals: Approvals = field(default_factory=Approvals)
    destroy: bool = False
    tolerance: float = 0.10
    expires: timedelta = timedelta(hours=24)


async def make_plan(runtime: Runtime, options: PlanOptions) -> Plan:
    """Return the plan of the runtime's project.

    Raises:
        DiagnosticError: a connector type cannot be opened, or sources cannot be read.
    """
    options, unasked = _without_forbidden_secrets(runtime, options)
    project = _nothing(runtime.project) if options.destroy else runtime.project
    evolved = evolved_state(project, runtime.store.read())
    seen: Refreshed = {}
    if options.refresh:
        seen = await load("audiform.refresh:refresh")(runtime, evolved.recorded)
    evolved, members = await _imported(
        runtime, chosen_imports(project, evolved, options.targets, options.exclude), options
    )
    recorded = evolved.recorded
    observed = {**seen, **{address: taken.observed for address, taken in evolved.taken.items()}}
    pending = runtime.store.pending()
    situation = _situation(runtime, project, evolved, observed, pending, secrets=options.refresh)
    decisions, partial = select(diff(situation), situation, targets=options.targets, exclude=options.exclude)
    looked = await _look_up(runtime, recorded, decisions) if options.refresh else ()
    changes = await _changes(runtime, situation, decisions, members, options)
    if options.impact and project.event_connectors:
        changes = await load("audiform.event_rates:with_rates")(runtime, changes)
    rehearsed: Sequence[str] = ()
    if options.remote_validate:
        rehearsed = await load("audiform.rehearsal:rehearse_all")(runtime, recorded)
    # Some sources list their files far away: not on the thread that hears Ctrl-C.
    digests = await in_thread(snapshots, project) if options.impact else {}
    now = runtime.clock()
    plan = Plan(
        version=VERSION,
        tool=f"audiform {__version__}",
        project=project.name,
        environment=project.environment.name,
        lineage=recorded.lineage,
        serial=recorded.serial,
        config_digest=LaterText(lambda: config_digest(runtime.project)),
        manifest_digests=_manifests(runtime, project),
        created=now,
        expires=now + options.expires,
        changes=changes,
        steps=Later(lambda: steps_of(decisions, project, recorded)),
        approvals=options.approvals.names,
        tolerance=options.tolerance,
        notes=(*unasked, *_notes(seen), *_interrupted(pending), *_done(evolved), *looked, *rehearsed),
        measured=options.impact,
        partial=partial,
        source_digests=digests,
    )
    return replace(plan, policies=judgement_of(runtime.project, runtime.catalog, plan))


def _without_forbidden_secrets(runtime: Runtime, options: PlanOptions) -> tuple[PlanOptions, Sequence[str]]:
    """Ask no platform while a policy forbids where a secret comes from: to resolve it and then deny is too late."""
    forbidding = {
        name: policy
        for name, policy in in_use(runtime.project).items()
        if policy.effect == "deny" and policy.forbid and policy.forbid.secret_sources
    }
    found = of_resources(forbidding, runtime.project, runtime.catalog, lambda _: True)
    if not any(item.path[:1] in _SECRETS for item in found):
        return options, ()
    note = (
        "no secret was resolved and no platform was asked, because a policy forbids where a secret comes from"
    )
    # What is imported has to be looked up, so it is left out as well.
    recorded = runtime.store.read().records
    waiting = [
        str(one.address)
        for one in runtime.project.evolution.imports
        if one.address not in recorded and not options.destroy
    ]
    exclude = (*options.exclude, *waiting)
    return replace(options, refresh=False, remote_validate=False, exclude=exclude), (note,)


async def _look_up(runtime: Runtime, recorded: StateView, decisions: Sequence[Decision]) -> Sequence[str]:
    """Look up what new bindings take over or name as existing; return what the reader has to know of it.

    Raises:
        DiagnosticError: something does not exist, with near names.
    """
    new = [
        decision.address.name
        for decision in decisions
        if any(verb.kind is StepKind.CREATE_DESTINATION for verb in decision.verbs)
    ]
    looked = await load("audiform.destinations:look_up")(runtime, new, recorded.lineage)
    if looked.problems:
        project = runtime.project
        raise DiagnosticError(tuple(place_all(project.root, project.environment.name, looked.problems)))
    notes: Sequence[str] = looked.notes
    return notes


def _nothing(project: Project) -> Project:
    """Return the project without resources: what a `destroy` wants."""
    return replace(
        project,
        sources={},
        connectors={},
        audiences={},
        bindings={},
        policies={},
        event_sources={},
        event_types={},
        event_connectors={},
        digests={},
        evolution=Evolution(),
    )


def evolved_state(project: Project, recorded: StateView) -> Evolved:
    """Return what the project's entries do to the state.

    Raises:
        DiagnosticError: an entry contradicts the state, each at its place.
    """
    evolved = evolve(project, recorded)
    if evolved.conflicts:
        raise DiagnosticError(place_in(project.root, map(at_entry, evolved.conflicts)))
    return evolved


async def _imported(
    runtime: Runtime, evolved: Evolved, options: PlanOptions
) -> tuple[Evolved, Mapping[Address, Any]]:
    """Return the state as it will be once what is to be imported is, and who is in it (`Listed`) where people are counted.

    Raises:
        DiagnosticError: something cannot be imported, each at its entry; or nobody may look.
    """
    if not evolved.imports:
        return evolved, {}
    if not options.refresh:
        names = ", ".join(f"`{one.address}`" for one in evolved.imports)
        text = f"{names}: what is imported has to be looked up. Plan without `--no-refresh`, or with `--exclude`."
        raise DiagnosticError([Diagnostic("import-conflict", text)])
    found = await load("audiform.imports:found_imports")(runtime, evolved, members=options.impact)
    return load("audiform.imports:with_imports")(evolved, runtime, found), found.members


def _done(evolved: Evolved) -> Iterator[str]:
    for entry in evolved.done:
        if entry.file:
            yield f"{entry.number} has been done; it can be taken out when every environment has been applied"


def _situation(
    runtime: Runtime,
    project: Project,
    evolved: Evolved,
    observed: Refreshed,
    pending: Sequence[Intent],
    *,
    secrets: bool,
) -> Situation:
    types = {
        name: facts_of(runtime.catalog.get(connector.type).configured(connector.settings))
        for name, connector in project.connectors.items()
    }
    for name, sender in project.event_connectors.items():
        kind = runtime.catalog.get(sender.type).configured(sender.settings)
        types[key_of(Address(Kind.EVENT_CONNECTOR, name))] = facts_of(kind)
    digests = {name: runtime.secret_digests(name) for name in project.connectors} if secrets else {}
    for address, resource in _event_parts(project) if secrets else ():
        digests[key_of(address)] = runtime.digests(secrets_of(resource))
    names = {move.old: move.new for move in evolved.moves}
    unsent = frozenset(
        names.get(intent.address, intent.address)
        for intent in pending
        if intent.action == StepKind.SYNC.value
    )
    return situation_of(project, evolved, observed, types, digests, unsent)


def _event_parts(project: Project) -> Iterator[tuple[Address, EventSource | EventConnector]]:
    """Yield what of events has secrets."""
    for name, source in project.event_sources.items():
        yield Address(Kind.EVENT_SOURCE, name), source
    for name, connector in project.event_connectors.items():
        yield Address(Kind.EVENT_CONNECTOR, name), connector


def _manifests(runtime: Runtime, project: Project) -> Mapping[str, str]:
    used = {connector.type for connector in project.connectors.values()}
    used |= {connector.type for connector in project.event_connectors.values()}
    return {name: runtime.catalog.get(name).digest for name in sorted(used)}


def _notes(observed: Refreshed) -> Iterator[str]:
    for address, seen in observed.items():
        if seen.presence is Presence.UNKNOWN:
            yield f"{address} was not looked up ({seen.why}); what was last written is taken for what is there"


def _interrupted(pending: Sequence[Intent]) -> Iterator[str]:
    creations = (intent for intent in pending if intent.action == StepKind.CREATE_DESTINATION.value)
    for address in dict.fromkeys(intent.address for intent in creations):
        yield (
            f"{address}: a run was interrupted while it created the destination; an apply looks for it first, and takes "
            "it if it is there"
        )


async def _changes(
    runtime: Runtime,
    situation: Situation,
    decisions: Sequence[Decision],
    members: Mapping[Address, Any],
    options: PlanOptions,
) -> tuple[Change, ...]:
    ending = [decision.address for decision in decisions if decision.undone]
    origins = situation.evolved.origins
    ended: Mapping[Address, Ended] = {}
    if ending:
        # Also without impact: deleting is a decision.
        ended = load("audiform.measure:count_ended")(
            runtime, {address: origins[address] for address in ending}
        )
    sent: Mapping[Address, Facts] = {}
    if options.impact:
        sent = await load("audiform.measure:measure_all")(runtime, decisions, origins, members)
    return tuple(
        judged_change(
            decision,
            situation,
            options.approvals,
            # A resource may have two changes: only the one that sends, or ends, moves people.
            sent=sent.get(decision.address) if decision.change.sends else None,
            ended=ended.get(decision.address) if decision.undone else None,
        )
        for decision in decisions
    )
