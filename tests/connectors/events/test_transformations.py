"""The named steps between an event and a record."""

from __future__ import annotations

import pytest

from audiform.connectors.events.moments import UnfitError
from audiform.connectors.events.transformations import StepError, compile_steps

HASH = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"
MADE = {
    "trim and lower": (["trim", "lower"], " A ", "a"),
    "hash as identifiers": (["trim", "lower", "sha256"], " John_Smith@gmail.com", HASH),
    "phone with a region": (["phone_e164:DE"], "030 1234567", "+49301234567"),
    "country": (["lower", "country_alpha2"], "Germany", "de"),
    "number of a text": (["number"], "12.50", 12.5),
    "whole number of a text": (["integer"], "12", 12),
    "truth of a text": (["boolean"], "Yes", True),
    "text of a number": (["text"], 12, "12"),
    "name of words": (["snake_case"], " Quiz-Finished (v2)", "quiz_finished_v2"),
    "name of camels": (["snake_case"], "quizFinished", "quiz_finished"),
    "object around a value": (["wrap:value"], 3, {"value": 3}),
    "round": (["round:1"], 12.56, 12.6),
    "round to whole": (["round"], 12.56, 13),
    "cents": (["minor_units:EUR"], 12.29, 1229),
    "yen have none": (["minor_units:JPY"], 1200, 1200),
    "dinars have three": (["minor_units:KWD"], "1.234", 1234),
    "cents back": (["major_units:eur"], 1229, 12.29),
    "digits": (["major_units:3"], 1500, 1.5),
    "micros": (["micros"], 0.29, 290_000),
    "seconds": (["epoch_seconds"], "2026-01-01T01:00:00.500+01:00", 1767225600),
    "milliseconds": (["epoch_milliseconds"], "2026-01-01T00:00:00.123Z", 1767225600123),
    "microseconds": (["epoch_microseconds"], "2026-01-01T00:00:00.123456789Z", 1767225600123456),
    "seconds of milliseconds": (["epoch_seconds"], 1767225600123, 1767225600),
    "time of seconds as text": (["rfc3339"], "1767225600", "2026-01-01T00:00:00.000Z"),
    "time without a zone": (["rfc3339"], "2026-01-01 10:00", "2026-01-01T10:00:00.000Z"),
    "date format": (["date_format:%d.%m.%Y"], "2026-02-01", "01.02.2026"),
    "default for nothing": ([{"default": 0}], None, 0),
    "no default for something": ([{"default": 0}], "", ""),
    "lookup": ([{"lookup": {"a": 1}}], "a", 1),
    "lookup without an entry": ([{"lookup": {"a": 1}}, {"default": 9}], "b", 9),
    "lookup of a number": ([{"lookup": {3: "c"}}], 3, "c"),
    "rename": ([{"rename": {"a": "b"}}], "x", "x"),
    "first": (["first"], [1, 2], 1),
    "first of nothing": (["first"], [], None),
    "length": (["length"], [1, 2], 2),
    "sum": (["sum"], [1, "2.5"], 3.5),
    "join": (["join:|"], ["a", 1], "a|1"),
    "json": (["json"], {"a": [1]}, '{"a":[1]}'),
    "nothing stays nothing": (["lower", "sha256"], None, None),
}


@pytest.mark.parametrize(
    ("steps", "value", "made"), MADE.values(), ids=[name.replace(" ", "_") for name in MADE]
)
def test_a_step_makes(steps, value, made):
    """Each step makes of a value what its name says; money and time lose nothing on the way."""
    function = compile_steps(steps)

    assert function is not None
    assert made == function(value)


@pytest.mark.parametrize(
    ("step", "value"),
    [
        ("number", "twelve"),
        ("number", True),
        ("number", "nan"),
        ("integer", 1.5),
        ("boolean", "perhaps"),
        ("text", ["a"]),
        ("epoch_seconds", "yesterday"),
        ("epoch_seconds", {}),
        ("epoch_seconds", 10**30),
        ("epoch_seconds", 10**15),
        ("epoch_seconds", "²"),
        ("epoch_seconds", "0001-01-01T00:00:00+14:00"),
        ("integer", "1e999999999"),
        ("country_alpha2", "atlantis"),
        ("join", "a"),
        ("minor_units:EUR", "free"),
    ],
)
def test_a_value_that_does_not_fit_is_said_without_it(step, value):
    """What a step cannot work with is an error of the event, and the value is not in its message."""
    function = compile_steps([step])
    assert function is not None
    with pytest.raises(UnfitError) as found:
        function(value)

    assert str(value) not in str(found.value)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("lowr", 'did you mean "lower"?'),
        ("default", "needs what to take"),
        ("minor_units", "needs an argument"),
        ("wrap", "needs an argument"),
        ("minor_units:EURO", "neither a currency"),
        ("epoch_seconds:3", "takes no argument"),
        ("date_format:day", "has no `%`"),
        ({"lookup": []}, "a table is a map"),
        ({"a": 1, "b": 2}, "a map of one name"),
        ("first_characters:x", "cannot work with its argument"),
        ("first_characters", "needs an argument"),
        ("round:x", "cannot work with its argument"),
    ],
)
def test_a_step_that_cannot_be_is_said(step, said):
    """A step that is none, or lacks its argument, is found when it is compiled."""
    with pytest.raises(StepError) as found:
        compile_steps([step])

    assert said in f"{found.value} {found.value.hint}"


def test_no_steps_are_no_function():
    """Nothing to do costs nothing."""
    assert compile_steps([]) is None
