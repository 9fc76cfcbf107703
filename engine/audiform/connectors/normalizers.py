"""The named steps that make an identifier what a platform expects, each in Python and in SQL.

One dict, `NORMALIZERS`, and one, `VALIDATORS`: name -> the same small step twice, side by side. `python` is
the meaning; `sql` is a DuckDB expression with exactly that meaning over a whole column, because rows never
become Python objects. A property test runs both over arbitrary Unicode. So the steps are defined where the
two languages agree: case is mapped one code point at a time, white space and punctuation are the sets
written out below, and a text with a NUL is invalid before the first step (DuckDB cuts it off in places).

`plain` is a cheaper expression that is only right for *plain* text: printable ASCII without a space, which
nearly every row is. Such rows are found by one regular expression (`plain_pattern`), and skip the rest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from audiform.connectors import countries, phone


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a manifest gives to a step (`first_characters:5`) and what the audience knows (the region)."""

    values: tuple[str, ...] = ()
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Normalizer:
    """One step. None (NULL) stands for a value that cannot be made valid.

    `plain_pattern` returns the regular expression of values that the step leaves as they are.
    """

    python: Callable[[str, Arguments], str | None]
    sql: Callable[[str, Arguments], str]
    plain: Callable[[str, Arguments], str]
    plain_pattern: Callable[[Arguments], str | None] = lambda _arguments: None


@dataclass(frozen=True, slots=True)
class Validator:
    """The test a normalised value must pass. `plain_pattern` matches only plain text that passes."""

    python: Callable[[str, Arguments], bool]
    sql: Callable[[str, Arguments], str]
    plain_pattern: Callable[[Arguments], str | None] = lambda _arguments: None


WHITESPACE = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
"""All that Unicode calls white space, and the invisible characters that come along when people copy text."""

PUNCTUATION = (
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    "\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xab\xac\xae\xaf\xb0\xb1\xb4\xb6\xb7\xb8\xbb\xbf\xd7\xf7"
    "\u02bb\u02bc\u02b9\u05f3\u05f4\u060c\u061b\u061f"
    + "".join(map(chr, range(0x2010, 0x2028)))
    + "".join(map(chr, range(0x2030, 0x205F)))
    + "\u3001\u3002\u3003\u3008\u3009\u300a\u300b\u300c\u300d\u300e\u300f\u3010\u3011\u30fb"
    + "".join(map(chr, (*range(0xFF01, 0xFF10), *range(0xFF1A, 0xFF21), *range(0xFF3B, 0xFF41))))
)
"""ASCII punctuation and symbols, and their relatives in the scripts that people write names in."""


def quote(text: str) -> str:
    """Return `text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def let(value: str, body: Callable[[str], str]) -> str:
    """Return the SQL of `body` of a value that it names several times, evaluated once.

    A short value is simply repeated; a long one is bound by a lambda, or the text would grow with each step.
    """
    if len(value) <= _SHORT:
        return body(value)
    return f"list_transform([{value}], lambda v: {body('v')})[1]"


_SHORT = 60


def character_class(characters: str) -> str:
    """Return the inside of a regular expression's `[...]` for RE2, which is what DuckDB uses."""
    return "".join(f"\\x{ord(c):02x}" if c.isascii() else f"\\x{{{ord(c):x}}}" for c in characters)


def _python_class(characters: str) -> str:
    return "".join(re.escape(c) for c in characters)


def _remove(characters: str) -> Normalizer:
    table = {ord(c): None for c in characters}
    pattern = quote(f"[{character_class(characters)}]")

    def sql(value: str, _arguments: Arguments) -> str:
        return f"regexp_replace({value}, {pattern}, '', 'g')"

    return Normalizer(lambda value, _arguments: value.translate(table), sql, sql)


def _unchanged(value: str, _arguments: Arguments) -> str:
    return value


# --- case and Unicode -----------------------------------------------------------------------------------


def _lower_character(character: str) -> str:
    """One code point to one code point: what DuckDB does, and no final sigma that depends on its neighbours."""
    return "i" if character == "\u0130" else character.lower()


def _lower(value: str, _arguments: Arguments) -> str:
    return value.lower() if value.isascii() else "".join(map(_lower_character, value))


_ASCII_UPPER = {ord(c): c.upper() for c in "abcdefghijklmnopqrstuvwxyz"}


def _upper_sql(value: str, _arguments: Arguments) -> str:
    letters = "".join(map(chr, _ASCII_UPPER))
    return f"translate({value}, '{letters}', '{letters.upper()}')"


# --- parts of a text ------------------------------------------------------------------------------------


def _trim_sql(value: str, _arguments: Arguments) -> str:
    trimmed = "'[!-~](?:[ -~]*[!-~])?'"  # what is left alone; trim() with a set is eight times slower
    return let(
        value,
        lambda v: (
            f"CASE WHEN regexp_full_match({v}, {trimmed}) THEN {v} ELSE trim({v}, {quote(WHITESPACE)}) END"
        ),
    )


