"""Country names and codes -> ISO 3166-1 alpha-2 in lower case, in Python and in SQL.

The English names are those of the Unicode CLDR, as they come with the phone numbers library.
"""

from __future__ import annotations

from functools import cache

_ALIASES = {
    "usa": "us", "u.s.a.": "us", "u.s.": "us", "united states of america": "us", "america": "us",
    "uk": "gb", "u.k.": "gb", "great britain": "gb", "england": "gb", "scotland": "gb", "wales": "gb",
    "holland": "nl", "the netherlands": "nl", "czech republic": "cz", "turkey": "tr", "uae": "ae",
    "korea": "kr", "republic of korea": "kr", "russian federation": "ru", "viet nam": "vn",
}  # fmt: skip


@cache
def _names() -> dict[str, str]:
    from phonenumbers.geodata.locale import LOCALE_DATA

    names: dict[str, str] = {}
    for code, by_language in LOCALE_DATA.items():
        name = by_language.get("en", "")
        name = by_language[name[1:]] if name.startswith("*") else name
        names[name.lower()] = code.lower()
    return names | _ALIASES


@cache
def _codes() -> frozenset[str]:
    return frozenset(_names().values())


def alpha2(value: str) -> str | None:
    """Return the code of a lower-case name or code, or None when it is neither."""
    return value if value in _codes() else _names().get(value)


@cache
def _tables_sql() -> tuple[str, str]:
    pairs = ", ".join(f"'{name.replace(chr(39), chr(39) * 2)}': '{code}'" for name, code in _names().items())
    return "|".join(sorted(_codes())), f"MAP {{{pairs}}}"


def alpha2_sql(value: str) -> str:
    """Return the same as a DuckDB expression."""
    codes, names = _tables_sql()
    return f"CASE WHEN regexp_full_match({value}, '{codes}') THEN {value} ELSE ({names})[{value}] END"
