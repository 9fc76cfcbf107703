"""The columns of MySQL and MariaDB as Arrow's: what a column is called on the wire, and how its values become a column.

Numbers arrive as numbers. Decimals and times arrive as texts, which Arrow converts whole columns at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

_UNSIGNED: Final = 32
_BINARY: Final = 63
"""What stands for the character set where values are bytes."""
_MOST_DIGITS: Final = 38
"""Digits of a decimal in DuckDB; what has more arrives as a floating-point number."""

_INTEGERS: Final[Mapping[int, int]] = {1: 8, 2: 16, 9: 32, 3: 32, 8: 64, 13: 16}
"""Integer type -> bits; one of them is a year."""
_FLOAT, _DOUBLE, _DATE, _YEAR, _BIT = 4, 5, 10, 13, 16
_DECIMALS: Final = frozenset({0, 246})
_TIMES: Final = frozenset({7, 12})
_TEXTS_OR_BYTES: Final = frozenset({15, 249, 250, 251, 252, 253, 254})
_GEOMETRY: Final = 255
TEXTS: Final = frozenset({0, 246, 7, 10, 11, 12})
"""Types whose values are to arrive as texts."""


class Described(Protocol):
    """What the server says of a column."""

    name: str
    type_code: int
    length: int
    flags: int
    scale: int
    charsetnr: int


class NotBooleanError(ValueError):
    """A column that counts as true or false holds another number."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as Arrow has it: its type, and what makes an array of some values."""

    name: str
    kind: Any
    array: Callable[[Sequence[Any]], Any]


def column_of(described: Described) -> Column:
    """Return how a column is read."""
    import pyarrow as pa

    arrow: Any = pa
    kind = _kind(described, arrow)
    return Column(described.name, kind, _reader(described, kind, arrow))


def is_boolean(described: Described) -> bool:
    """Whether a column counts as true or false: MySQL has no such type, and calls it a number of one digit.

    That is TINYINT(1), what BOOLEAN is short for there, BIT(1), and whatever is compared: `spent > 100`.
    """
    return described.length == 1 and (described.type_code == _BIT or described.type_code in _INTEGERS)


def _kind(described: Described, arrow: Any) -> Any:
    code, unsigned = described.type_code, bool(described.flags & _UNSIGNED)
    if is_boolean(described):
        return arrow.bool_()
    if code in _INTEGERS:
        return getattr(arrow, f"{'u' if unsigned and code != _YEAR else ''}int{_INTEGERS[code]}")()
    if code in _DECIMALS:
        return _decimal(described, arrow, unsigned=unsigned)
    if code in _TIMES:
        return arrow.timestamp("us")
    if code == _GEOMETRY or (code in _TEXTS_OR_BYTES and described.charsetnr == _BINARY):
        return arrow.binary()
    plain = {_BIT: arrow.uint64, _FLOAT: arrow.float32, _DOUBLE: arrow.float64, _DATE: arrow.date32}
    return plain.get(code, arrow.string)()


def _decimal(described: Described, arrow: Any, *, unsigned: bool) -> Any:
    """Return the type of a decimal: its length counts the sign and the point too."""
    digits = described.length - (described.scale > 0) - (not unsigned)
    if digits > _MOST_DIGITS:
        return arrow.float64()
    return arrow.decimal128(max(digits, described.scale, 1), described.scale)


def _reader(described: Described, kind: Any, arrow: Any) -> Callable[[Sequence[Any]], Any]:
    code, name = described.type_code, described.name
    if is_boolean(described):
        return lambda values: _booleans(name, values, arrow)
    if code == _BIT:
        return lambda values: arrow.array([None if item is None else _bits(item) for item in values], kind)
    if code == _DATE or code in _TIMES:
        return lambda values: _dates(values, arrow).cast(kind)
    if code in _DECIMALS:
        return lambda values: arrow.array(values, arrow.string()).cast(kind)
    return lambda values: arrow.array(values, kind)


def _booleans(name: str, values: Sequence[Any], arrow: Any) -> Any:
    plain = [_bits(item) if isinstance(item, bytes) else item for item in values]
    if any(item not in {0, 1, None} for item in set(plain)):
        raise NotBooleanError(
            f"`{name}` is a number of one digit, which counts as true or false here, and holds others than 0 and 1; "
            f"write `{name} + 0 AS {name}` where it is a number"
        )
    return arrow.array([None if item is None else item == 1 for item in plain], arrow.bool_())


def _bits(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _dates(values: Sequence[Any], arrow: Any) -> Any:
    """Return texts of dates. A month or a day of zero is MySQL's way to say that there is no date."""
    import pyarrow.compute as pc

    compute: Any = pc
    found = arrow.array(values, arrow.string())
    return compute.if_else(compute.match_substring(found, "-00"), arrow.scalar(None, arrow.string()), found)
