"""Whether a plan still holds: made by this version, for this project, from this state, and not too long ago.

Each way in which it does not is a diagnostic of its own; all of them are said at once, and nothing is done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from audiform import __version__
from audiform.address import Kind
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.execution.inverting import is_of_history
from audiform.execution.stopped import Stopped
from audiform.plan.bindings import is_active
from audiform.plan.digest import config_digest
from audiform.plan.evolve import Evolved, evolve
from audiform.plan.guard import approval, prevented, protected_delete
from audiform.plan.plan import GuardResult, Plan, Step, StepKind
from audiform.plan.records import record_of
from audiform.plan.serialise import plan_digest
from audiform.plan.summary import stopping
from audiform.runtime import Runtime
from audiform.state.store import Record, StateView

_REMAKE = "Make a new one with `audiform plan --out FILE`, and have it read again."
_DELETES = frozenset({StepKind.DELETE_DESTINATION, StepKind.REMOVE_MEMBERS})
_MOMENT = "%Y-%m-%d %H:%M UTC"


def check_plan(runtime: Runtime, plan: Plan, recorded: StateView) -> None:
    """Refuse a plan that no longer holds.

    Raises:
        DiagnosticError: every way in which it does not (`plan-expired`, `plan-stale`, ...).
    """
    at = runtime.store.spent(plan_digest(plan))
    if at is not None:
        # That its state is another one by now is a matter of course.
        raise used(at)
    problems = [*_foreign(runtime, plan), *_old(runtime, plan, recorded)]
    if not problems:
        # Of a plan for something else, all steps would be wrong: that says nothing more.
        problems = list(_edited(runtime, plan, recorded))
    if problems:
        raise DiagnosticError(problems)


def check_guards(runtime: Runtime, plan: Plan, recorded: StateView, again: str = "plan --out FILE") -> None:
    """Stop a plan that a guard stops, and one that deletes in a protected environment without approval.

    `again`: the command that may be given the approval.

    Raises:
        Stopped: with the guards and the options that approve them.
    """
    stops = {result.name: result for result in stopping(plan.changes)}
    for result in _deletions(runtime, plan, recorded):
        stops.setdefault(result.name, result)
    if stops:
        raise Stopped(_stopped_by(stops.values(), again))


def _stopped_by(results: Collection[GuardResult], again: str) -> str:
    lines = [f"  {result.name}: {result.detail}" for result in results]
    head = ["guards do not let this plan through; nothing was done", *lines]
    options = [option for option in map(approval, results) if option]
    if not options:
        return "\n".join(head)
    approve = ["If that is what you want, approve it:", "", f"    audiform {again} {' '.join(options)}", ""]
    return "\n".join([*head, *approve])


def stale(detail: str) -> DiagnosticError:
    """Return the refusal of a plan whose state is another one by now."""
    return DiagnosticError([Diagnostic("plan-stale", f"{detail} {_REMAKE}")])


def used(at: datetime) -> DiagnosticError:
    """Return the refusal of a signed plan that was applied before."""
    text = f"The plan was applied at {at:{_MOMENT}}, and a signed plan is applied once. {_REMAKE}"
    return DiagnosticError([Diagnostic("plan-used", text)])


def _foreign(runtime: Runtime, plan: Plan) -> Iterator[Diagnostic]:
    """Say what the plan was made for, where that is not what is here."""
    project = runtime.project
    if plan.project != project.name:
        yield Diagnostic(
            "plan-of-another-project",
            f"The plan was made for the project `{plan.project}`, and this is `{project.name}`. "
            "Use it in the project's own folder.",
        )
    if plan.environment != project.environment.name:
        yield Diagnostic(
            "plan-of-another-environment",
            f"The plan was made for the environment `{plan.environment}`, and this is `{project.environment.name}`. "
            f"Apply it with `audiform -e {plan.environment} apply FILE`.",
        )
    tool = f"audiform {__version__}"
    if plan.tool != tool:
        yield Diagnostic(
            "plan-of-another-version",
            f"The plan was made by {plan.tool}, and this is {tool}, which may do the same steps differently. {_REMAKE}",
        )


def _old(runtime: Runtime, plan: Plan, recorded: StateView) -> Iterator[Diagnostic]:
    """Say what has changed since the plan was made."""
    if runtime.clock() > plan.expires:
        yield Diagnostic(
            "plan-expired",
            f"The plan was made at {plan.created:{_MOMENT}} and holds until {plan.expires:{_MOMENT}}: "
            f"what it shows is no longer what there is. {_REMAKE}",
        )
    if not plan.lineage and recorded.lineage:
        yield Diagnostic(
            "plan-stale",
            "The plan was made when nothing was recorded here, and by now something is: that, or another plan, was applied "
            f"since. {_REMAKE}",
        )
    elif plan.lineage != recorded.lineage:
        yield Diagnostic(
            "plan-of-another-state",
            "The plan was made from another state than the one that is here: from a copy, or from one that was deleted since. "
            f"{_REMAKE}",
        )
    elif plan.serial != recorded.serial:
        yield Diagnostic(
            "plan-stale",
            f"The plan was made from serial {plan.serial} of the state, which is at {recorded.serial} by now: something "
            f"was applied in between, and the plan does not know of it. {_REMAKE}",
        )
    if plan.config_digest != config_digest(runtime.project):
        yield Diagnostic(
            "plan-config-changed",
            "The project's files say something else than when the plan was made, so what was reviewed is not what would "
            "be done. Check out the commit that was reviewed, or plan again and have that read.",
        )
    changed = [name for name, digest in plan.manifest_digests.items() if not _is_type(runtime, name, digest)]
    if changed:
        yield Diagnostic(
            "plan-types-changed",
            f"The manifest of {', '.join(changed)} is another one than when the plan was made, so the same steps would send "
            f"other requests. {_REMAKE}",
        )


def _is_type(runtime: Runtime, name: str, digest: str) -> bool:
    return name in runtime.catalog.names() and runtime.catalog.get(name).digest == digest


def _edited(runtime: Runtime, plan: Plan, recorded: StateView) -> Iterator[Diagnostic]:
    """Say which steps are none that a plan of this project and this state can hold."""
    shown = {change.address for change in plan.changes}
    evolved = _with_imported(runtime, plan, evolve(runtime.project, recorded))
    known: set[str] = set()
    for step in plan.steps:
        if step.address not in shown or not known.issuperset(step.needs) or not _fits(runtime, evolved, step):
            yield Diagnostic(
                "plan-edited",
                f"The step `{step.id}` of the plan does not follow from the project and the state, although both are those "
                f"that the plan was made from. Nothing of the plan was done. {_REMAKE}",
            )
        known.add(step.id)


def _with_imported(runtime: Runtime, plan: Plan, evolved: Evolved) -> Evolved:
    """Return the state with what the plan's own steps import: whether it is the right object is looked up later."""
    wanted = {one.address for one in evolved.imports}
    imported = {
        step.address: record_of(
            runtime.project, step.address, type_digests={}, secret_digests={}, destination_id=step.data["id"]
        )
        for step in plan.steps
        if step.kind is StepKind.IMPORT and step.address in wanted and "id" in step.data
    }
    records = {**evolved.recorded.records, **imported}
    return replace(evolved, recorded=replace(evolved.recorded, records=records))


