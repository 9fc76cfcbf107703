"""Every form in which a plan is shown, by name. All but the text are imported when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from audiform.cli.views import plan_text
from audiform.cli.views.shown import Shown
from audiform.lazily import load
from audiform.plan.effect import plan_hash
from audiform.plan.plan import Plan

Form = Callable[[Plan, Shown], str]

CONCISE = ("text", "markdown")
"""The forms that `--concise` shortens."""


def _text(plan: Plan, shown: Shown) -> str:
    return plan_text.render(plan, colour=shown.colour, command=shown.command, concise=shown.concise)


def _hash(plan: Plan, _: Shown) -> str:
    return plan_hash(plan)


def _at(place: str) -> Form:
    """Return the form that a function at `module:name` gives."""

    def form(plan: Plan, shown: Shown) -> str:
        text: str = load(place)(plan, shown)
        return text

    return form


FORMATS: Mapping[str, Form] = {
    "text": _text,
    "json": _at("audiform.cli.views.plan_json:as_text"),
    "markdown": _at("audiform.cli.views.plan_markdown:as_text"),
    "html": _at("audiform.cli.views.plan_html:as_text"),
    "junit": _at("audiform.cli.views.plan_checks:as_junit_text"),
    "sarif": _at("audiform.cli.views.plan_checks:as_sarif_text"),
    "hash": _hash,
}
