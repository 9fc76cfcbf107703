"""Every form in which a plan is shown, by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from audiform.cli.views import plan_checks, plan_html, plan_json, plan_markdown, plan_text
from audiform.plan.effect import plan_hash
from audiform.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class Shown:
    """What a form may depend on. `command` takes approvals of guards; `file` is what a checker points to.

    `folder` is the project's, from where the command runs: a checker finds the lines of its files there.
    """

    colour: bool = False
    concise: bool = False
    command: str = "plan"
    file: str = "audiform.yaml"
    folder: PurePosixPath = field(default_factory=PurePosixPath)


CONCISE = ("text", "markdown")
"""The forms that `--concise` shortens."""


def _text(plan: Plan, shown: Shown) -> str:
    return plan_text.render(plan, colour=shown.colour, command=shown.command, concise=shown.concise)


def _markdown(plan: Plan, shown: Shown) -> str:
    return plan_markdown.render(plan, concise=shown.concise)


def _sarif(plan: Plan, shown: Shown) -> str:
    return _json(plan_checks.as_sarif(plan, shown.file, shown.folder))


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


FORMATS: Mapping[str, Callable[[Plan, Shown], str]] = {
    "text": _text,
    "json": lambda plan, _: _json(plan_json.render(plan)),
    "markdown": _markdown,
    "html": lambda plan, _: plan_html.render(plan),
    "junit": lambda plan, _: plan_checks.as_junit(plan),
    "sarif": _sarif,
    "hash": lambda plan, _: plan_hash(plan),
}
