"""`--target` and `--exclude`: part of a plan, of a sync, of a check; what else is in it, and what is left out."""

from __future__ import annotations

from typing import Any

import pytest

from cli.shell import Shell


@pytest.fixture
def bound(shell: Shell) -> Shell:
    """Return a shell with three bindings, two of them of the CRM's team; nothing is applied."""
    shell.bind("buyers_on_ads", labels={"team": "crm"})
    shell.bind("buyers_on_mail", "mail", labels={"team": "crm"})
    shell.bind("others_on_mail", "mail", labels={"team": "shop"})
    return shell


def addresses(plan: Any) -> list[str]:
    """Return what a plan changes."""
    return [one["address"] for one in plan["plan"]["changes"]]


def test_a_part_says_what_it_is(bound, snapshot):
    """What was asked for, what it needs besides, and what is left out, in every view."""
    file = str(bound.root / "plan.json")
    assert snapshot == str(bound("plan", "--target", "binding.buyers_on_m*", "--out", file))
    shown = [bound("show", file, "--format", form).out for form in ("markdown", "html", "junit", "sarif")]

    assert [True] * 4 == ["others_on_mail" in text for text in shown]
    partial = bound("show", file, "--json").data["plan"]["partial"]
    assert ["binding.buyers_on_ads", "binding.others_on_mail", "connector.ads"] == sorted(partial["left_out"])
    assert ["source.shop", "connector.mail", "audience.buyers"] == partial["added"]


def test_parts_are_named_by_labels(bound):
    """A label, its value as a pattern, or any value of it; excluded or wanted; of what was deleted as well."""
    parts = {
        ("--target", "label:team=crm"): ["buyers_on_ads", "buyers_on_mail"],
        ("--target", "label:team=s*"): ["others_on_mail"],
        ("--target", "label:team", "--exclude", "connector.mail"): ["buyers_on_ads"],
    }
    found = {
        options: [
            name.partition(".")[2]
            for name in addresses(bound("plan", "--json", *options).data)
            if "binding" in name
        ]
        for options in parts
    }

    assert parts == found
    assert 0 == bound("apply", "--auto-approve", "--target", "label:team=shop").code
    assert ([], ["Others on mail"]) == (bound.objects("ads"), bound.objects("mail"))
    bound.unbind("others_on_mail")
    assert ["binding.others_on_mail"] == addresses(
        bound("plan", "--json", "--target", "label:team=shop").data
    )


def test_a_part_without_changes_is_no_clean_project(bound, snapshot):
    """That nothing changes in a part does not say that nothing does."""
    assert 0 == bound("apply", "--auto-approve", "--target", "binding.buyers_on_ads").code

    assert snapshot == str(bound("plan", "--target", "binding.buyers_on_ads"))


def test_a_pattern_that_matches_nothing_is_refused(bound, snapshot):
    """Near names are said, for addresses, names without a kind, and labels; plan, sync and validate do the same."""
    wrong = ["binding.buyer_on_ads", "others_on_mail", "label:team=crn", "connector.sms*"]
    options = [part for pattern in wrong for part in ("--exclude", pattern)]
    said = bound("plan", *options)

    assert snapshot == str(said)
    assert [1, 1] == [bound(command, "--target", "binding.nothing").code for command in ("sync", "validate")]


def test_a_part_is_synced(bound, snapshot):
    """Patterns choose bindings by themselves or by what they depend on."""
    assert 0 == bound("apply", "--auto-approve").code
    bound.people(10, 20)

    assert snapshot == str(bound("sync", "--target", "connector.mail", "--exclude", "label:team=shop"))
    assert [3, 2, 3] == [
        len(bound.members("ads", "Buyers on ads")["email"]),
        len(bound.members("mail", "Buyers on mail")),
        len(bound.members("mail", "Others on mail")),
    ]


def test_a_part_is_checked(bound, snapshot):
    """Problems of other resources are left out, and that is said."""
    bound.bind("buyers_on_ads", signals=["modify"])

    assert 1 == bound("validate").code
    assert snapshot == str(bound("validate", "--target", "binding.others_on_mail"))
    assert 1 == bound("validate", "--target", "binding.buyers_on_ads").code
