"""A plan in the forms that pull requests, browsers and checkers read."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiform.cli.views import plan_markdown
from audiform.cli.views.plan_formats import FORMATS
from audiform.cli.views.shown import Shown
from audiform.plan.draft import Ended
from audiform.plan.effect import plan_hash
from audiform.plan.plan import Plan
from audiform.plan.summary import is_destructive
from cli.test_plan_text import changed_plan, two_bindings
from plan.sample import impact, plan_of
from plan.test_serialise import PLANS
from plan.world import BINDING, World, project

EVIL = "</code></script><script>alert(1)</script> | @everybody ``` <!-- -->\x00\n# Approved"


def long_plan(count: int = 300, name: str = "Buyers") -> Plan:
    """Return a plan that ends two bindings and creates many others, each with a name of the user's choice."""
    many = {
        f"b{number}": {**BINDING, "destination": {"name": f"{name} {number}", "kind": "list"}}
        for number in range(count)
    }
    return plan_of(
        World().apply(two_bindings()),
        project(bindings=many),
        sent={f"b{number}": impact(adds=number, removes=number % 7, members=50) for number in range(count)},
        ended={"buyers_on_ads": Ended(50, 40), "buyers_too": Ended(7, 7)},
    )


def shown(plan: Plan, form: str, **how: Any) -> str:
    """Return the plan in a form."""
    return FORMATS[form](plan, Shown(**how))


@pytest.mark.parametrize("form", ["markdown", "html", "junit", "sarif"])
def test_what_destroys_is_shown(form, snapshot):
    """A replacement and a deletion, what stops them, and who moves."""
    assert snapshot == shown(changed_plan(), form)


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_a_concise_plan(form, snapshot):
    """A line for each resource, and still all that is destroyed."""
    assert snapshot == shown(changed_plan(), form, concise=True)


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_to_do(form):
    """An empty plan is shown in every form."""
    assert shown(plan_of(World().apply(two_bindings()), two_bindings()), form)


def folded(markdown: str) -> str:
    """Return what a reader sees only after a click."""
    return "".join(re.findall(r"<details>.*?</details>", markdown, re.DOTALL))


def test_what_is_destructive_is_not_folded():
    """Whoever reads only what is open has read what ends, and what is removed or known otherwise."""
    plan = changed_plan()
    text = shown(plan, "markdown")
    lines = re.findall(r"^[-~±+>x] (\S+)", folded(text), re.MULTILINE)

    assert ["audience.buyers", "binding.buyers_on_ads", "binding.buyers_too"] == [
        str(change.address) for change in plan.changes if is_destructive(change)
    ]
    assert ["connector.ads"] == lines


def test_a_long_comment_says_what_it_leaves_out():
    """It fits into a comment, it counts what is missing, and what ends is all there."""
    text = shown(long_plan(), "markdown")
    there = len(re.findall(r"^\+ binding\.b", text, re.MULTILINE))
    missing = re.search(r"\*([\d,]+) more changes are not shown here", text)

    assert len(text) <= plan_markdown.LIMIT
    assert missing is not None
    assert 300 == there + int(missing[1])
    assert ["buyers_on_ads", "buyers_too"] == re.findall(r"^- binding\.(\w+)", text, re.MULTILINE)
    rows = len(re.findall(r"^\| [-+] `", text, re.MULTILINE))
    assert 302 == rows + sum(
        int(more) for more in re.findall(r"(\d+) more bindings are not in this table", text)
    )


@given(PLANS, st.integers(1, 60))
@settings(deadline=None, max_examples=15)
def test_a_comment_never_exceeds_its_limit(plan: Plan, times: int):
    """Whatever a plan holds, and however much of it."""
    longer = replace(plan, changes=plan.changes * times, notes=plan.notes * times * 20)

    assert len(shown(longer, "markdown")) <= plan_markdown.LIMIT


@pytest.mark.parametrize("count", [1_000])
def test_a_comment_about_many_ends_says_how_many_it_leaves_out(count):
    """Also what must not be folded can be too much: then it is counted."""
    every = {f"b{number}": BINDING for number in range(count)}
    plan = plan_of(World().apply(project(bindings=every)), project(bindings={}), measured=False)
    text = shown(plan, "markdown")
    there = len(re.findall(r"^- binding\.b", text, re.MULTILINE))
    missing = re.search(r"\*\*([\d,]+) more of these are not shown here", text)

    assert len(text) <= plan_markdown.LIMIT
    assert missing is not None
    assert count == there + int(missing[1].replace(",", ""))


class Page(HTMLParser):
    """Collects the elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element, and whatever it would load or run."""
        self.tags.append(tag)
        self.links += [name for name, _ in attrs if name in {"src", "href", "style"} or name.startswith("on")]


def test_a_page_needs_nothing_and_runs_nothing():
    """No script, no link, no image: whatever a name in the plan looks like, it is text."""
    page = Page()
    page.feed(shown(long_plan(50, EVIL), "html"))

    assert {"script", "link", "img", "iframe", "object"} & set(page.tags) == set()
    assert [] == page.links
    assert 2 * 40 == page.tags.count("rect"), "two bars for each of those that move most"


def test_names_in_a_comment_are_text():
    """A name can neither close its block nor mention anybody outside of it."""
    text = shown(long_plan(3, EVIL), "markdown")
    outside = re.sub(r"^(`{3,})diff\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)

    assert "@everybody" in text
    assert "@everybody" not in outside
    assert "script" not in outside


def test_names_in_checks_are_text():
    """XML and JSON stay what they are."""
    plan = long_plan(3, EVIL)
    suite = ET.fromstring(shown(plan, "junit")).find("testsuite")  # noqa: S314 - made here

    assert suite is not None
    assert suite.get("tests") == str(len(suite.findall("testcase")))
    assert suite.get("failures") == str(len(suite.findall("testcase/failure")))
    assert ["guard", "ends"] == sorted(
        {one["ruleId"] for one in json.loads(shown(plan, "sarif"))["runs"][0]["results"]}, reverse=True
    )


@given(PLANS)
@settings(deadline=None, max_examples=15)
def test_every_plan_has_every_form(plan: Plan):
    """No text in a plan breaks a form."""
    for form in FORMATS:
        text = shown(plan, form)
        if form in {"json", "sarif"}:
            json.loads(text)
        if form == "junit":
            ET.fromstring(text)  # noqa: S314 - made here
        if form != "text":
            assert plan_hash(plan) in text
