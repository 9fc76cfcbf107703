"""The named steps between a value of an event and a field of a record, in one dict.

Every normaliser of identifiers is a step too (`trim`, `lower`, `phone_e164:DE`, `country_alpha2`), so that
`[trim, lower, sha256]` makes what an audience makes. A step never sees a value that is not there, except `default`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import partial
from typing import Any, Literal

from audiform.connectors.events.fields import Step
from audiform.connectors.events.moments import UnfitError, moment, rfc3339
from audiform.connectors.normalizers import NORMALIZERS, Arguments
from audiform.diagnostics import did_you_mean
from audiform.shapes import is_list, is_map

Function = Callable[[Any], Any]
_EXPONENTS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX"), 0),
    **dict.fromkeys(("UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""ISO 4217: currencies whose smallest unit is not a hundredth."""
_CODE_LENGTH = 3
_MOST_DIGITS = 30


class StepError(ValueError):
    """A step that cannot be; `hint` is a near name."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.hint = hint
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Transformation:
    """A step. `make` returns its function for an argument, or raises a ValueError.

    The function raises an UnfitError for a value with which it cannot work.
    """

    make: Callable[[Any], Function]
    does: str
    argument: Literal["none", "optional", "required"] = "none"


def compile_steps(steps: Sequence[Step]) -> Function | None:
    """Return the steps as one function of a value, None where there are none.

    Raises:
        StepError: one of them cannot be.
    """
    functions = [_compiled(step) for step in steps]
    if not functions:
        return None
    return functions[0] if len(functions) == 1 else partial(_in_turn, functions)


def _in_turn(functions: Sequence[Function], value: Any) -> Any:
    for function in functions:
        value = function(value)
    return value


def _compiled(step: Step) -> Function:
    name, argument = _named(step)
    if name == "default":
        if argument is None:
            raise StepError("`default` needs what to take: `{default: 0}`")
        return lambda value: argument if value is None else value
    known = TRANSFORMATIONS.get(name)
    if known is None:
        listed = ", ".join(f"`{item}`" for item in (*TRANSFORMATIONS, "default"))
        raise StepError(
            f"there is no transformation `{name}`; there are {listed}",
            did_you_mean(name, [*TRANSFORMATIONS, "default"]),
        )
    if known.argument == "none" and argument is not None:
        raise StepError(f"`{name}` takes no argument")
    if known.argument == "required" and argument is None:
        raise StepError(f"`{name}` needs an argument: {known.does}")
    try:
        function = known.make(argument)
    except (ValueError, TypeError) as error:
        raise StepError(f"`{name}` cannot work with its argument: {error}") from None
    except LookupError:
        raise StepError(f"`{name}` needs an argument, or another number of them") from None
    return lambda value: None if value is None else function(value)


def _named(step: Step) -> tuple[str, Any]:
    """Return name and argument of a step."""
    if isinstance(step, str):
        name, colon, argument = step.partition(":")
        return name.strip(), argument.strip() if colon else None
    if len(step) != 1:
        raise StepError("a step with an argument is a map of one name, such as `{default: 0}`")
    return next(iter(step.items()))


# --- texts and numbers


def as_text(value: Any) -> str:
    """Return a scalar as text, as JSON writes it.

    Raises:
        UnfitError: it is a list or an object.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise UnfitError("it is no text")


