"""A plan as text: what changes, who moves, what stops it, and the sum last. Readable without colour."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from audiform.address import Address
from audiform.cli.output import Style, paint
from audiform.cli.views.findings import policies
from audiform.cli.views.people import people_table
from audiform.plan.guard import approval, people
from audiform.plan.plan import Action, Change, FieldChange, GuardResult, NewFields, Plan
from audiform.plan.rules import ROTATED
from audiform.plan.summary import ENDS, actions, people_of, starting, stopping

_STYLES = {
    Action.NO_OP: Style.DIM,
    Action.CREATE: Style.CREATE,
    Action.UPDATE: Style.UPDATE,
    Action.REPLACE: Style.DELETE,
    Action.DELETE: Style.DELETE,
    Action.FORGET: Style.DELETE,
    Action.MOVE: Style.UPDATE,
    Action.IMPORT: Style.CREATE,
    Action.SYNC: Style.HINT,
}
WORDS = {
    Action.CREATE: "create",
    Action.UPDATE: "change",
    Action.REPLACE: "replace",
    Action.DELETE: "destroy",
    Action.FORGET: "forget",
    Action.MOVE: "move",
    Action.IMPORT: "import",
    Action.SYNC: "send",
}
_ALWAYS = (Action.CREATE, Action.UPDATE, Action.DELETE)
_SEEN_AT_ONCE = 8
_DIGEST_LENGTH = 8
_DIGESTS = {"query": "query", "type_digest": "manifest"}


def render(plan: Plan, *, colour: bool, command: str = "plan", concise: bool = False) -> str:
    """Return the plan as text, without a newline at the end. `command` is the one that takes approvals of guards.

    Concise: a line for each resource and each binding's people, without their details.
    """
    sections = [
        *_outside(plan, colour=colour),
        *_resources(plan, colour=colour, concise=concise),
        *people_table(plan, colour=colour, concise=concise),
        *_endings(plan, colour=colour),
        *policies(plan, colour=colour),
        *_guards(plan, command, colour=colour),
        *_notes(plan),
        *_partial(plan, colour=colour),
        "\n".join(_summary(plan, colour=colour)),
    ]
    return "\n\n".join(sections)


def _outside(plan: Plan, *, colour: bool) -> Iterator[str]:
    drifted = [change for change in plan.changes if change.drift]
    if drifted:
        yield "\n".join([_title("Changed outside of Audiform", colour=colour), *_drifts(drifted)])


def _drifts(drifted: Iterable[Change]) -> Iterator[str]:
    for change in drifted:
        yield f"  {change.address}"
        yield from (f"      {field.path}  {both(field)}" for field in change.drift)


def _resources(plan: Plan, *, colour: bool, concise: bool) -> Iterator[str]:
    if not plan.changes:
        return
    where = f"project {plan.project}, environment {plan.environment}"
    head = _title(f"Audiform will do this ({where})", colour=colour)
    counts = actions(plan)
    symbols = "  ".join(f"{action.value} {WORDS[action]}" for action in WORDS if counts[action])
    yield f"{head}\n  {symbols}"
    if concise:
        yield "\n".join(
            line for change in plan.changes for line in block(change, colour=colour, concise=True)
        )
        return
    for change in plan.changes:
        yield "\n".join(block(change, colour=colour))


def block(change: Change, *, colour: bool, concise: bool = False) -> Iterator[str]:
    """Yield the lines of one change; concise: only its first."""
    symbol = paint(change.action.value, _STYLES[change.action], colour=colour)
    yield (
        f"  {symbol} {paint(str(change.address), Style.BOLD, colour=colour)}"
        + (f"  ({change.reason})" if change.reason else "")
        + (f"  owner: {change.owner}" if change.owner else "")
    )
    if concise:
        return
    if isinstance(change.fields, NewFields):
        yield from _new_lines(change.fields.pairs)
    else:
        yield from _field_lines(change.fields, change.action, colour=colour)
    for note in change.notes:
        yield f"      {note}"


def _new_lines(pairs: Sequence[tuple[str, Any]]) -> list[str]:
    """Return the lines of a new resource, of which a first plan has thousands."""
    heads = _heads(tuple([path for path, _ in pairs]))
    return [head + _value(path, value) for head, (path, value) in zip(heads, pairs, strict=True)]


@lru_cache(maxsize=1024)
def _heads(paths: tuple[str, ...]) -> list[str]:
    """Return how the lines of some fields begin: most resources of a kind have the same ones."""
    names = [field_name(path) for path in paths]
    width = max(map(len, names), default=0)
    return [f"      {name.ljust(width)}  " for name in names]


def _field_lines(fields: Sequence[FieldChange], action: Action, *, colour: bool) -> Iterator[str]:
    names = [field_name(field.path) for field in fields]
    width = max(map(len, names), default=0)
    for name, field in zip(names, fields, strict=True):
        if action is Action.CREATE and not field.reason:
            yield f"      {name.ljust(width)}  {_value(field.path, field.after)}"
            continue
        yield f"      {_symbol(field, colour=colour)} {name:<{width}}  {both(field)}  [{field.category.value}]"
        yield f"        {field.reason}"


def _symbol(field: FieldChange, *, colour: bool) -> str:
    if field.before is None and field.after != ROTATED:
        return paint("+", Style.CREATE, colour=colour)
    if field.after is None:
        return paint("-", Style.DELETE, colour=colour)
    return paint("~", Style.UPDATE, colour=colour)


@lru_cache(maxsize=1024)
def field_name(path: str) -> str:
    """Return what a field is called in front of people."""
    first, dot, rest = path.partition(".")
    return f"{_DIGESTS[first]}{dot}{rest}" if first in _DIGESTS else path


def both(field: FieldChange) -> str:
    """Return `before -> after`; of a secret only that it changed."""
    if field.after == ROTATED and field.path.startswith(("credentials.", "write_keys.")):
        return ROTATED
    return f"{_value(field.path, field.before)} -> {_value(field.path, field.after)}"


_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
_QUOTED = json.encoder.encode_basestring


def _value(path: str, value: Any) -> str:
    if value is None:
        return "(none)"
    return str(value)[:_DIGEST_LENGTH] if _is_digest(path) else _json(value)


@lru_cache(maxsize=1024)
def _is_digest(path: str) -> bool:
    return path.partition(".")[0] in _DIGESTS


def _json(value: Any) -> str:
    # Most values are texts or lists of a few; for each list and map the encoder would be made anew.
    if value.__class__ is str:
        return _QUOTED(value)
    return f"[{', '.join(map(_json, value))}]" if value.__class__ is list else _ENCODE(value)


def _endings(plan: Plan, *, colour: bool) -> Iterator[str]:
    """Say again what ends in a plan that is too long to be seen at once."""
    ending = [change for change in plan.changes if change.action in ENDS]
    if not ending or len(plan.changes) <= _SEEN_AT_ONCE:
        return
    yield "\n".join(
        [_title("What ends", colour=colour), *(_ending(change, colour=colour) for change in ending)]
    )


def _ending(change: Change, *, colour: bool) -> str:
    symbol = paint(change.action.value, _STYLES[change.action], colour=colour)
    leave = f"  {people(change.impact.removes)} people leave" if change.impact else ""
    return f"  {symbol} {change.address}  {WORDS[change.action]}{leave}"


def _guards(plan: Plan, command: str, *, colour: bool) -> Iterator[str]:
    stops = stopping(plan.changes)
    if stops:
        yield "\n".join(_stops(stops, command, colour=colour))
    approved = [result for change in plan.changes for result in change.guards if result.approved]
    if approved:
        lines = [f"  {result.name}: {result.detail}" for result in approved]
        yield "\n".join([_title("Guards that were approved", colour=colour), *lines])


def _stops(stops: list[GuardResult], command: str, *, colour: bool) -> Iterator[str]:
    yield paint("Stopped by guards", Style.ERROR, Style.BOLD, colour=colour)
    for result in stops:
        yield f"  {result.name}: {result.detail}"
    options = [option for option in map(approval, stops) if option]
    if options:
        yield "  If that is what you want, approve it:"
        yield ""
        yield f"      audiform {command} {' '.join(options)}"


def _notes(plan: Plan) -> Iterator[str]:
    if plan.notes:
        yield "\n".join(f"note: {note}" for note in plan.notes)


def _partial(plan: Plan, *, colour: bool) -> Iterator[str]:
    lines = partial_lines(plan)
    if lines:
        yield "\n".join([_title("Only a part", colour=colour), *(f"  {line}" for line in lines)])


_MOST_NAMED = 20


def partial_lines(plan: Plan) -> list[str]:
    """Return in sentences what of the whole is in a plan that was asked for in part; nothing of a whole one."""
    partial = plan.partial
    if partial is None:
        return []
    options = [
        *(f"--target {pattern}" for pattern in partial.targets),
        *(f"--exclude {pattern}" for pattern in partial.exclude),
    ]
    lines = [f"asked for: {' '.join(options)}"]
    if partial.added:
        lines.append(f"also in it, because that needs it: {_named(partial.added)}")
    changes = f"{len(partial.left_out):,} resource{'' if len(partial.left_out) == 1 else 's'} with changes"
    lines.append(
        f"left out: {changes}: {_named(partial.left_out)}"
        if partial.left_out
        else "left out: nothing that has changes"
    )
    return lines


def _named(addresses: Sequence[Address]) -> str:
    names = ", ".join(map(str, addresses[:_MOST_NAMED]))
    rest = len(addresses) - _MOST_NAMED
    return f"{names} and {rest:,} more" if rest > 0 else names


def _summary(plan: Plan, *, colour: bool) -> Iterator[str]:
    if not plan.changes:
        if plan.partial:
            yield f"No changes in this part of project {plan.project}, environment {plan.environment}."
            return
        yield f"No changes: project {plan.project}, environment {plan.environment} is as the YAML says."
        return
    yield paint(
        f"{'Part of a plan' if plan.partial else 'Plan'}: {actions_line(plan)}. {people_line(plan)}",
        Style.BOLD,
        colour=colour,
    )


def actions_line(plan: Plan) -> str:
    """Return how many resources are created, changed and destroyed, and what else happens to them."""
    counts = actions(plan)
    parts = [
        f"{counts[action]:,} to {word}"
        for action, word in WORDS.items()
        if counts[action] or action in _ALWAYS
    ]
    return ", ".join(parts)


def people_line(plan: Plan) -> str:
    """Return the sum of people as one sentence, and whether events start to be sent as another."""
    begun = len(starting(plan))
    if not begun:
        return _people_line(plan)
    connectors = "1 event connector starts" if begun == 1 else f"{begun:,} event connectors start"
    return f"{_people_line(plan)} Events: {connectors} sending at once."


def _people_line(plan: Plan) -> str:
    total = people_of(plan)
    if not total.destinations:
        return (
            "People: nobody is sent, removed or changed."
            if plan.measured
            else "People: not counted (--no-impact)."
        )
    over = f"over {total.destinations:,} destination{'' if total.destinations == 1 else 's'}"
    moved = " ".join(
        f"{sign}{people(figure) if figure.quality != 'unknown' else f'{figure.value:,} or more'}"
        for sign, figure in (("+", total.adds), ("-", total.removes), ("~", total.modifies))
    )
    unknown = f"; unknown for {total.unknown:,} of them" if total.unknown else ""
    rest = f"; not counted for {total.uncounted:,} more (--no-impact)" if total.uncounted else ""
    return f"People: {moved} {over}{unknown}{rest}."


def _title(text: str, *, colour: bool) -> str:
    return paint(text, Style.BOLD, colour=colour)
