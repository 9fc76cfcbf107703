"""A plan as Markdown for a comment of a pull request: the sum first, what ends never folded, the rest folded.

A comment holds so many characters and no more. What does not fit is left out from the end of the least important part,
and it is said how much that is. Text of the user's stands in code only, so that it can be neither markup nor a mention.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from audiform.cli.views.findings import off
from audiform.cli.views.people import HEADS, cells
from audiform.cli.views.plan_text import WORDS, actions_line, block, partial_lines, people_line
from audiform.cli.views.shown import Shown
from audiform.execution.policies import said
from audiform.plan.effect import plan_hash
from audiform.plan.guard import approval
from audiform.plan.plan import Change, Plan
from audiform.plan.summary import denials, is_destructive, stopping, warnings

LIMIT = 60_000
_GUARDS, _ENDINGS, _TABLE, _DRIFT, _NOTES = 8_000, 20_000, 12_000, 6_000, 3_000
"""What each part may take; what folds gets the rest."""
_TAIL = 600


def render(plan: Plan, *, concise: bool = False) -> str:
    """Return the plan as Markdown of at most `LIMIT` characters. Concise: without what would be folded."""
    ending = [change for change in plan.changes if is_destructive(change)]
    parts = [
        *_head(plan),
        *_fit(_denials(plan), _GUARDS, "denial of a policy", "denials of policies"),
        *_fit(_guards(plan), _GUARDS, "guard that stops this plan", "guards that stop this plan"),
        *_people(plan),
        *_endings(ending),
        *_drift(plan),
        *_fit(_warnings(plan), _NOTES, "warning of a policy", "warnings of policies"),
        *_fit((f"Note: {_code(note)}" for note in plan.notes), _NOTES, "note", "notes"),
    ]
    tail = f"Plan hash: `{plan_hash(plan)}`"
    if not concise:
        taken = sum(len(part) + 2 for part in parts) + len(tail) + _TAIL
        parts += _folded([change for change in plan.changes if not is_destructive(change)], LIMIT - taken)
    return "\n\n".join([*parts, tail])


def marker(plan: Plan) -> str:
    """Return the invisible line by which the comment of a project and environment is found and updated."""
    return f"<!-- audiform plan {plan.project} {plan.environment} -->"


def _head(plan: Plan) -> Iterator[str]:
    yield marker(plan)
    yield f"### Audiform plan: project `{plan.project}`, environment `{plan.environment}`"
    if plan.partial:
        yield "**Only a part of the plan.** " + "; ".join(map(_code, partial_lines(plan)))
    if not plan.changes:
        yield "No changes in this part." if plan.partial else "No changes: what is there is as the YAML says."
        return
    yield f"**{actions_line(plan)}.** {people_line(plan)}"


def _guards(plan: Plan) -> Iterator[str]:
    for result in stopping(plan.changes):
        option = approval(result)
        approve = f" Approve it with {_code(option)}." if option else ""
        yield f"**Stopped by a guard:** {_code(f'{result.name}: {result.detail}')}{approve}"


def _denials(plan: Plan) -> Iterator[str]:
    for finding in denials(plan.policies):
        yield f"**Denied by a policy:** {_code(said(finding))} {_code(finding.message)}"


def _warnings(plan: Plan) -> Iterator[str]:
    for finding in warnings(plan.policies):
        yield f"**Warned of by a policy:** {_code(said(finding))} {_code(finding.message)}"
    yield from map(_code, off(plan.policies))


def _people(plan: Plan) -> Iterator[str]:
    rows = [(change, change.impact) for change in plan.changes if change.impact is not None]
    if not rows:
        return
    # Whoever loses people comes first, so that nothing of that is left out.
    rows.sort(key=lambda row: (not is_destructive(row[0]), -row[1].removes.value))
    lines = [_row([cell or " " for cell in cells(change, impact)], change) for change, impact in rows]
    head = [_row(HEADS), _row(["---", *["---:"] * (len(HEADS) - 1)])]
    kept = _first(lines, _TABLE)
    yield "\n".join([*head, *lines[:kept]])
    if kept < len(lines):
        yield f"*{len(lines) - kept:,} more bindings are not in this table: it would be too long.*"


def _row(texts: Iterable[str], change: Change | None = None) -> str:
    first, *rest = texts
    name = f"{change.action.value.strip()} `{first}`" if change else first
    return f"| {' | '.join([name, *rest])} |"


def _endings(ending: Sequence[Change]) -> Iterator[str]:
    if not ending:
        return
    yield "#### What ends, or is removed or known otherwise"
    whole = [_fenced(block(change, colour=False)) for change in ending]
    if sum(map(len, whole)) <= _ENDINGS:
        yield "\n".join(whole)
        return
    lines = [next(block(change, colour=False, concise=True)) for change in ending]
    kept = _first(lines, _ENDINGS)
    yield _fenced(lines[:kept])
    if kept < len(lines):
        yield f"**{len(lines) - kept:,} more of these are not shown here: `audiform show FILE` shows all.**"


def _drift(plan: Plan) -> Iterator[str]:
    drifted = (f"Changed outside of Audiform: `{change.address}`" for change in plan.changes if change.drift)
    yield from _fit(drifted, _DRIFT, "change outside of Audiform", "changes outside of Audiform")


def _folded(changes: Sequence[Change], budget: int) -> Iterator[str]:
    """Yield a fold for each action; what does not fit is counted."""
    missing = 0
    for action, word in WORDS.items():
        blocks = [_fenced(block(change, colour=False)) for change in changes if change.action is action]
        frame = f"<details><summary>{len(blocks):,} to {word}</summary>\n\n{{}}\n\n</details>"
        kept = _first(blocks, budget - len(frame))
        missing += len(blocks) - kept
        if kept:
            text = frame.replace("{}", "\n".join(blocks[:kept]))
            budget -= len(text) + 2
            yield text
    if missing:
        verb = "change is" if missing == 1 else "changes are"
        yield f"*{missing:,} more {verb} not shown here: a comment has no room for them. `audiform show FILE` shows all.*"


def _fit(parts: Iterable[str], budget: int, one: str, many: str) -> Iterator[str]:
    every = list(parts)
    kept = _first(every, budget)
    yield from every[:kept]
    if kept < len(every):
        yield f"*{len(every) - kept:,} more {one if len(every) - kept == 1 else many} not shown here.*"


def _first(texts: Sequence[str], budget: int) -> int:
    """Return how many of the first texts fit, with what stands between them."""
    for kept, text in enumerate(texts):
        budget -= len(text) + 2
        if budget < 0:
            return kept
    return len(texts)


def _fenced(lines: Iterable[str]) -> str:
    text = "\n".join(line.removeprefix("  ") for line in lines)
    fence = _fence(text, 3)
    return f"{fence}diff\n{text}\n{fence}"


def _code(text: str) -> str:
    fence = _fence(text, 1)
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{' '.join(text.split())}{pad}{fence}"


def _fence(text: str, least: int) -> str:
    longest = max((len(run) for run in _TICKS(text)), default=0)
    return "`" * max(least, longest + 1)


_TICKS: Callable[[str], list[str]] = re.compile("`+").findall


def as_text(plan: Plan, shown: Shown) -> str:
    """Return the comment, as it was asked for."""
    return render(plan, concise=shown.concise)
