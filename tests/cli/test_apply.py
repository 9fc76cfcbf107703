"""`audiform apply`, `destroy` and `sync`: what is done, what is not, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.shell import Shell


@pytest.fixture
def bound(shell: Shell) -> Shell:
    """Return a shell with a binding on each platform."""
    shell.bind("buyers_on_ads")
    shell.bind("buyers_on_mail", "mail")
    return shell


@pytest.fixture
def applied(bound: Shell) -> Shell:
    """Return a shell whose two bindings were applied."""
    assert 0 == bound("apply", "--auto-approve").code
    return bound


def saved(shell: Shell, *options: str) -> str:
    """Save a plan and return its file."""
    file = str(shell.root / "plan.json")
    shell("plan", "--out", file, *options)
    return file


def test_a_first_apply(bound, snapshot):
    """What was created and who was sent, the sum last."""
    assert snapshot == str(bound("apply", "--auto-approve"))
    assert (["Buyers on ads"], ["Buyers on mail"]) == (bound.objects("ads"), bound.objects("mail"))
    assert 3 == len(bound.members("mail", "Buyers on mail"))


def test_an_apply_leaves_nothing_to_plan(applied, snapshot):
    """The plan after an apply is empty, and so is the apply after it."""
    assert snapshot == str(applied("plan", "--detailed-exitcode"))
    assert snapshot == str(applied("apply", "--auto-approve"))


def test_a_report_as_json(bound):
    """A program gets the report and nothing else on stdout."""
    report = bound("apply", "--auto-approve", "--json").data

    assert (True, False, []) == (report["ok"], report["stopped"], report["failed"])
    assert [("buyers_on_ads", 3), ("buyers_on_mail", 3)] == [
        (one["binding"], one["sent"]["add"]) for one in report["people"]
    ]


def test_without_a_terminal_nobody_can_agree(bound, snapshot):
    """An apply that nobody approved does nothing."""
    assert snapshot == str(bound("apply"))
    assert [] == bound.objects("ads")


def test_a_saved_plan_needs_no_approval(bound):
    """It was reviewed."""
    assert 0 == bound("apply", saved(bound)).code
    assert 3 == len(bound.members("mail", "Buyers on mail"))


def test_a_saved_plan_takes_no_other_options(bound):
    """What to plan was said when it was made."""
    said = bound("apply", saved(bound), "--target", "binding.*")

    assert 1 == said.code
    assert "takes no option that says what to plan" in said.err


def test_a_plan_is_applied_once(bound, snapshot):
    """The second time the state is another one."""
    file = saved(bound)
    bound("apply", file)

    assert snapshot == str(bound("apply", file))


def test_a_plan_of_another_commit_is_refused(bound, snapshot):
    """What was reviewed is not what the files say now."""
    file = saved(bound)
    bound.bind("another_on_ads")

    assert snapshot == str(bound("apply", file))
    assert [] == bound.objects("ads")


def test_people_who_moved_too_far_stop_a_saved_plan(bound, snapshot):
    """200 people more than reviewed are outside of the tolerance: nothing is done."""
    file = saved(bound, "--target", "binding.buyers_on_ads")
    bound.people(*range(203))

    assert snapshot == str(bound("apply", file))
    assert [] == bound.objects("ads")


def test_people_who_moved_a_little_do_not(bound):
    """100 people more or less are no reason to review again."""
    file = saved(bound)
    bound.people(*range(103))

    assert 0 == bound("apply", file).code
    assert 103 == len(bound.members("mail", "Buyers on mail"))


def test_an_edited_plan_is_refused(bound):
    """A plan whose steps were changed is carried out in no part."""
    file = Path(saved(bound))
    plan = json.loads(file.read_text("utf-8"))
    for step in plan["steps"]:
        if step["kind"] == "create_destination":
            step["data"]["attributes"] = {"name": "Edited"}
    file.write_text(json.dumps(plan), "utf-8")
    said = bound("apply", str(file))

    assert 1 == said.code
    assert "error[plan-edited]" in said.err
    assert [] == bound.objects("ads")


def test_a_guard_stops_an_apply(applied, snapshot):
    """Nothing is done, the exit code is 3, and the approval is shown."""
    applied.people()

    assert snapshot == str(applied("sync", "buyers_on_mail"))
    assert 3 == len(applied.members("mail", "Buyers on mail"))


def test_an_approved_guard_lets_go(applied):
    """Who approves it by name removes everybody."""
    applied.people()
    said = applied("sync", "buyers_on_mail", "--approve-guard", "buyers_on_mail.empty_source")

    assert 0 == said.code
    assert {} == applied.members("mail", "Buyers on mail")


def test_a_deleted_binding_is_stopped_by_its_recorded_guard(bound, snapshot):
    """The guard that protects a deletion is the recorded one."""
    bound.bind("buyers_on_ads", guards={"max_removed": 2})
    bound("apply", "--auto-approve")
    bound.unbind("buyers_on_ads")

    assert snapshot == str(bound("apply", "--auto-approve"))
    assert ["Buyers on ads"] == bound.objects("ads")


def test_a_failure_holds_up_only_what_needs_it(bound, snapshot):
    """One platform is down: the other binding is done, and what was not done is said with its cause."""
    bound.sandbox.faults.add("error", type="ads", operation="create", category="permission_denied", times=9)

    assert snapshot == str(bound("apply", "--auto-approve"))
    assert ([], ["Buyers on mail"]) == (bound.objects("ads"), bound.objects("mail"))

    bound.sandbox.faults.clear()
    assert 0 == bound("apply", "--auto-approve").code
    assert ["Buyers on ads"] == bound.objects("ads")


def test_what_was_not_sent_is_in_the_next_plan(bound, snapshot):
    """An apply whose people were not taken is not over."""
    bound.sandbox.faults.add("error", type="mail", operation="add", category="permission_denied", times=9)
    assert 1 == bound("apply", "--auto-approve", "--target", "binding.buyers_on_mail").code

    bound.sandbox.faults.clear()
    assert snapshot == str(bound("plan", "--target", "binding.buyers_on_mail"))
    assert 0 == bound("apply", "--auto-approve").code
    assert 3 == len(bound.members("mail", "Buyers on mail"))
    assert 0 == bound("plan", "--detailed-exitcode").code


def test_a_missing_secret_is_said_once_it_is_needed(bound, snapshot):
    """A credential that is not there fails the steps that need it, by name of the reference only."""
    (bound.root / "secret.txt").unlink()

    assert snapshot == str(bound("apply", "--auto-approve", "--target", "binding.buyers_on_ads"))


def test_a_sync_sends_the_difference(applied, snapshot):
    """Who entered, left and changed since the last time."""
    applied.people(10, 21, 30, 40, without_consent=[3])

    assert snapshot == str(applied("sync"))
    assert {"2": 21} | {"1": 10, "4": 40} == {
        key.removeprefix("person").partition("@")[0]: one["variables"]["score"]
        for key, one in applied.members("mail", "Buyers on mail").items()
    }


def test_a_sync_sends_only_what_was_applied(applied, snapshot):
    """A binding that was changed since the last apply is left alone; the others are sent."""
    applied.bind("buyers_on_mail", "mail", description="Changed since")
    applied.people(10, 20, 30, 40)
    said = applied("sync")

    assert snapshot == str(said)
    assert 3 == len(applied.members("mail", "Buyers on mail"))


def test_a_sync_of_an_unknown_binding_is_said(applied, snapshot):
    """A misspelt name sends nothing."""
    assert snapshot == str(applied("sync", "buyers_on_mial"))


def test_a_binding_that_is_switched_off_is_not_sent(applied):
    """Off means off, and it is said of one that was named."""
    applied.bind("buyers_on_mail", "mail", enabled=False)
    said = applied("sync", "buyers_on_mail")

    assert 0 == said.code
    assert "note: binding.buyers_on_mail is switched off: nobody was sent" in said.out


def test_everything_is_destroyed(applied, snapshot):
    """Each binding ends as its `on_delete` says, and nothing stays recorded."""
    assert snapshot == str(applied("destroy", "--auto-approve"))
    assert {} == applied.members("mail", "Buyers on mail")
    assert "Nothing is recorded yet" in applied("state", "list").err


def test_a_run_at_the_same_time_is_locked_out(applied):
    """Two runs never send at once."""
    store = applied.store()
    with store.lock("audiform sync"):
        codes = [applied("apply", "--auto-approve").code, applied("sync").code, applied("plan").code]
    store.close()

    assert [4, 4, 0] == codes


def test_statistics_of_an_apply(applied):
    """What was sent is counted."""
    assert {"add": 6} == applied("stats", "--json").data["totals"]["sent"]
