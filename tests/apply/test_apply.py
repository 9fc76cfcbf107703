"""An apply over real HTTP, for each of the shipped types: it does what the plan says, and leaves nothing to plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from apply.killing import applied, planned
from audiform.execution.report import Report
from audiform.outcome import Category, Signal
from audiform.plan.plan import Action, StepKind
from audiform.sandbox.serve import Sandbox, serve
from whole.model import EXTERNAL, Binding, Profile
from whole.shop import CONNECTORS, services, write_bindings, write_people, write_project

PEOPLE = {number: Profile(f"person{number}@example.com", None, True, number, "a") for number in range(1, 8)}
FILLED = pytest.mark.parametrize("connector", CONNECTORS)
CREATED = pytest.mark.parametrize("connector", sorted(CONNECTORS.keys() - EXTERNAL))


@dataclass
class Shop:
    """A project with one binding of seven people, and its platforms."""

    root: Path
    sandbox: Sandbox
    binding: Binding

    def bind(self, *, on_delete: str | None = None, title: str | None = None) -> None:
        """Write the binding, with what is given."""
        before = self.binding
        self.binding = replace(before, on_delete=on_delete or before.on_delete, title=title or before.title)
        write_bindings(self.root, {"one": self.binding})

    def unbind(self) -> None:
        """Delete the binding from the YAML."""
        write_bindings(self.root, {})

    def apply(self) -> Report:
        """Plan and apply."""
        return applied(self.root)

    def people(self) -> int:
        """Return how many people the platform holds, over all objects."""
        found = self.sandbox.destinations(self.binding.connector)
        return sum(max(one.members.counts().values(), default=0) for one in found)

    def objects(self) -> int:
        """Return how many objects the platform holds."""
        return len(self.sandbox.destinations(self.binding.connector))

    def titles(self) -> list[str]:
        """Return what the platform's objects are called."""
        return [one.attributes["name"] for one in self.sandbox.destinations(self.binding.connector)]


@contextmanager
def opened(root: Path, connector: str) -> Iterator[Shop]:
    """Yield a shop that was never applied."""
    write_project(root, hurried=True)
    write_people(root, {}, parquet=True)
    write_bindings(root, {})
    with serve(services(root)) as sandbox:
        write_project(root, sandbox.url, hurried=True)
        write_people(root, PEOPLE, parquet=True)
        shop = Shop(root, sandbox, Binding("a", connector, "x", "remove_members"))
        shop.bind()
        yield shop


@FILLED
def test_an_apply_fills_the_destination_and_leaves_nothing_to_plan(connector, tmp_path):
    """Everybody is there, the report says so, and the next plan is empty."""
    with opened(tmp_path, connector) as shop:
        report = shop.apply()

        assert report.ok, report
        assert [{Signal.ADD: 7}] == [dict(one.sent) for one in report.delivered]
        assert (7, 1) == (shop.people(), shop.objects())
        assert () == planned(tmp_path).changes


@FILLED
def test_a_deleted_binding_takes_its_members_along(connector, tmp_path):
    """Without the binding the people that it added are gone, and nothing of it is recorded."""
    with opened(tmp_path, connector) as shop:
        shop.apply()
        shop.unbind()
        report = shop.apply()

        assert report.ok, report
        assert [{Signal.REMOVE: 7}] == [dict(one.sent) for one in report.withdrawn]
        assert 0 == shop.people()
        assert () == planned(tmp_path).changes


@CREATED
def test_a_deleted_destination_is_deleted_once(connector, tmp_path):
    """`on_delete: delete_destination` deletes the object; one that is gone already is as good as deleted."""
    with opened(tmp_path, connector) as shop:
        shop.bind(on_delete="delete_destination")
        shop.apply()
        shop.unbind()
        report = shop.apply()

        assert report.ok, report
        assert 0 == shop.objects()
        assert () == planned(tmp_path).changes


@CREATED
def test_a_renamed_destination_is_changed_in_place(connector, tmp_path):
    """The object stays, its people stay, and nobody is sent again."""
    with opened(tmp_path, connector) as shop:
        shop.apply()
        shop.bind(title="renamed")
        report = shop.apply()

        assert [StepKind.UPDATE_DESTINATION] == [step.kind for step in report.done]
        assert ["renamed"] == shop.titles()
        assert (7, 1) == (shop.people(), shop.objects())
        assert () == planned(tmp_path).changes


@CREATED
def test_a_destination_that_was_deleted_at_the_platform_is_created_anew(connector, tmp_path):
    """The plan says so, and everybody is sent to the new one."""
    with opened(tmp_path, connector) as shop:
        shop.apply()
        shop.sandbox.world.account(connector).destinations.clear()
        assert [Action.CREATE] == [change.action for change in planned(tmp_path).changes]

        assert shop.apply().ok
        assert (7, 1) == (shop.people(), shop.objects())
        assert () == planned(tmp_path).changes


@CREATED
@pytest.mark.parametrize("fault", ["reset_after_body", "reset_before_body"])
def test_a_create_whose_answer_is_lost_makes_one_object(connector, fault, tmp_path):
    """Whether the request arrived or not: one object, filled, and nothing left to plan."""
    with opened(tmp_path, connector) as shop:
        shop.sandbox.faults.add(fault, operation="create")
        report = shop.apply()

        assert report.ok, report
        assert (7, 1) == (shop.people(), shop.objects())
        assert () == planned(tmp_path).changes


@CREATED
def test_a_refused_create_holds_up_its_people_only(connector, tmp_path):
    """A platform that says no fails the step with its category; the rest is recorded, and the next apply goes on."""
    with opened(tmp_path, connector) as shop:
        shop.sandbox.faults.add("error", operation="create", category="permission_denied")
        report = shop.apply()
        (failure,), (skipped,) = report.failed, report.skipped

        assert [Category.PERMISSION_DENIED] == [problem.category for problem in failure.problems]
        assert (StepKind.SYNC, failure.step) == (skipped.step.kind, skipped.cause)
        assert 0 == shop.objects()
        assert shop.apply().ok
        assert (7, 1) == (shop.people(), shop.objects())


@FILLED
def test_people_who_were_not_taken_are_in_the_next_plan(connector, tmp_path):
    """When a platform refuses the people, the binding is sent again by the next apply, not forgotten."""
    with opened(tmp_path, connector) as shop:
        shop.sandbox.faults.add("error", operation="add", category="permission_denied", times=99)
        report = shop.apply()
        assert ["failed"] == [one.status for one in report.delivered]

        shop.sandbox.faults.clear()
        assert [Action.SYNC] == [change.action for change in planned(tmp_path).changes]
        assert shop.apply().ok
        assert 7 == shop.people()
        assert () == planned(tmp_path).changes
