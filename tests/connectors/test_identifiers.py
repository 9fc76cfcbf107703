"""Identifiers as sent: SQL says what Python says, and nothing invalid is ever hashed."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata

import duckdb
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiform.connectors import phone
from audiform.connectors.catalog import Catalog
from audiform.connectors.identifiers import needs_python_sql, normalize, normalized, sent_sql
from audiform.connectors.manifest import Identifier

EMAIL = Identifier(field="e", normalize=("trim", "lower"), valid="email", hash="sha256")
PHONE = Identifier(field="p", normalize=("phone_e164", "remove_prefix:+"), hash="sha256")
PLAIN_PHONE = Identifier(field="p", normalize=("phone_e164",))


def shipped():
    """Yield each way in which shipped types send an identifier, once, under the names of those that do."""
    ways: dict[Identifier, tuple[Identifier, list[str]]] = {}
    catalog = Catalog(None)
    for name, custom in catalog.names().items():
        for key, identifier in () if custom else catalog.get(name).manifest.identifiers.items():
            way = identifier.model_copy(update={"field": "", "identifies": True, "description": None})
            ways.setdefault(way, (identifier, []))[1].append(f"{name}-{key}")
    for identifier, names in ways.values():
        others = f"-and-{len(names) - 1}-more" if len(names) > 1 else ""
        yield pytest.param(identifier, id=f"{names[0]}{others}")


SHIPPED = [*shipped()]


def those(chosen):
    """Return the shipped ways of which `chosen` holds."""
    return [way for way in SHIPPED if chosen(way.values[0])]


RAW = st.one_of(
    st.sampled_from(
        [
            " John_Smith@gmail.com ", "a.b+c@gmail.com", "+x@gmail.com", "", " ", "\0", "a\0@b.example",
            "+14155552671", "+1 (415) 555-2671", "0044 20 7946 0018", "4155552671", "+39 06 1234 5678", "abc",
            "Val\u00e9ry", "Vale\u0301ry", "O'Neil", "United States", "us", "M1 1AE", "94035-1234", "1997-02-16",
            "C0FFEE00-0000-4000-8000-00000000C0DE", "a" * 64, "A" * 64, "\ufeffperson@shop.example\u200b",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=20),
    st.from_regex(r"[A-Za-z0-9.+]{1,6}@(gmail\.com|[a-z]{1,4}\.example)[ \n]?", fullmatch=True),
    st.from_regex(r"\+[1-9][0-9]{3,16}", fullmatch=True),
    st.from_regex(r"(\+|00|0)?[ ]?[1-9][-0-9 ().]{5,14}", fullmatch=True),
    st.from_regex(r"[0-9a-fA-F]{63,65}", fullmatch=True),
)  # fmt: skip


@pytest.fixture(scope="module")
def duck():
    """One connection for every batch of examples."""
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def column(connection, expression, texts):
    """Return the value of `expression` over column `t` for each text, in order."""
    query = f"SELECT {expression} FROM (SELECT unnest(?::VARCHAR[]) AS t, generate_subscripts(?::VARCHAR[], 1) AS i) ORDER BY i"
    return [value for (value,) in connection.execute(query, [texts, texts]).fetchall()]


def sent_by_sql(connection, identifier, texts, *, region=None, already_hashed=False):
    """Return what a sync would send: SQL, and Python for the raw values that SQL leaves to it."""
    sent = column(connection, sent_sql(identifier, "t", region=region, already_hashed=already_hashed), texts)
    condition = None if already_hashed else needs_python_sql(identifier, "t")
    if condition is None:
        return sent
    left = column(connection, condition, texts)
    assert not [value for value, by_python in zip(sent, left, strict=True) if by_python and value is not None]
    return [
        normalize(identifier, text, region=region, already_hashed=False) if by_python else value
        for text, value, by_python in zip(texts, sent, left, strict=True)
    ]


@pytest.mark.parametrize("identifier", SHIPPED)
@settings(max_examples=60, deadline=None)
@given(raw=RAW)
def test_normalising_again_names_nobody_else(identifier, raw):
    """What is normalised stays as it is; where it is no input any more (a part of a date), it is invalid, never another value."""
    once = normalized(identifier, raw, None)

    assert once is None or normalized(identifier, once, None) in (once, None)


@pytest.mark.parametrize("identifier", those(lambda identifier: identifier.valid == "email"))
@settings(max_examples=40, deadline=None)
@given(
    address=st.from_regex(r"[a-z0-9.+]{1,8}@(gmail\.com|[a-z]{1,6}\.example)", fullmatch=True),
    padding=st.sampled_from(["", " ", "\t", "\u00a0", "\u200b", "\n"]),
)
def test_an_address_is_one_person_however_it_is_written(identifier, address, padding):
    """Case and padding do not change what is sent of an e-mail address."""
    assert sent(identifier, address) == sent(identifier, f"{padding}{address.upper()}{padding}")


@pytest.mark.parametrize("identifier", those(lambda identifier: "phone_e164" in identifier.normalize))
@pytest.mark.parametrize(
    "written", ["+1 (415) 555-2671", "+1.415.555.2671", " +1 415 5552671 ", "001-415-555-2671"]
)
def test_a_number_is_one_person_however_it_is_written(identifier, written):
    """Spaces, brackets and dashes do not change what is sent of a phone number."""
    assert sent(identifier, "+14155552671") == sent(identifier, written)
    assert sent(identifier, written) is not None


@pytest.mark.parametrize("identifier", those(lambda identifier: "nfc" in identifier.normalize))
@pytest.mark.parametrize("name", ["Val\u00e9ry", "Zo\u00eb", "\uc815"])
def test_a_name_is_one_name_in_either_unicode_form(identifier, name):
    """Composed and decomposed letters are the same name, where the platform's rule says so."""
    assert sent(identifier, name) == sent(identifier, unicodedata.normalize("NFD", name))


