"""`audiform plan` and `audiform show`: what would be done, and that looking changes nothing."""

from __future__ import annotations

import json
import stat

import pytest

from audiform.plan.effect import plan_hash
from audiform.plan.serialise import from_text
from cli.shell import Shell


@pytest.fixture
def bound(shell: Shell) -> Shell:
    """Return a shell with a binding on each platform."""
    shell.bind("buyers_on_ads")
    shell.bind("buyers_on_mail", "mail")
    return shell


def test_a_first_plan(bound, snapshot):
    """Everything is created, and everybody with consent is added."""
    bound.people(10, 20, 30, without_consent=[2])

    assert snapshot == str(bound("plan"))


def test_a_plan_writes_nothing(bound):
    """No state, no object, no member: a plan may be made by anybody who may read."""
    bound("plan")

    assert not (bound.root / ".audiform" / "default").exists()
    assert ([], []) == (bound.objects("ads"), bound.objects("mail"))


def test_people_are_not_counted_when_nobody_asks(bound, snapshot):
    """With --no-impact no source is read, and no figure is made up."""
    (bound.root / "people.csv").unlink()

    assert snapshot == str(bound("plan", "--no-impact", "--target", "binding.buyers_on_mail"))


def test_the_exit_code_says_whether_there_are_changes(bound):
    """With --detailed-exitcode changes end with 2."""
    assert 0 == bound("plan").code
    assert 2 == bound("plan", "--detailed-exitcode").code


def test_targets_take_what_they_need(bound):
    """A target is planned with its audience, its connector and their source, and nothing else."""
    plan = bound("plan", "--target", "binding.*_ads", "--json").data["plan"]

    assert ["source.shop", "connector.ads", "audience.buyers", "binding.buyers_on_ads"] == [
        change["address"] for change in plan["changes"]
    ]


def test_what_is_excluded_is_left_out(bound):
    """An excluded connector takes its bindings along."""
    plan = bound("plan", "--exclude", "connector.mail", "--json").data["plan"]

    assert "binding.buyers_on_mail" not in [change["address"] for change in plan["changes"]]


def test_a_missing_column_is_said_before_anything_is_sent(bound, snapshot):
    """A query that names a column that the source does not have stops the plan."""
    (bound.root / "people.csv").write_text("number,e_mail,consent,score\n1,a@example.com,true,1\n", "utf-8")

    assert snapshot == str(bound("plan", "--target", "binding.buyers_on_ads"))


def test_every_audience_that_cannot_be_read_is_said_once(bound):
    """Not only the first one, and not again for each of its bindings."""
    audience = {"source": "shop", "profile_key": "number", "identifiers": {"email": "email"}}
    queries = {
        "buyers": "SELECT number, mail AS email FROM people",
        "vips": "SELECT number, nothing AS email FROM people",
    }
    bound.write(audiences={name: {**audience, "query": query} for name, query in queries.items()})
    bound.bind("vips_on_ads", audience="vips")
    said = bound("plan")

    assert 1 == said.code
    assert ["  --> audience.buyers", "  --> audience.vips"] == sorted(
        line for line in said.err.splitlines() if "-->" in line
    )


def test_a_saved_plan_is_for_its_owner_only(bound, snapshot):
    """The file is written with mode 0600, and the command that applies it is said."""
    said = bound("plan", "--out", str(bound.root / "plan.json"))
    file = bound.root / "plan.json"

    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert snapshot == said.err
    assert [] == list(bound.root.glob(".plan.json*"))


def test_a_saved_plan_is_shown_as_it_was(bound):
    """What is reviewed later, by somebody without the project, is what was planned."""
    said = bound("plan", "--out", str(bound.root / "plan.json"))
    shown = bound("show", str(bound.root / "plan.json"))

    assert (0, said.out) == (shown.code, shown.out)


def test_a_saved_plan_as_json(bound):
    """A program gets the plan, its sums and its digest."""
    bound("plan", "--out", str(bound.root / "plan.json"))
    data = bound("show", str(bound.root / "plan.json"), "--format", "json").data

    assert json.loads((bound.root / "plan.json").read_text("utf-8")).keys() == data["plan"].keys()
    assert 6 == data["summary"]["people"]["adds"]["value"]


@pytest.mark.parametrize("text", ["", "nonsense", "{}", '{"version": 99}', '{"version": 1, "steps": []}'])
def test_what_is_no_plan_is_refused(shell, text):
    """A file that no plan wrote is said to be none."""
    (shell.root / "plan.json").write_text(text, "utf-8")
    said = shell("show", str(shell.root / "plan.json"))

    assert 1 == said.code
    assert said.err.startswith("error[invalid-plan]: Not a plan file")


def test_a_plan_that_cannot_be_written_is_said(bound):
    """A folder that is not there is no crash."""
    said = bound("plan", "--out", str(bound.root / "nowhere" / "plan.json"))

    assert 1 == said.code
    assert "error: the plan cannot be written to" in said.err


def test_an_approval_of_nothing_is_noted(bound):
    """A misspelt name would be looked for in vain."""
    said = bound("plan", "--approve-guard", "buyers_on_ads.max_remove")

    assert (
        "note: `buyers_on_ads.max_remove` was approved, but no guard of that name stops this plan" in said.err
    )


@pytest.mark.parametrize(
    ("form", "begin"),
    [
        ("markdown", "<!-- audiform plan shop default -->"),
        ("html", "<!doctype html>"),
        ("junit", "<?xml"),
        ("sarif", "{"),
    ],
)
def test_plan_and_show_have_the_same_forms(bound, form, begin):
    """What a pipeline shows at once is what it shows of the file later."""
    file = str(bound.root / "plan.json")
    said = bound("plan", "--out", file, "--format", form)
    later = bound("show", file, "--format", form)

    assert said.out.startswith(begin)
    assert said.out.replace("audiform.yaml", "<project>/plan.json") == later.out


def test_forms_that_contradict_are_refused(bound):
    """One form at a time; a form for programs is never shortened."""
    assert (
        "--json and --format html are two forms; choose one"
        in bound("plan", "--json", "--format", "html").err
    )
    assert "--concise is for text and markdown" in bound("plan", "--json", "--concise").err


def approval(shell: Shell, *arguments: str) -> str:
    """Return the hash of what a plan does, as whoever reviews it takes it from the file."""
    file = shell.root / "reviewed.json"
    assert 0 == shell("plan", "--out", str(file), *arguments).code
    return plan_hash(from_text(file.read_text("utf-8"), "reviewed.json"))


def test_an_approval_holds_for_an_identical_plan(bound):
    """Another plan, at another time, does the same: nobody is asked again."""
    approved = approval(bound)

    assert 0 == bound("plan", "--approved", approved).code
    assert 0 == bound("apply", "--approved", approved).code
    assert 3 == len(bound.members("mail", "Buyers on mail"))


def test_an_approval_does_not_hold_for_another_effect(bound, snapshot):
    """One person more is another effect, and nothing is done."""
    approved = approval(bound)
    bound.people(10, 20, 30, 40)

    assert snapshot == bound("apply", "--approved", approved).err
    assert 3 == bound("plan", "--approved", approved).code
    assert [] == bound.objects("ads")


def test_an_approval_of_a_file(bound):
    """A file is applied only if it does what was approved."""
    file = str(bound.root / "plan.json")
    bound("plan", "--out", file)

    assert 3 == bound("apply", file, "--approved", "0" * 64).code
    assert [] == bound.objects("ads")
    assert 0 == bound("apply", file, "--approved", approval(bound)).code