def _first_characters_sql(value: str, arguments: Arguments) -> str:
    return f"left({value}, {int(arguments.values[0])})"


def _characters_python(value: str, arguments: Arguments) -> str:
    first, last = int(arguments.values[0]), int(arguments.values[1])
    return value[first - 1 : last]


def _characters_sql(value: str, arguments: Arguments) -> str:
    first, last = int(arguments.values[0]), int(arguments.values[1])
    return f"substr({value}, {first}, {last - first + 1})"


def _remove_prefix_sql(value: str, arguments: Arguments) -> str:
    prefix = arguments.values[0]
    return let(
        value,
        lambda v: (
            f"CASE WHEN starts_with({v}, {quote(prefix)}) THEN substr({v}, {len(prefix) + 1}) ELSE {v} END"
        ),
    )


_ZIP = re.compile(r"[0-9]{5}[- ]?[0-9]{4}")


def _us_zip_sql(value: str, _arguments: Arguments) -> str:
    return let(
        value, lambda v: f"CASE WHEN regexp_full_match({v}, '{_ZIP.pattern}') THEN left({v}, 5) ELSE {v} END"
    )


# --- e-mail ---------------------------------------------------------------------------------------------


def _mailbox_python(value: str, arguments: Arguments) -> str | None:
    """`a.b+c@domain` -> `ab@domain`, for the domains that deliver both to one mailbox."""
    local, separator, domain = value.rpartition("@")
    if not separator or domain not in arguments.values:
        return value
    mailbox = local.partition("+")[0].replace(".", "")
    return f"{mailbox}@{domain}" if mailbox else None


def _mailbox_sql(value: str, arguments: Arguments) -> str:
    def cases(v: str) -> str:
        branches = ""
        for domain in arguments.values:
            mailbox = f"nullif(replace(split_part(left({v}, -{len(domain) + 1}), '+', 1), '.', ''), '')"
            branches += f" WHEN ends_with({v}, {quote('@' + domain)}) THEN {mailbox} || {quote('@' + domain)}"
        return f"CASE{branches} ELSE {v} END"

    return let(value, cases)


def _every_mailbox(unheeded: str) -> Normalizer:
    """`a.b+c@domain` -> `ab@domain`, for platforms that take every domain to deliver both to one mailbox.

    `unheeded` is a character class: what makes no difference before the @.
    """

    def python(value: str, _arguments: Arguments) -> str | None:
        local, separator, domain = value.rpartition("@")
        if not separator:
            return value
        mailbox = re.sub(unheeded, "", local.partition("+")[0])
        return f"{mailbox}@{domain}" if mailbox else None

    def sql(value: str, _arguments: Arguments) -> str:
        def parts(v: str) -> str:
            local, domain = (f"regexp_extract({v}, '(?s)^(.*)@([^@]*)$', {number})" for number in (1, 2))
            mailbox = f"nullif(regexp_replace(split_part({local}, '+', 1), {quote(unheeded)}, '', 'g'), '')"
            return f"CASE WHEN contains({v}, '@') THEN {mailbox} || '@' || {domain} ELSE {v} END"

        return let(value, parts)

    return Normalizer(python, sql, sql)


_LOCAL_BUT = '\\x00-\\x20"(),:;<>@\\[\\\\\\]\\x7f'
_DOMAIN_BUT = "\\x00-,./:-@\\[-`{-\\x7f"


def _email_pattern(whitespace: str) -> str:
    local, label = f"[^{_LOCAL_BUT}{whitespace}]+", f"[^{_DOMAIN_BUT}{whitespace}]+"
    return rf"{local}@{label}(?:\.{label})+"


_EMAIL = re.compile(_email_pattern(_python_class(WHITESPACE)))
_EMAIL_SQL = quote(_email_pattern(character_class(WHITESPACE)))
_EMAIL_PLAIN = r"[!#-'*+\-./0-9=?A-Z^_`a-z{|}~]+@[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)+"


# --- dates, genders -------------------------------------------------------------------------------------

_ISO_DATE = re.compile(r"([12][0-9]{3})[-/]?([0-9]{2})[-/]?([0-9]{2})(?:[T ][0-9:.+Z-]*)?")
_US_DATE = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([12][0-9]{3})")


def _date_python(value: str, _arguments: Arguments) -> str | None:
    """`1997-02-16`, `19970216`, `1997/02/16`, with or without a time, or the American `2/16/1997`."""
    if iso := _ISO_DATE.fullmatch(value):
        year, month, day = iso.groups()
    elif american := _US_DATE.fullmatch(value):
        month, day, year = american.groups()
    else:
        return None
    try:
        return date(int(year), int(month), int(day)).strftime("%Y%m%d")
    except ValueError:
        return None


