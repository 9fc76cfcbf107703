"""Phone numbers -> E.164 (`+` and digits), by the phone numbers library; plain ones by one regular expression.

A number is accepted when it is *possible* (its length exists in its country), not when it is in a range that
is known to be assigned: ranges change with every release of the library, and a member's identity must not
change with them. Without a region a number must carry its country code (`+...` or `00...`): guessing a
country would match somebody else.

Most stored numbers are E.164 already. `e164_pattern` is derived from the library's own data, so that a number
that matches it is exactly what `e164` would return. It leaves out every number whose beginning the library
could take for a national prefix, and every country whose rule for that is not understood here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phonenumbers.phonemetadata import PhoneMetadata

_PREFIXES: Mapping[str, tuple[str, ...]] = {
    "0|180020": ("0", "180020"),
    "(?:0|90)(?:(1[245]|2[1-35]|31|4[13]|[56]5|99)(\\d{10,11}))?": ("0", "90"),
    "0([3579]|4(?:[14]4|56))?": ("0",),
    "(183[12])|0": ("0", "183"),
    "(000[2569]\\d{4,6})$|(?:(?:003768)0?)|0": ("0",),
    "0(8(?:[1-46-8]|5\\d\\d))?": ("0",),
    "(1(?:[12]\\d|79)\\d\\d)|0": ("0", "11", "12", "179"),
    "[08]": ("0", "8"),
    "0|80?": ("0", "8"),
    "(15(?:0[06]|1[12]|[35]5|4[04]|6[26]|77|88|99)\\d)": ("15",),
    "(1001)|0": ("0", "1001"),
    "(19(?:0[0-2468]|1[09]|20|66|77|99))": ("19",),
    "0(1\\d)?": ("0",),
}
"""The library's rule for national prefixes -> the beginnings it can match. A rule that changes is not here
any more, and its country's numbers then take the slow way."""

_NUMBER_LENGTHS = range(4, 16)


def e164(value: str, region: str | None) -> str | None:
    """Return the number in E.164, or None when it is not a possible number. `region` is `DE`, `US`, ..."""
    import phonenumbers

    if region is None and value.strip().startswith("00"):
        value = "+" + value.strip()[2:]
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def e164_sql(value: str) -> str:
    """Return the DuckDB expression of `e164` for numbers that are E.164 already; others give NULL."""
    return f"CASE WHEN {is_e164_sql(value)} THEN {value} END"


def is_e164_sql(value: str) -> str:
    """Return the DuckDB condition that `e164` returns the value as it is, whatever the region."""
    return f"regexp_full_match({value}, '{e164_pattern()}')"


@cache
def e164_pattern() -> str:
    """Return the regular expression (RE2 and Python) of numbers that `e164` leaves as they are."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    countries: list[str] = []
    for code, regions in COUNTRY_CODE_TO_REGION_CODE.items():
        metadata = PhoneMetadata.metadata_for_region(regions[0], None)
        if metadata is not None and (prefixes := _prefixes(metadata)) is not None:
            countries.append(f"{code}(?:{_national(metadata, prefixes)})")
    return rf"\+(?:{'|'.join(countries)})"


def _prefixes(metadata: PhoneMetadata) -> tuple[str, ...] | None:
    """Return the beginnings that the library may strip, or None when that is not known."""
    rule = metadata.national_prefix_for_parsing
    if rule is None:
        return ("0",)
    if rule.isdigit():
        return ("0", rule)
    return _PREFIXES.get(rule)


def _national(metadata: PhoneMetadata, prefixes: Iterable[str]) -> str:
    starts = _starts_other_than(tuple(prefixes))
    possible = metadata.general_desc.possible_length if metadata.general_desc else ()
    lengths = [n for n in possible if n in _NUMBER_LENGTHS]
    return "|".join(f"{start}[0-9]{{{n - width}}}" for n in lengths for start, width in starts if n >= width)


def _starts_other_than(prefixes: tuple[str, ...]) -> list[tuple[str, int]]:
    """Return patterns, with their widths, of the digits that begin with none of `prefixes`."""
    starts: list[tuple[str, int]] = []
    pending = [""]
    while pending:
        stem = pending.pop()
        longer = {p[len(stem)] for p in prefixes if p.startswith(stem) and len(p) > len(stem) + 1}
        taken = {p[len(stem)] for p in prefixes if p.startswith(stem) and len(p) == len(stem) + 1}
        pending.extend(stem + digit for digit in longer - taken)
        free = "".join(sorted(set("0123456789") - longer - taken))
        if free:
            starts.append((f"{stem}[{free}]", len(stem) + 1))
    return starts
