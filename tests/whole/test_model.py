"""The model by itself, on the rules that it is there for: what it says must be plain enough to be believed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from whole.model import Binding, Model, Profile, Remote

ANN = Profile("ann@example.com", None, True, 1, "ab")
IN_APP = Binding("a", "app", "x", "remove_members")
ONE = ("external_id", "1")


def members(model: Model) -> list[dict[tuple[str, str], int | None]]:
    """Return whom each object holds."""
    return [remote.members for remote in model.remotes]


def test_who_leaves_is_removed_and_whom_another_binding_holds_stays():
    """Two bindings on one object are counted: the last one that lets go removes."""
    model, both = Model(), {"one": IN_APP, "two": replace(IN_APP, audience="b")}
    model.settle(both, {1: ANN, 2: ANN})
    model.settle(both, {1: replace(ANN, audiences="b")})
    assert [{ONE: 1}] == members(model)

    model.settle({"one": IN_APP}, {1: replace(ANN, audiences="b")})
    assert [{}] == members(model)


def test_a_stranger_stays():
    """Whom nobody of us added is never removed."""
    model = Model(remotes=[Remote("app", "x", {("external_id", "stranger"): None})])
    model.settle({"one": IN_APP}, {1: ANN})
    model.settle({}, {})

    assert [{("external_id", "stranger"): None}] == members(model)


def test_a_shared_identity_is_one_key():
    """Two profiles with one address are one member, who stays until both have left; another address is a new key."""
    model, mail = Model(), {"one": Binding("a", "mail", "x", "keep")}
    model.settle(mail, {1: ANN, 2: replace(ANN, email=" Ann@Example.COM ", score=2)})
    assert [{("email", "ann@example.com"): 1}] == members(model)

    model.settle(mail, {2: replace(ANN, score=2)})
    assert [{("email", "ann@example.com"): 2}] == members(model)

    model.settle(mail, {2: replace(ANN, email="bob@example.com")})
    assert [{("email", "bob@example.com"): 1}] == members(model)


def test_without_consent_nobody_is_meant():
    """False and unknown mean the same."""
    model = Model()
    model.settle({"one": IN_APP}, {1: replace(ANN, consent=None), 2: replace(ANN, consent=False)})

    assert [{}] == members(model)


@pytest.mark.parametrize(
    ("on_delete", "left"),
    [
        ("keep", [{("email", "ann@example.com"): 1}]),
        ("freeze", [{("email", "ann@example.com"): 1}]),
        ("remove_members", [{}]),
        ("delete_destination", []),
    ],
)
def test_what_stays_of_a_binding_that_ends(on_delete, left):
    """Each way to end leaves what it says."""
    model = Model()
    model.settle({"one": Binding("a", "mail", "x", on_delete)}, {1: ANN})
    model.settle({}, {})

    assert left == members(model)


def test_what_is_switched_off_stays_as_it_is():
    """Nothing is sent while a binding is off; afterwards the difference is."""
    model = Model()
    model.settle({"one": IN_APP}, {1: ANN})
    model.settle({"one": replace(IN_APP, enabled=False)}, {})
    assert [{ONE: 1}] == members(model)

    model.settle({"one": IN_APP}, {})
    assert [{}] == members(model)
