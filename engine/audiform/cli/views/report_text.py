"""What was done, as text: steps, people, problems with what to do about them, what was not done, the sum last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from audiform.cli.output import Style, paint
from audiform.cli.views.people import read
from audiform.cli.views.table import table
from audiform.delivery.report import Delivered, Problem
from audiform.execution.report import Report, Skipped
from audiform.outcome import Signal
from audiform.plan.guard import approval, stops
from audiform.plan.plan import GuardResult, Step, StepKind

_DONE = {
    StepKind.RECORD: ("~", "recorded"),
    StepKind.CREATE_DESTINATION: ("+", "destination created"),
    StepKind.UPDATE_DESTINATION: ("~", "destination changed"),
    StepKind.DELETE_DESTINATION: ("-", "destination deleted"),
    StepKind.REMOVE_MEMBERS: ("-", "members removed"),
    StepKind.FORGET: ("x", "forgotten"),
    StepKind.MOVE: ("→", "moved"),
    StepKind.IMPORT: ("←", "imported"),
    StepKind.RESTORE: ("<", "put back"),
    StepKind.RESTORE_MEMBERS: ("<", "people put back"),
    StepKind.SYNC: (">", "people sent"),
}
_STYLES = {
    "+": Style.CREATE,
    "~": Style.UPDATE,
    "-": Style.DELETE,
    "x": Style.DELETE,
    "→": Style.UPDATE,
    "←": Style.CREATE,
    "<": Style.UPDATE,
    ">": Style.HINT,
}
_HEADS = ("binding", "added", "removed", "changed", "rejected", "pending", "not sent")
_TRYING = {
    StepKind.RECORD: "record it",
    StepKind.CREATE_DESTINATION: "create the destination",
    StepKind.UPDATE_DESTINATION: "change the destination",
    StepKind.DELETE_DESTINATION: "delete the destination",
    StepKind.REMOVE_MEMBERS: "remove the members",
    StepKind.FORGET: "forget it",
    StepKind.MOVE: "give it its new name",
    StepKind.IMPORT: "import it",
    StepKind.RESTORE: "put it back",
    StepKind.RESTORE_MEMBERS: "put its people back",
    StepKind.SYNC: "send people",
}


def render(report: Report, *, verb: str, total: int, colour: bool) -> str:
    """Return the report as text. `verb` heads the sum (`Applied`), `total` is the number of steps that were planned."""
    sections = [
        *_done(report, colour=colour),
        *_people(report, colour=colour),
        *_stopped(report, colour=colour),
        *_problems(report, colour=colour),
        *_skipped(report, colour=colour),
        *(["\n".join(f"note: {note}" for note in report.notes)] if report.notes else []),
        _summary(report, verb, total, colour=colour),
    ]
    return "\n\n".join(sections)


def _done(report: Report, *, colour: bool) -> Iterator[str]:
    """Yield the steps that changed something; who was sent has a table of its own."""
    steps = [step for step in report.done if step.kind is not StepKind.SYNC]
    if steps:
        yield "\n".join([_title("Done", colour=colour), *(_line(step, colour=colour) for step in steps)])


def _line(step: Step, *, colour: bool) -> str:
    symbol, what = _DONE[step.kind]
    return f"  {paint(symbol, _STYLES[symbol], colour=colour)} {step.address}  {what}"


def _people(report: Report, *, colour: bool) -> Iterator[str]:
    people = (*report.withdrawn, *report.delivered)
    if not people:
        return
    rows = [_HEADS, *(_cells(one) for one in people)]
    head, *lines = table(rows, indent="  ")
    yield "\n".join(
        [
            _title("People", colour=colour),
            head,
            *(part for line, one in zip(lines, people, strict=True) for part in (line, *_details(one))),
        ]
    )


def _cells(one: Delivered) -> tuple[str, ...]:
    add, remove, modify = (one.sent.get(signal, 0) for signal in (Signal.ADD, Signal.REMOVE, Signal.MODIFY))
    return (
        one.binding,
        _signed("+", add),
        _signed("-", remove),
        _signed("~", modify),
        f"{one.rejected:,}",
        f"{one.pending:,}",
        f"{one.not_sent:,}",
    )


def _details(one: Delivered) -> Iterator[str]:
    out = [f"{count:,} {reason.replace('_', ' ')}" for reason, count in one.left_out.items() if count]
    if out:
        yield f"      left out: {', '.join(out)}"
    if one.impact.extent is not None:
        yield f"      {read(one.impact.extent)}"
    if one.unsure:
        yield f"      no answer for {one.unsure:,}: they are sent again, which changes nothing where they arrived"
    if one.pending:
        yield f"      pending: the platform works on {one.pending:,}; how that ends is not known yet"


def _stopped(report: Report, *, colour: bool) -> Iterator[str]:
    stopping: list[GuardResult] = [
        result
        for one in (*report.withdrawn, *report.delivered)
        if one.status == "stopped"
        for result in one.guards
        if stops([result])
    ]
    if stopping:
        yield "\n".join(
            [
                paint("Stopped by guards: nothing was sent", Style.ERROR, Style.BOLD, colour=colour),
                *(f"  {result.name}: {result.detail}" for result in stopping),
                "  If that is what you want, approve it:",
                "",
                f"      audiform sync {' '.join(map(approval, stopping))}",
            ]
        )


def _problems(report: Report, *, colour: bool) -> Iterator[str]:
    lines: list[str] = []
    for failure in report.failed:
        lines += _trouble(f"{failure.step.address}: could not {_TRYING[failure.step.kind]}", failure.problems)
    for one in (*report.withdrawn, *report.delivered):
        if one.problems:
            failed = "could not send everybody" if one.status == "failed" else "not everybody was accepted"
            lines += _trouble(f"binding.{one.binding}: {failed}", one.problems)
    if lines:
        yield "\n".join([paint("Problems", Style.ERROR, Style.BOLD, colour=colour), *lines])


def _trouble(head: str, problems: Iterable[Problem]) -> Iterator[str]:
    yield f"  {head}"
    for problem in problems:
        category = f"{problem.category.value}: " if problem.category else ""
        yield from (f"      {line}".rstrip() for line in f"{category}{problem.message}".splitlines())
        if problem.remedy:
            yield f"      hint: {problem.remedy}"


def _skipped(report: Report, *, colour: bool) -> Iterator[str]:
    if not report.skipped:
        return
    causes: dict[str, list[Skipped]] = {}
    for skipped in report.skipped:
        causes.setdefault(skipped.cause.id, []).append(skipped)
    lines = [_title("Not done", colour=colour)]
    for those in causes.values():
        lines.append(f"  because of {those[0].cause.address}:")
        lines += [f"      {one.step.address}  {_TRYING[one.step.kind]}" for one in those]
    yield "\n".join(lines)


def _summary(report: Report, verb: str, total: int, *, colour: bool) -> str:
    if not total and not report.refused:
        return f"Nothing to do: {verb.lower()} nothing."
    people = (*report.withdrawn, *report.delivered)
    sums = [
        sum(one.sent.get(signal, 0) for one in people)
        for signal in (Signal.ADD, Signal.REMOVE, Signal.MODIFY)
    ]
    moved = " ".join(f"{sign}{number:,}" for sign, number in zip("+-~", sums, strict=True))
    parts = [
        f"{verb}: {len(report.done):,} of {total:,} {'binding' if verb == 'Synced' else 'step'}{'' if total == 1 else 's'}"
    ]
    failed = len(report.failed) + sum(one.status == "failed" for one in people)
    stopped = sum(one.status == "stopped" for one in people)
    refused = len(report.refused)
    for number, word in (
        (failed, "failed"),
        (stopped, "stopped by a guard"),
        (len(report.skipped), "not tried"),
        (refused, "not applied yet"),
    ):
        if number:
            parts.append(f"{number:,} {word}")
    return paint(f"{', '.join(parts)}. People: {moved}.", Style.BOLD, colour=colour)


def _signed(sign: str, number: int) -> str:
    return f"{sign if number else ''}{number:,}"


def _title(text: str, *, colour: bool) -> str:
    return paint(text, Style.BOLD, colour=colour)