def _date_sql(value: str, _arguments: Arguments) -> str:
    def cases(v: str) -> str:
        iso = f"try_strptime(left(replace(replace({v}, '-', ''), '/', ''), 8), '%Y%m%d')"
        american = f"try_strptime({v}, '%m/%d/%Y')"
        return (
            f"CASE WHEN regexp_full_match({v}, '{_ISO_DATE.pattern}') THEN strftime({iso}, '%Y%m%d')"
            f" WHEN regexp_full_match({v}, '{_US_DATE.pattern}') THEN strftime({american}, '%Y%m%d') END"
        )

    return let(value, cases)


_GENDERS = {"m": "m", "male": "m", "man": "m", "f": "f", "female": "f", "woman": "f"}


def _cases(value: str, cases: Mapping[str, str]) -> str:
    branches = "".join(f" WHEN {quote(word)} THEN {quote(code)}" for word, code in cases.items())
    return f"CASE {value}{branches} END"


# --- the registries -------------------------------------------------------------------------------------

_UNCASED = Normalizer(_lower, lambda v, _: f"lower({v})", lambda v, _: f"lower({v})")

NORMALIZERS: dict[str, Normalizer] = {
    "trim": Normalizer(lambda v, _: v.strip(WHITESPACE), _trim_sql, _unchanged),
    "lower": _UNCASED,
    "upper": Normalizer(lambda v, _: v.translate(_ASCII_UPPER), _upper_sql, lambda v, _: f"upper({v})"),
    "nfc": Normalizer(
        lambda v, _: unicodedata.normalize("NFC", v), lambda v, _: f"nfc_normalize({v})", _unchanged
    ),
    "remove_spaces": Normalizer(_remove(WHITESPACE).python, _remove(WHITESPACE).sql, _unchanged),
    "remove_punctuation": _remove(PUNCTUATION),
    "digits_only": Normalizer(
        lambda v, _: re.sub("[^0-9]", "", v),
        lambda v, _: f"regexp_replace({v}, '[^0-9]', '', 'g')",
        lambda v, _: f"regexp_replace({v}, '[^0-9]', '', 'g')",
    ),
    "remove_prefix": Normalizer(
        lambda v, a: v.removeprefix(a.values[0]), _remove_prefix_sql, _remove_prefix_sql
    ),
    "first_characters": Normalizer(
        lambda v, a: v[: int(a.values[0])], _first_characters_sql, _first_characters_sql
    ),
    "characters": Normalizer(_characters_python, _characters_sql, _characters_sql),
    "us_zip_to_five": Normalizer(lambda v, _: v[:5] if _ZIP.fullmatch(v) else v, _us_zip_sql, _us_zip_sql),
    "remove_dots_and_suffix_for": Normalizer(_mailbox_python, _mailbox_sql, _mailbox_sql),
    "remove_dots_and_suffix": _every_mailbox("[.]"),
    "alphanumeric_mailbox": _every_mailbox("[^0-9A-Za-z]"),
    "phone_e164": Normalizer(
        lambda v, a: phone.e164(v, a.region),
        lambda v, _: let(v, phone.e164_sql),
        _unchanged,
        lambda _: phone.e164_pattern(),
    ),
    "country_alpha2": Normalizer(
        lambda v, _: countries.alpha2(v),
        lambda v, _: let(v, countries.alpha2_sql),
        lambda v, _: let(v, countries.alpha2_sql),
    ),
    "date_yyyymmdd": Normalizer(_date_python, _date_sql, _date_sql),
    "gender_m_f": Normalizer(
        lambda v, _: _GENDERS.get(v), lambda v, _: _cases(v, _GENDERS), lambda v, _: _cases(v, _GENDERS)
    ),
}


def _matches(pattern: str) -> Validator:
    compiled = re.compile(pattern)
    return Validator(
        lambda v, _: compiled.fullmatch(v) is not None,
        lambda v, _: f"regexp_full_match({v}, {quote(pattern)})",
    )


VALIDATORS: dict[str, Validator] = {
    "email": Validator(
        lambda v, _: _EMAIL.fullmatch(v) is not None,
        lambda v, _: f"regexp_full_match({v}, {_EMAIL_SQL})",
        lambda _: _EMAIL_PLAIN,
    ),
    "uuid": _matches("[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"),
    "digits": _matches("[0-9]+"),
    "max_length": Validator(
        lambda v, a: len(v) <= int(a.values[0]), lambda v, a: f"length({v}) <= {int(a.values[0])}"
    ),
}


def parse_step(text: str, region: str | None) -> tuple[str, Arguments]:
    """Split a manifest's `name:a,b` into the name and its arguments."""
    name, _, arguments = text.partition(":")
    return name, Arguments(tuple(arguments.split(",")) if arguments else (), region)
