"""A plan as one HTML file: charts of who moves, what ends in the open, the rest folded. No script and nothing to load.

A policy in its head forbids the browser to run or fetch anything, whatever a name in the plan may look like.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from audiform.cli.views.findings import MOST, off, rest
from audiform.cli.views.people import HEADS, cells, details
from audiform.cli.views.plan_chart import chart
from audiform.cli.views.plan_style import STYLE
from audiform.cli.views.plan_text import WORDS, actions_line, both, field_name, partial_lines, people_line
from audiform.cli.views.shown import Shown
from audiform.execution.policies import NO_WAY, said
from audiform.plan.effect import plan_hash
from audiform.plan.guard import approval
from audiform.plan.plan import Action, Change, FieldChange, Finding, GuardResult, Impact, Plan
from audiform.plan.summary import denials, is_destructive, stopping, warnings

_MOMENT = "%Y-%m-%d %H:%M UTC"


def render(plan: Plan) -> str:
    """Return the whole document."""
    title = f"Audiform plan: {plan.project}, {plan.environment}"
    parts = [
        *_head(plan),
        *_partial(plan),
        *_denials(plan),
        *_guards(plan),
        *_people(plan),
        *_section(
            "What ends, or is removed or known otherwise",
            [change for change in plan.changes if is_destructive(change)],
        ),
        *_drift(plan),
        *_folded(plan),
        *_warnings(plan),
        *_notes(plan),
    ]
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{escape(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>",
            *parts,
            "</main>\n</body>\n</html>",
        ]
    )


def _head(plan: Plan) -> Iterator[str]:
    yield f"<h1>Audiform plan</h1>\n<p>Project <b>{escape(plan.project)}</b>, environment <b>{escape(plan.environment)}</b></p>"
    if plan.changes:
        yield f'<p class="sum"><b>{escape(actions_line(plan))}.</b> {escape(people_line(plan))}</p>'
    else:
        said = (
            "No changes in this part." if plan.partial else "No changes: what is there is as the YAML says."
        )
        yield f'<p class="sum">{said}</p>'
    yield (
        f'<p class="small">Made {plan.created:{_MOMENT}} by {escape(plan.tool)}, holds until {plan.expires:{_MOMENT}}. '
        f"Plan hash <code>{plan_hash(plan)}</code></p>"
    )


def _denials(plan: Plan) -> Iterator[str]:
    stops = denials(plan.policies)
    if stops:
        yield f'<section class="stop"><h2>Denied by policies</h2><ul>{_findings(stops)}</ul><p>{escape(NO_WAY)}</p></section>'


def _warnings(plan: Plan) -> Iterator[str]:
    warned, switched = warnings(plan.policies), [*off(plan.policies)]
    if warned:
        yield f"<section><h2>Warned of by policies</h2><ul>{_findings(warned)}</ul></section>"
    if switched:
        items = "".join(f"<li>{escape(line)}</li>" for line in switched)
        yield f"<section><h2>Policies that are switched off</h2><ul>{items}</ul></section>"


def _findings(findings: Sequence[Finding]) -> str:
    items = [
        f"<li>{escape(said(item))}<br><small>{escape(item.message)}</small></li>" for item in findings[:MOST]
    ]
    return "".join(items) + (f"<li>{escape(rest(findings))}</li>" if rest(findings) else "")


def _partial(plan: Plan) -> Iterator[str]:
    if plan.partial:
        items = "".join(f"<li>{escape(line)}</li>" for line in partial_lines(plan))
        yield f'<section class="stop"><h2>Only a part of the plan</h2><ul>{items}</ul></section>'


def _guards(plan: Plan) -> Iterator[str]:
    stops = stopping(plan.changes)
    if stops:
        items = [
            f"<li><b>{escape(result.name)}</b>: {escape(result.detail)}{_approve(result)}</li>"
            for result in stops
        ]
        yield f'<section class="stop"><h2>Stopped by guards</h2><ul>{"".join(items)}</ul></section>'
    approved = [result for change in plan.changes for result in change.guards if result.approved]
    if approved:
        items = [f"<li><b>{escape(result.name)}</b>: {escape(result.detail)}</li>" for result in approved]
        yield f"<section><h2>Guards that were approved</h2><ul>{''.join(items)}</ul></section>"


def _approve(result: GuardResult) -> str:
    option = approval(result)
    return f"<br>Approve it with <code>{escape(option)}</code>" if option else ""


def _people(plan: Plan) -> Iterator[str]:
    rows = [(change, change.impact) for change in plan.changes if change.impact is not None]
    if not rows:
        return
    yield "<section><h2>People</h2>"
    yield chart(rows)
    heads = "".join(f'<th scope="col">{head}</th>' for head in HEADS)
    yield f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>'
    yield from (_person_row(change, impact) for change, impact in rows)
    yield "</tbody></table></div></section>"


def _person_row(change: Change, impact: Impact) -> str:
    name, *figures = cells(change, impact)
    said = "".join(f"<br><small>{escape(detail)}</small>" for detail in details(impact))
    return f'<tr><th scope="row">{escape(name)}{said}</th>{"".join(f"<td>{escape(text)}</td>" for text in figures)}</tr>'


def _section(title: str, changes: Sequence[Change]) -> Iterator[str]:
    if changes:
        yield f'<section class="ends"><h2>{title}</h2>'
        yield from map(_change, changes)
        yield "</section>"


def _folded(plan: Plan) -> Iterator[str]:
    for action, word in WORDS.items():
        changes = [
            change for change in plan.changes if change.action is action and not is_destructive(change)
        ]
        if changes:
            yield f"<details><summary>{len(changes):,} to {word}</summary>"
            yield from map(_change, changes)
            yield "</details>"


def _change(change: Change) -> str:
    said = [change.reason] * bool(change.reason) + [f"owner: {change.owner}"] * (change.owner is not None)
    reason = "".join(f" <small>{escape(text)}</small>" for text in said)
    head = f'<h3><span class="{change.action.name.lower()}">{change.action.value}</span> {escape(str(change.address))}{reason}</h3>'
    notes = "".join(f"<p>{escape(note)}</p>" for note in change.notes)
    return f"<article>{head}{_fields(change.fields, change.action)}{notes}</article>"


def _fields(fields: Iterable[FieldChange], action: Action) -> str:
    rows = "".join(_field(field, begins=action is Action.CREATE) for field in fields)
    return f'<div class="wide"><table class="fields"><tbody>{rows}</tbody></table></div>' if rows else ""


def _field(field: FieldChange, *, begins: bool) -> str:
    text = both(field)
    if begins and not field.reason:
        text, means = text.partition(" -> ")[2] or text, ""
    else:
        means = f"<br><small>{escape(field.category.value)}: {escape(field.reason)}</small>"
    return f'<tr><th scope="row">{escape(field_name(field.path))}</th><td><code>{escape(text)}</code>{means}</td></tr>'


def _drift(plan: Plan) -> Iterator[str]:
    drifted = [change for change in plan.changes if change.drift]
    if drifted:
        yield "<section><h2>Changed outside of Audiform</h2>"
        for change in drifted:
            yield f"<article><h3>{escape(str(change.address))}</h3>{_fields(change.drift, Action.UPDATE)}</article>"
        yield "</section>"


def _notes(plan: Plan) -> Iterator[str]:
    if plan.notes:
        yield f"<section><h2>Notes</h2><ul>{''.join(f'<li>{escape(note)}</li>' for note in plan.notes)}</ul></section>"


def as_text(plan: Plan, _: Shown) -> str:
    """Return the page, which is the same however it was asked for."""
    return render(plan)
