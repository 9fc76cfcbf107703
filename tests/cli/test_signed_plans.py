"""Signed plans as a user sees them: what is refused, each time with its own reason, and nothing done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audiform.connectors.signing import new_key
from cli.shell import Shell

KEY = "a shared key that is long enough for plans"


@pytest.fixture
def signing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Give the process a key for plans, and the project a binding."""
    monkeypatch.setenv("AUDIFORM_PLAN_KEY", KEY)
    shell.bind("buyers_on_mail", "mail")
    return monkeypatch


def saved(shell: Shell) -> str:
    """Return the file of a plan just made."""
    file = shell.root / "plan.json"
    assert 0 == shell("plan", "--out", str(file)).code
    return str(file)


def test_a_signed_plan_is_applied_once(shell, signing, snapshot):
    """Somebody who has the file, and may read the state, cannot do it again."""
    file = saved(shell)

    assert 0 == shell("apply", file).code
    assert 3 == len(shell.members("mail", "Buyers on mail"))
    assert snapshot == str(shell("apply", file))


def test_a_plan_that_was_not_started_is_not_spent(shell, signing):
    """What a guard or the tolerance stops may be applied when people are back where they were."""
    file = saved(shell)
    shell.people(*range(203))
    assert 3 == shell("apply", file).code
    shell.people(10, 20, 30)

    assert 0 == shell("apply", file).code


def test_a_plan_that_is_not_signed_is_refused(shell, signing, snapshot):
    """With a key in the environment nothing else is taken."""
    signing.delenv("AUDIFORM_PLAN_KEY")
    file = saved(shell)
    signing.setenv("AUDIFORM_PLAN_KEY", KEY)

    assert snapshot == str(shell("apply", file))
    assert "error[plan-unsigned]" in shell("show", file).err
    assert [] == shell.objects("mail")


def test_a_plan_of_another_key_is_refused(shell, signing, snapshot):
    """Neither somebody else's shared key nor a key of another kind is taken."""
    file = saved(shell)
    signing.setenv("AUDIFORM_PLAN_KEY", KEY[::-1])
    assert snapshot == str(shell("apply", file))
    signing.delenv("AUDIFORM_PLAN_KEY")
    signing.setenv("AUDIFORM_PLAN_PUBLIC_KEY", new_key()[1])

    assert "error[plan-of-another-key]" in shell("apply", file).err
    assert [] == shell.objects("mail")


def test_an_edited_plan_is_refused(shell, signing, snapshot):
    """A figure that was made smaller, for whoever reads the file, is found."""
    file = Path(saved(shell))
    file.write_text(file.read_text("utf-8").replace('"tolerance":0.1', '"tolerance":9.9'), "utf-8")

    assert snapshot == str(shell("apply", str(file)))
    assert [] == shell.objects("mail")


def test_who_plans_signs_and_who_applies_verifies(shell, signing):
    """With a pair of keys the machine that applies cannot make plans."""
    private, public = new_key()
    signing.delenv("AUDIFORM_PLAN_KEY")
    signing.setenv("AUDIFORM_PLAN_PRIVATE_KEY", private)
    file = saved(shell)
    signing.delenv("AUDIFORM_PLAN_PRIVATE_KEY")
    signing.setenv("AUDIFORM_PLAN_PUBLIC_KEY", public)

    assert "ed25519" == json.loads(Path(file).read_text("utf-8"))["signature"]["algorithm"]
    assert 0 == shell("apply", file).code
    assert "error[plan-used]" in shell("apply", file).err


def test_the_key_is_nowhere(shell, signing):
    """Not in the plan, not in what is said."""
    file = saved(shell)
    said = shell("apply", file)

    assert KEY not in Path(file).read_text("utf-8") + said.out + said.err


def test_a_wrong_key_stops_the_plan_before_anything_else(shell, signing):
    """A plan that is written without the signature that was wanted would be found out at the merge."""
    signing.setenv("AUDIFORM_PLAN_KEY", "short")

    assert "error[invalid-plan-key]" in shell("plan").err
