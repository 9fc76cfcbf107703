"""Signed plans: nobody changes one on its way, and each way of being none has its reason."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema
import pytest

from audiform.connectors.signing import new_key
from audiform.diagnostics import DiagnosticError
from audiform.plan.plan import Plan
from audiform.plan.seal import Keys, keys_of, opened, sealed
from audiform.plan.serialise import from_text, schema, to_text
from plan.sample import impact, plan_of
from plan.world import World, project

PRIVATE, PUBLIC = new_key()
ANOTHER, ANOTHER_PUBLIC = new_key()
SHARED = Keys(shared="a shared key that is long enough for plans")
PAIR = Keys(private=PRIVATE)
PAIRS = {
    "shared": (SHARED, SHARED),
    "pair": (PAIR, Keys(public=(ANOTHER_PUBLIC, PUBLIC))),
    "own": (PAIR, PAIR),
}


@cache
def sample() -> Plan:
    """Return a plan that creates everything, for people whose names are not ASCII."""
    return plan_of(World(), project(), sent={"buyers_on_ads": impact(adds=12_340)}, notes=("Käufer\n",))


def signed(keys: Keys) -> str:
    """Return the text of the file."""
    return sealed(to_text(sample()), keys) + "\n"


def refusal(text: str, keys: Keys) -> str | None:
    """Return the code of why a text is not taken, or None."""
    try:
        from_text(opened(text, "plan.json", keys), "plan.json")
    except DiagnosticError as error:
        return error.diagnostics[0].code
    return None


@pytest.mark.parametrize("name", PAIRS)
def test_a_signed_plan_comes_back_equal(name):
    """Who has the shared key, or the public one, reads what was signed; so does who has no key at all."""
    signing, verifying = PAIRS[name]
    for keys in (verifying, Keys()):
        assert sample() == from_text(opened(signed(signing), "plan.json", keys), "plan.json")


def test_a_signed_plan_obeys_the_published_schema():
    """The signature is part of the schema of a plan file."""
    for keys in (SHARED, PAIR):
        jsonschema.validate(json.loads(signed(keys)), schema())


@pytest.mark.parametrize("name", ["shared", "pair"])
@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80])
def test_every_byte_of_a_signed_plan_counts(name, flip):
    """Whichever byte is flipped, of the plan, of the signature or between them: the file is refused."""
    signing, verifying = PAIRS[name]
    data = bytearray(signed(signing).encode())
    taken: list[int] = []
    for place in range(len(data)):
        data[place] ^= flip
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = ""  # as the file is read
        if refusal(text, verifying) is None:
            taken.append(place)
        data[place] ^= flip

    assert [] == taken


@pytest.mark.parametrize("name", ["shared", "pair"])
def test_what_is_cut_added_or_written_otherwise_is_refused(name):
    """Also where the JSON means the same: a signed plan has one text."""
    signing, verifying = PAIRS[name]
    text = signed(signing)
    edits = [
        text[:-1],
        text + "\n",
        text.replace("\n", "\r\n"),
        " " + text,
        text.replace(",", ", ", 1),
        '{"version":1,' + text[1:],
        json.dumps(json.loads(text)),
        text.replace('"tolerance":0.1', '"tolerance":0.10'),
    ]
    assert ["plan-tampered"] * len(edits) == [refusal(edit, verifying) for edit in edits]


@pytest.mark.parametrize("name", ["shared", "pair"])
def test_each_way_of_not_being_signed_has_its_code(name):
    """A plan without a signature, of somebody else's key, of another algorithm, and one whose figures were edited."""
    signing, verifying = PAIRS[name]
    data = json.loads(signed(signing))

    assert "plan-unsigned" == refusal(to_text(sample()) + "\n", verifying)
    assert "plan-of-another-key" == refusal(
        signed(Keys(shared="another key, as long as is needed")), verifying
    )
    assert "plan-of-another-key" == refusal(signed(Keys(private=new_key()[0])), verifying)
    seal = data["signature"]
    seals: list[Any] = [{**seal, "algorithm": "none"}, {**seal, "more": 1}, [], "x", 1, {}]
    for other in seals:
        assert "plan-tampered" == refusal(json.dumps({**data, "signature": other}), verifying)
    edited = (
        json.dumps({**data, "serial": 99}, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    )
    assert "plan-tampered" == refusal(edited, verifying)


def test_a_public_key_signs_nothing():
    """Who can only verify writes plans without a signature."""
    assert to_text(sample()) == sealed(to_text(sample()), Keys(public=(PUBLIC,)))


def test_keys_come_from_the_environment():
    """Each variable holds its kind of key; several public ones stand side by side."""
    found = keys_of(
        {
            "AUDIFORM_PLAN_KEY": "k" * 32,
            "AUDIFORM_PLAN_PRIVATE_KEY": f"{PRIVATE}\n",
            "AUDIFORM_PLAN_PUBLIC_KEY": f"{PUBLIC} {ANOTHER_PUBLIC}",
        }
    )
    assert Keys("k" * 32, PRIVATE, (PUBLIC, ANOTHER_PUBLIC)) == found
    assert not keys_of({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUDIFORM_PLAN_KEY", "hunter2"),
        ("AUDIFORM_PLAN_PRIVATE_KEY", PUBLIC),
        ("AUDIFORM_PLAN_PUBLIC_KEY", "hunter2"),
        ("AUDIFORM_PLAN_PUBLIC_KEY", f"{PUBLIC} {PRIVATE}"),
    ],
    ids=["short", "public for private", "no key", "private among public"],
)
def test_what_is_no_key_is_refused_and_not_shown(name, value):
    """A mistake in a key must not end in plans that nobody verifies; the message names the variable only."""
    with pytest.raises(DiagnosticError) as caught:
        keys_of({name: value})

    (problem,) = caught.value.diagnostics
    assert "invalid-plan-key" == problem.code
    assert name in problem.detail
    assert value not in problem.detail


def test_keys_do_not_show_themselves():
    """A key is in no traceback and no log."""
    assert PRIVATE not in repr(Keys("k" * 32, PRIVATE))
    assert "kkk" not in repr(Keys("k" * 32, PRIVATE))
