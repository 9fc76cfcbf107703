"""The checker is not blind: each thing that may go wrong is done on purpose, and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from audiform.address import Address, Kind
from audiform.cli.opening import state_of
from audiform.execution.journal import Journal
from audiform.plan.plan import StepKind
from audiform.sandbox.world import Keys
from audiform.state.ledger import destination_key
from faults.checker import at_once, in_the_end
from faults.figures import Figures, together
from faults.scene import STRANGER, Scene, scene
from faults.series import recover
from processes import quick_folder
from whole.model import Binding
from whole.shop import loaded, write_bindings

Wrong = Callable[[Scene], object]


@pytest.fixture(scope="module")
def settled() -> Iterator[Scene]:
    """Yield a scene with one binding, to which nothing has happened."""
    with quick_folder() as folder, scene(folder / "project", "checked") as now:
        now.defined["one"] = Binding("a", "ads", "x", "remove_members")
        write_bindings(now.root, now.defined)
        recover(now, figures := Figures(), "at first")
        assert [] == figures.findings
        yield now


def members(now: Scene) -> set[str]:
    """Return who is in the binding's object, by e-mail address."""
    found = now.sandbox.destinations("ads")[0].members
    assert isinstance(found, Keys)
    return found.values["email"]


def checked(now: Scene) -> dict[str, int]:
    """Return what both looks find."""
    found = Figures()
    now.disturbed()
    at_once(now, found, "now")
    in_the_end(now, found, "now")
    now.settled()
    return dict(found.wrong)


def forget_a_member(now: Scene) -> Callable[[], object]:
    """Take somebody out who is meant to stay."""
    gone = members(now).pop()
    return lambda: members(now).add(gone)


def leave_a_member(now: Scene) -> Callable[[], object]:
    """Leave somebody in of whom the ledger knows nothing."""
    members(now).add("nobody")
    return lambda: members(now).discard("nobody")


def take_a_stranger(now: Scene) -> Callable[[], object]:
    """Take somebody out whom nobody of us added."""
    found = now.sandbox.world.account("crm").destinations["x"].members
    assert isinstance(found, Keys)
    found.values["email"].discard(STRANGER)
    return lambda: found.values["email"].add(STRANGER)


def make_a_second_object(now: Scene) -> Callable[[], object]:
    """Make an object twice."""
    there = now.sandbox.world.account("ads").destinations
    there["7"] = type(one := next(iter(there.values())))("7", dict(one.attributes), Keys(("email",)))
    return lambda: there.pop("7")


def make_an_object_of_nobody(now: Scene) -> Callable[[], object]:
    """Leave an object that no definition has."""
    there = now.sandbox.world.account("mail").destinations
    kind = type(next(iter(now.sandbox.world.account("ads").destinations.values())))
    there["8"] = kind("8", {"name": "z"}, Keys(("email",)))
    return lambda: there.pop("8")


def lose_the_object(now: Scene) -> Callable[[], object]:
    """Delete an object at the platform."""
    there = now.sandbox.world.account("ads").destinations
    identity = next(iter(there))
    gone = there.pop(identity)
    return lambda: there.update({identity: gone})


def forget_the_ledger(now: Scene) -> Callable[[], object]:
    """Drop the members from the ledger."""
    project, _ = loaded(now.root)
    store, ledger = state_of(project)
    session = ledger.open(write=True)
    session.drop(destination_key("ads", now.sandbox.destinations("ads")[0].id), "one")
    session.close()
    store.close()
    return lambda: None


def leave_an_intent(now: Scene) -> Callable[[], object]:
    """Leave an intent open."""
    project, _ = loaded(now.root)
    store, _ = state_of(project)
    Journal(store).intend(Address(Kind.BINDING, "one"), StepKind.UPDATE_DESTINATION)
    store.close()
    return lambda: recover(now, Figures(), "mended")


@pytest.mark.parametrize(
    ("done", "figures"),
    [
        (forget_a_member, {"members_lost", "members_wrongly_removed"}),
        (leave_a_member, {"members_lost", "members_left_behind"}),
        (take_a_stranger, {"objects_missing", "members_wrongly_removed"}),
        (make_a_second_object, {"objects_doubled"}),
        (make_an_object_of_nobody, {"objects_orphaned"}),
        (lose_the_object, {"objects_missing", "members_wrongly_removed"}),
        (leave_an_intent, {"not_recovered"}),
        (forget_the_ledger, {"members_lost"}),
    ],
)
def test_what_is_wrong_is_counted(done, figures, settled):
    """Each figure is one that can become more than 0, and nothing is counted as something else."""
    mend = done(settled)
    found = checked(settled)
    mend()

    assert figures <= found.keys()
    assert not {"members_doubled"} & found.keys()


def test_nothing_wrong_is_nothing_counted(settled):
    """What is as it should be counts as nothing."""
    recover(settled, Figures(), "mended")

    assert {} == checked(settled)


def test_figures_add_up():
    """The figures of several series are one sum, with what was found in each."""
    one, two = Figures(recoveries=2), Figures(recoveries=1)
    one.faults["killed"] += 3
    two.faults["killed"] += 1
    two.found("members_lost", "in the second", 2)
    whole = together([one, two])

    assert (4, 2, 3) == (whole.faults.total(), whole.as_json()["members_lost"], whole.recoveries)
    assert "members_lost 2: in the second" in whole.as_text()