def sent(identifier, raw):
    """Return what is sent of one value."""
    return normalize(identifier, raw, region=None, already_hashed=False)


@pytest.mark.slow
@pytest.mark.parametrize("identifier", SHIPPED)
@settings(max_examples=25, deadline=None)
@given(texts=st.lists(RAW, min_size=1, max_size=50), region=st.sampled_from([None, "US", "GB"]))
def test_sql_is_python(duck, identifier, texts, region):
    """Every identifier of every shipped type is the same in SQL and in Python, whatever the column holds."""
    expected = [normalize(identifier, text, region=region, already_hashed=False) for text in texts]
    assert expected == sent_by_sql(duck, identifier, texts, region=region)


@pytest.mark.slow
@pytest.mark.parametrize("identifier", SHIPPED)
@settings(max_examples=10, deadline=None)
@given(texts=st.lists(RAW, min_size=1, max_size=50))
def test_given_hashes_are_the_same_in_both(duck, identifier, texts):
    """Columns of hashes pass through the same way in SQL and in Python."""
    expected = [normalize(identifier, text, region=None, already_hashed=True) for text in texts]
    assert expected == sent_by_sql(duck, identifier, texts, already_hashed=True)


@settings(max_examples=50, deadline=None)
@given(
    numbers=st.lists(
        st.tuples(
            st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)),
            st.text("0123456789", min_size=3, max_size=16),
        ).map(lambda parts: f"+{parts[0]}{parts[1]}"),
        min_size=1,
        max_size=200,
    ),
    region=st.sampled_from([None, "US", "DE", "BR", "JP"]),
)
def test_numbers_that_sql_takes_are_the_librarys(numbers, region):
    """A number that the regular expression takes is one that the library leaves exactly as it is."""
    plain = re.compile(phone.e164_pattern())
    taken = [number for number in numbers if plain.fullmatch(number)]
    assert taken == [phone.e164(number, region) for number in taken]


@pytest.mark.parametrize(
    "region", ["US", "GB", "DE", "FR", "IT", "ES", "NL", "SE", "AU", "IN", "BR", "JP", "MX", "PL"]
)
def test_common_numbers_take_the_fast_way(region):
    """The library's own example of a mobile number, in E.164, needs no Python where most people live."""
    number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    assert number is not None
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if region == "BR":
        text = "+5511961234567"  # the example, of area 99, could be a national prefix
    assert re.fullmatch(phone.e164_pattern(), text) is not None


@pytest.mark.parametrize(
    ("raw", "region", "expected"),
    [
        ("(650)555-1212", "US", "+16505551212"),
        ("+44 20 7946 0018", None, "+442079460018"),
        ("+44 20 7946 0018", "US", "+442079460018"),
        ("0044 20 7946 0018", None, "+442079460018"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("+39 06 1234 5678", None, "+390612345678"),
        ("020 7946 0018", None, None),
        ("4155552671", None, None),
        ("+1415555267", None, None),
        ("+999123456789", None, None),
        ("call me", "US", None),
        ("", "US", None),
    ],
)
def test_phone_numbers(raw, region, expected):
    """A number becomes E.164; without a country code and a region it is nobody's, and never guessed."""
    assert expected == normalize(PLAIN_PHONE, raw, region=region, already_hashed=False)


def test_invalid_is_never_hashed(duck):
    """Missing, empty and invalid values are None, not the hash of something."""
    texts = ["", " ", "not an address", "a\0@b.example"]
    assert [None] * 4 == [normalize(EMAIL, text, region=None, already_hashed=False) for text in texts]
    assert [None] * 4 == sent_by_sql(duck, EMAIL, texts)
    assert normalize(EMAIL, None, region=None, already_hashed=False) is None


def test_hash_and_encoding():
    """A value is hashed after it is normalised, in hexadecimal or base64 as the manifest says."""
    digest = hashlib.sha256(b"a@b.example").digest()
    in_base64 = EMAIL.model_copy(update={"encoding": "base64"})
    assert digest.hex() == normalize(EMAIL, " A@B.example ", region=None, already_hashed=False)
    assert base64.b64encode(digest).decode() == normalize(
        in_base64, "a@b.example", region=None, already_hashed=False
    )


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("AB" * 32, "ab" * 32),
        ("ab" * 32, "ab" * 32),
        ("ab" * 31, None),
        ("person@shop.example", None),
        ("", None),
    ],
)
def test_given_hash(raw, expected):
    """A column of hashes passes through in lower case; what is no hash is invalid, and not hashed again."""
    assert expected == normalize(EMAIL, raw, region=None, already_hashed=True)


def test_given_hash_where_clear_values_are_sent():
    """A type that sends values in clear has no use for a hash."""
    assert normalize(PLAIN_PHONE, "ab" * 32, region=None, already_hashed=True) is None


def test_numbers_and_dates_are_read_as_text(duck):
    """A column that is no text is read as DuckDB writes it."""
    number = sent_sql(PLAIN_PHONE, "phone", region=None, already_hashed=False)
    born = Identifier(field="d", normalize=("date_yyyymmdd",))
    day = sent_sql(born, "born", region=None, already_hashed=False)
    query = f"SELECT {number}, {day} FROM (SELECT 14155552671 AS phone, DATE '1997-02-16' AS born)"
    assert (None, "19970216") == duck.execute(query).fetchone()