def _fits(runtime: Runtime, evolved: Evolved, step: Step) -> bool:
    """Whether a step names what the project or the state has: an edited id could delete what is not ours."""
    record = evolved.recorded.records.get(step.address)
    binding = runtime.project.bindings.get(step.address.name) if step.address.kind is Kind.BINDING else None
    match step.kind:
        case StepKind.RECORD:
            return runtime.project.get(step.address) is not None
        case StepKind.SYNC:
            return binding is not None and is_active(runtime.project, binding)
        case StepKind.CREATE_DESTINATION:
            return binding is not None and dict(step.data) == {
                "connector": binding.connector,
                "attributes": binding.destination,
            }
        case StepKind.UPDATE_DESTINATION:
            return (
                binding is not None
                and _is_at(step, record)
                and step.data["attributes"] == binding.destination
            )
        case StepKind.DELETE_DESTINATION | StepKind.REMOVE_MEMBERS:
            return _is_at(step, record)
        case StepKind.MOVE:
            wanted = {str(move.old) for move in evolved.moves if move.new == step.address}
            return step.data.get("from") in wanted
        case StepKind.IMPORT:
            wanted = {str(one.address) for one in evolved.imports}
            return (
                binding is not None
                and binding.connector == step.data.get("connector")
                and str(step.address) in wanted
            )
        case StepKind.RESTORE | StepKind.RESTORE_MEMBERS:
            return is_of_history(runtime.store.history(), step, record)
        case StepKind.FORGET:
            return record is not None and step.data.get("ledger") in {"drop", "keep"}


def _is_at(step: Step, record: Record | None) -> bool:
    if record is None:
        return False
    body: Mapping[str, Any] = record.body
    named = (step.data.get("connector"), step.data.get("id"))
    return named == (body.get("connector"), body.get("destination_id"))


def _deletions(runtime: Runtime, plan: Plan, recorded: StateView) -> Iterator[GuardResult]:
    """Yield what deletes without approval, worked out from the steps, whatever the plan says of its guards."""
    protected = runtime.project.environment.file.protected
    records = evolve(runtime.project, recorded).recorded.records
    begun = {step.address for step in plan.steps if step.kind is StepKind.CREATE_DESTINATION}
    ended = [step.address for step in plan.steps if step.kind in _DELETES and step.address not in begun]
    for address in dict.fromkeys(ended):
        result = protected_delete(str(address), plan.approvals)
        if (records[address].protected or protected) and not result.approved:
            yield result
    gone = [step.address for step in plan.steps if step.kind in {*_DELETES, StepKind.FORGET}]
    for address in dict.fromkeys(gone):
        # A destination that vanished at the platform is forgotten before it is created anew: that deletes nothing.
        if (
            any(step.address == address and step.kind in _DELETES for step in plan.steps)
            or address not in begun
        ):
            yield from prevented(records[address])