def as_number(value: Any) -> int | float:
    """Return a number, or the number that a text writes.

    Raises:
        UnfitError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise UnfitError("it is no number")
    if not isinstance(value, str):
        return value
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        raise UnfitError("it is no number") from None
    if not number.is_finite():
        raise UnfitError("it is no number")
    if abs(number.adjusted()) > _MOST_DIGITS:
        # A text of ten letters can write a number that fills the memory.
        raise UnfitError("it is too large or too small a number")
    return int(number) if number == number.to_integral_value() and "." not in value else float(number)


def as_integer(value: Any) -> int:
    """Return a whole number.

    Raises:
        UnfitError: it is none.
    """
    number = as_number(value)
    if number != int(number):
        raise UnfitError("it is no whole number")
    return int(number)


def as_boolean(value: Any) -> bool:
    """Return whether a value says yes.

    Raises:
        UnfitError: it says neither yes nor no.
    """
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    word = as_text(value).strip().lower()
    if word not in words:
        raise UnfitError("it is neither true nor false")
    return words[word]


def _decimal(value: Any) -> Decimal:
    return Decimal(str(as_number(value)))


def _scaled(factor: Decimal, value: Any, *, whole: bool) -> int | float:
    product = _decimal(value) * factor
    return int(product.to_integral_value(ROUND_HALF_EVEN)) if whole else float(product)


def _exponent(argument: Any) -> int:
    text = str(argument).strip()
    if text.isdigit():
        return int(text)
    if len(text) == _CODE_LENGTH and text.isalpha():
        return _EXPONENTS.get(text.upper(), 2)
    raise ValueError(f"`{text}` is neither a currency such as EUR nor a number of digits")


def _minor(argument: Any) -> Function:
    return partial(_scaled, Decimal(10) ** _exponent(argument), whole=True)


def _major(argument: Any) -> Function:
    return partial(_scaled, Decimal(1) / Decimal(10) ** _exponent(argument), whole=False)


def _micros(_argument: Any) -> Function:
    return partial(_scaled, Decimal(1_000_000), whole=True)


def _round(argument: Any) -> Function:
    digits = int(argument or 0)
    return lambda value: round(as_number(value), digits) if digits else round(as_number(value))


# --- time, hashes, tables, lists


def _date_format(argument: Any) -> Function:
    pattern = str(argument)
    if "%" not in pattern:
        raise ValueError(f"`{pattern}` has no `%` in it, such as `%Y-%m-%d`")
    return lambda value: moment(value).strftime(pattern)


def _hash(name: str) -> Callable[[Any], Function]:
    def make(_argument: Any) -> Function:
        return lambda value: hashlib.new(name, as_text(value).encode(), usedforsecurity=False).hexdigest()

    return make


def _lookup(argument: Any) -> Function:
    table = _table(argument)
    return lambda value: table.get(as_text(value))


def _rename(argument: Any) -> Function:
    table = _table(argument)
    return lambda value: table.get(as_text(value), value)


def _table(argument: Any) -> Mapping[str, Any]:
    if not is_map(argument) or not argument:
        raise ValueError("a table is a map of what is there to what it becomes")
    return {str(key): value for key, value in argument.items()}


def _normalizer(name: str) -> Callable[[Any], Function]:
    step = NORMALIZERS[name]

    def make(argument: Any) -> Function:
        values = () if argument is None else tuple(str(argument).split(","))
        region = values[0].upper() if name == "phone_e164" and values else None
        arguments = Arguments(() if region else values, region)
        step.python("1", arguments)  # says now what an argument lacks

        def function(value: Any) -> Any:
            made = step.python(as_text(value), arguments)
            if made is None:
                raise UnfitError(f"`{name}` finds nothing valid in it")
            return made

        return function

    return make


def _join(argument: Any) -> Function:
    between = "," if argument is None else str(argument)
    return lambda value: between.join(as_text(entry) for entry in _list(value))


def _list(value: Any) -> list[Any]:
    if not is_list(value):
        raise UnfitError("it is no list")
    return value


def _snake_case(value: Any) -> str:
    """`Quiz Finished` and `quizFinished` -> `quiz_finished`: the form of names that many platforms ask for."""
    parted = re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", as_text(value))
    return re.sub("[^A-Za-z0-9]+", "_", parted).strip("_").lower()


def _wrap(argument: Any) -> Function:
    key = str(argument)
    return lambda value: {key: value}


def _plain(function: Function) -> Callable[[Any], Function]:
    return lambda _argument: function


TRANSFORMATIONS: Mapping[str, Transformation] = {
    **{
        name: Transformation(_normalizer(name), "as identifiers are normalised", "optional")
        for name in NORMALIZERS
    },
    "text": Transformation(_plain(as_text), "a number or a truth as text"),
    "snake_case": Transformation(_plain(_snake_case), "a name as one word: Quiz Finished -> quiz_finished"),
    "number": Transformation(_plain(as_number), "the number that a text writes"),
    "integer": Transformation(_plain(as_integer), "the whole number that a text writes"),
    "boolean": Transformation(_plain(as_boolean), "true or false: true, yes, 1, false, no, 0"),
    "round": Transformation(_round, "a number with so many digits behind the point: `round:2`", "optional"),
    "minor_units": Transformation(
        _minor, "money in its smallest unit, 12.5 -> 1250: `minor_units:EUR`", "required"
    ),
    "major_units": Transformation(
        _major, "money out of its smallest unit, 1250 -> 12.5: `major_units:EUR`", "required"
    ),
    "micros": Transformation(_micros, "millionths, 12.5 -> 12500000"),
    "epoch_seconds": Transformation(
        _plain(lambda value: int(moment(value).timestamp())), "seconds since 1970"
    ),
    "epoch_milliseconds": Transformation(
        _plain(lambda value: round(moment(value).timestamp() * 1_000)), "milliseconds since 1970"
    ),
    "epoch_microseconds": Transformation(
        _plain(lambda value: round(moment(value).timestamp() * 1_000_000)), "microseconds since 1970"
    ),
    "rfc3339": Transformation(
        _plain(lambda value: rfc3339(moment(value))), "a time as 2026-11-24T10:00:00.000Z"
    ),
    "date_format": Transformation(
        _date_format, "a time in a form of one's own: `date_format:%Y-%m-%d`, in UTC", "required"
    ),
    "sha256": Transformation(_hash("sha256"), "SHA-256 in hexadecimal"),
    "md5": Transformation(_hash("md5"), "MD5 in hexadecimal"),
    "sha1": Transformation(_hash("sha1"), "SHA-1 in hexadecimal"),
    "lookup": Transformation(
        _lookup, "what a table says; what is not in it is missing: `{lookup: {a: b}}`", "required"
    ),
    "rename": Transformation(
        _rename, "what a table says; what is not in it stays: `{rename: {a: b}}`", "required"
    ),
    "first": Transformation(
        _plain(lambda value: next(iter(_list(value)), None)), "the first entry of a list"
    ),
    "length": Transformation(_plain(lambda value: len(_list(value))), "how many entries a list has"),
    "sum": Transformation(
        _plain(lambda value: sum(as_number(entry) for entry in _list(value))), "the sum of a list"
    ),
    "wrap": Transformation(_wrap, "an object with the value at one key: `wrap:value`", "required"),
    "join": Transformation(_join, "the entries of a list as one text: `join:|`", "optional"),
    "json": Transformation(
        _plain(lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False)), "JSON as text"
    ),
}
