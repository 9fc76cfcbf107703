"""An identifier as a platform wants it: normalised, checked, hashed, in that order; in Python and in SQL.

Both say None (NULL) for a value that is missing or invalid: such a value is counted, never hashed. The SQL
is what runs over people; the Python is its meaning, and normalises the few phone numbers that SQL leaves to
it (`needs_python_sql`). A column is read as text: `CAST(column AS VARCHAR)`, also before `normalize`.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from functools import cache

from audiform.connectors.manifest import Identifier
from audiform.connectors.normalizers import (
    NORMALIZERS,
    VALIDATORS,
    Arguments,
    Normalizer,
    let,
    parse_step,
    quote,
)

_DIGEST_LENGTH = {"md5": 32, "sha1": 40, "sha256": 64}

_KEEP_VALID = frozenset(
    {"trim", "lower", "nfc", "remove_spaces", "remove_dots_and_suffix_for", "alphanumeric_mailbox"}
)
"""Steps after which a plain value that passes its validator's `plain_pattern` still passes it, or is NULL."""


def normalize(
    identifier: Identifier, raw: str | None, *, region: str | None, already_hashed: bool
) -> str | None:
    """Return the value as sent, or None when it is missing or invalid.

    `region` is the country of phone numbers without a country code. `already_hashed`: `raw` is the
    hash, in hexadecimal, of a value that was normalised by this platform's rules.
    """
    if raw is None:
        return None
    if already_hashed:
        return _given_hash(identifier, raw)
    value = normalized(identifier, raw, region)
    return None if value is None else _hashed(identifier, value)


def sent_sql(identifier: Identifier, column_sql: str, *, region: str | None, already_hashed: bool) -> str:
    """Return the DuckDB expression of `normalize` over a column.

    It is NULL as well where `needs_python_sql` holds.
    """
    text = f"CAST({column_sql} AS VARCHAR)"
    if already_hashed:
        return _given_hash_sql(identifier, text)
    slow = _slow_sql(identifier, text, region)
    pattern = _plain_pattern(identifier, region)
    if pattern is None:
        return slow
    plain = text
    for step, arguments in _steps(identifier, region):
        plain = step.plain(plain, arguments)
    return f"CASE WHEN regexp_full_match({text}, {quote(pattern)}) THEN {_hashed_sql(identifier, plain)} ELSE {slow} END"


def needs_python_sql(identifier: Identifier, column_sql: str) -> str | None:
    """Return the DuckDB condition that a raw value must go through `normalize`, or None when none must."""
    patterns = [
        pattern for step, arguments in _steps(identifier, None) if (pattern := step.plain_pattern(arguments))
    ]
    if not patterns:
        return None
    text = f"CAST({column_sql} AS VARCHAR)"
    return f"({text} <> '' AND NOT regexp_full_match({text}, {quote(patterns[0])}))"


def normalized(identifier: Identifier, raw: str, region: str | None) -> str | None:
    """Return the normalised value before it is hashed, or None when it is invalid."""
    value: str | None = None if "\0" in raw else raw
    for step, arguments in _steps(identifier, region):
        if value is None:
            return None
        value = step.python(value, arguments)
    if not value:
        return None
    return value if _is_valid(identifier, value) else None


def _is_valid(identifier: Identifier, value: str) -> bool:
    if identifier.valid is None:
        return True
    name, arguments = parse_step(identifier.valid, None)
    return VALIDATORS[name].python(value, arguments)


def _steps(identifier: Identifier, region: str | None) -> tuple[tuple[Normalizer, Arguments], ...]:
    return _parsed(identifier.normalize, region)


@cache
def _parsed(steps: tuple[str, ...], region: str | None) -> tuple[tuple[Normalizer, Arguments], ...]:
    """Asked for each value of each event, and there are a few hundred answers."""
    parsed = (parse_step(text, region) for text in steps)
    return tuple((NORMALIZERS[name], arguments) for name, arguments in parsed)


def _hashed(identifier: Identifier, value: str) -> str:
    if identifier.hash == "none":
        return value
    digest = hashlib.new(identifier.hash, value.encode(), usedforsecurity=False).digest()
    return digest.hex() if identifier.encoding == "hex" else b64encode(digest).decode()


def _hashed_sql(identifier: Identifier, value: str) -> str:
    if identifier.hash == "none":
        return value
    return _encoded_sql(identifier, f"{identifier.hash}({value})")


def _encoded_sql(identifier: Identifier, hexadecimal: str) -> str:
    return hexadecimal if identifier.encoding == "hex" else f"base64(unhex({hexadecimal}))"


def _slow_sql(identifier: Identifier, text: str, region: str | None) -> str:
    value = text
    for step, arguments in _steps(identifier, region):
        value = step.sql(value, arguments)
    sent = let(value, lambda v: _checked_sql(identifier, v))
    return f"CASE WHEN NOT contains({text}, chr(0)) THEN {sent} END"


def _checked_sql(identifier: Identifier, value: str) -> str:
    valid = f"{value} <> ''"
    if identifier.valid is not None:
        name, arguments = parse_step(identifier.valid, None)
        valid += f" AND {VALIDATORS[name].sql(value, arguments)}"
    return f"CASE WHEN {valid} THEN {_hashed_sql(identifier, value)} END"


def _plain_pattern(identifier: Identifier, region: str | None) -> str | None:
    """Return the expression that finds the values for which the steps' `plain` forms are enough."""
    steps = _steps(identifier, region)
    if identifier.valid is None:
        first = steps[0] if steps else None
        return first[0].plain_pattern(first[1]) if first else None
    name, arguments = parse_step(identifier.valid, None)
    keeps = all(parse_step(text, None)[0] in _KEEP_VALID for text in identifier.normalize)
    return VALIDATORS[name].plain_pattern(arguments) if keeps else None


def _given_hash(identifier: Identifier, raw: str) -> str | None:
    length = _DIGEST_LENGTH.get(identifier.hash)
    value = raw.lower() if raw.isascii() else ""
    if length is None or re.fullmatch(f"[0-9a-f]{{{length}}}", value) is None:
        return None
    return value if identifier.encoding == "hex" else b64encode(bytes.fromhex(value)).decode()


def _given_hash_sql(identifier: Identifier, text: str) -> str:
    length = _DIGEST_LENGTH.get(identifier.hash)
    if length is None:
        return "CAST(NULL AS VARCHAR)"
    value = _encoded_sql(identifier, f"lower({text})")
    return f"CASE WHEN regexp_full_match({text}, '[0-9A-Fa-f]{{{length}}}') THEN {value} END"
