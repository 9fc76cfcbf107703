"""Each step means the same in Python and in SQL."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiform.connectors.normalizers import NORMALIZERS, PUNCTUATION, VALIDATORS, WHITESPACE, parse_step

STEPS = [
    "trim",
    "lower",
    "upper",
    "nfc",
    "remove_spaces",
    "remove_punctuation",
    "digits_only",
    "remove_prefix:+",
    "first_characters:3",
    "characters:2,4",
    "us_zip_to_five",
    "remove_dots_and_suffix_for:gmail.com,googlemail.com",
    "remove_dots_and_suffix",
    "alphanumeric_mailbox",
    "country_alpha2",
    "date_yyyymmdd",
    "gender_m_f",
]
CHECKS = ["email", "uuid", "digits", "max_length:3"]

WORDS = [
    "John.Smith+news@gmail.com", "a@b.example", "+x@gmail.com", "@gmail.com", "united states", "UK", "us", "xx",
    "1997-02-16", "2/16/1997", "2/30/1997", "19970216", "1997-02-16 00:00:00", "12345-6789", "12345", "m", "Male",
    "\u0130stanbul", "STRA\u00dfE", "\u039f\u0394\u039f\u03a3", "e\u0301", "\u00e9", "\ufeff", "\u200b", "\U0001f600",
    "+", "++1", "\u0600", "\u1100\u1161", "c0ffee00-0000-4000-8000-00000000c0de", "a b@c.example", "a@b", "a@b..example",
]  # fmt: skip

TEXT = st.one_of(
    st.sampled_from(WORDS),
    st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\0"), max_size=12),
    st.lists(st.sampled_from([*WORDS, *WHITESPACE, *PUNCTUATION]), max_size=4).map("".join),
    st.from_regex(r"[A-Za-z0-9.+]{1,6}@(gmail\.com|[a-z]{1,4}\.example)", fullmatch=True),
    st.from_regex(r"[0-9]{1,4}[-/]?[0-9]{1,2}[-/]?[0-9]{1,4}([T ][0-9:]*)?", fullmatch=True),
)


@pytest.fixture(scope="module")
def duck():
    """One connection for every batch of examples."""
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def column(connection, expression, texts):
    """Return the value of `expression` over column `t` for each text, in order."""
    query = f"SELECT {expression} FROM (SELECT unnest(?::VARCHAR[]) AS t, generate_subscripts(?::VARCHAR[], 1) AS i) ORDER BY i"
    return [value for (value,) in connection.execute(query, [texts, texts]).fetchall()]


@pytest.mark.parametrize("step", STEPS)
@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXT, min_size=1, max_size=60))
def test_step_is_the_same_in_both_languages(duck, step, texts):
    """A step gives the same value in Python and in SQL, for whatever text people store."""
    name, arguments = parse_step(step, None)
    expected = [NORMALIZERS[name].python(text, arguments) for text in texts]
    assert expected == column(duck, NORMALIZERS[name].sql("t", arguments), texts)
    assert expected == column(
        duck, NORMALIZERS[name].sql(f"concat({'t, ' * 20}'')[1:length(t)]", arguments), texts
    )


@pytest.mark.parametrize("step", STEPS)
@settings(max_examples=20, deadline=None)
@given(
    texts=st.lists(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)), min_size=1, max_size=60)
)
def test_plain_form_is_the_same_for_plain_text(duck, step, texts):
    """The cheap form of a step is right for printable ASCII without a space."""
    name, arguments = parse_step(step, None)
    expected = [NORMALIZERS[name].python(text, arguments) for text in texts]
    assert expected == column(duck, NORMALIZERS[name].plain("t", arguments), texts)


@pytest.mark.parametrize("check", CHECKS)
@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXT, min_size=1, max_size=60))
def test_check_is_the_same_in_both_languages(duck, check, texts):
    """A value is valid in Python exactly when it is valid in SQL."""
    name, arguments = parse_step(check, None)
    expected = [VALIDATORS[name].python(text, arguments) for text in texts]
    assert expected == column(duck, VALIDATORS[name].sql("t", arguments), texts)


@pytest.mark.parametrize("step", ["lower", "nfc", "trim", "remove_spaces", "remove_punctuation"])
def test_every_code_point(duck, step):
    """Case, composition, white space and punctuation agree on every single code point of the scripts in use."""
    newer = {*range(0xA7CB, 0xA7DD), 0x1C89, 0x1C8A, *range(0x10D40, 0x10D90), *range(0x16EA0, 0x16ED4)}
    texts = [chr(code) for code in range(1, 0x20000) if not 0xD800 <= code < 0xE000 and code not in newer]
    name, arguments = parse_step(step, None)
    expected = [NORMALIZERS[name].python(text, arguments) for text in texts]
    actual = column(duck, NORMALIZERS[name].sql("t", arguments), texts)
    assert [] == [(hex(ord(t)), e, a) for t, e, a in zip(texts, expected, actual, strict=True) if e != a]


@pytest.mark.parametrize(
    ("step", "raw", "expected"),
    [
        ("trim", "\ufeff a@b.example\n", "a@b.example"),
        ("lower", "\u0130STANBUL", "istanbul"),
        ("lower", "\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c3"),
        ("nfc", "Vale\u0301ry", "Val\u00e9ry"),
        ("remove_punctuation", "O\u2019Neil-Smith, Jr.", "ONeilSmith Jr"),
        ("remove_dots_and_suffix_for:gmail.com", "a.b+c@gmail.com", "ab@gmail.com"),
        ("remove_dots_and_suffix_for:gmail.com", "a.b+c@mail.example", "a.b+c@mail.example"),
        ("remove_dots_and_suffix_for:gmail.com", "+c@gmail.com", None),
        ("remove_dots_and_suffix", "a.b-1+c@mail.example", "ab-1@mail.example"),
        ("remove_dots_and_suffix", ".+c@mail.example", None),
        ("remove_dots_and_suffix", "a.b", "a.b"),
        ("country_alpha2", "united states", "us"),
        ("country_alpha2", "de", "de"),
        ("country_alpha2", "atlantis", None),
        ("date_yyyymmdd", "2/16/1997", "19970216"),
        ("date_yyyymmdd", "1997-02-30", None),
        ("gender_m_f", "female", "f"),
        ("gender_m_f", "x", None),
        ("us_zip_to_five", "94035-1234", "94035"),
        ("us_zip_to_five", "m1 1ae", "m1 1ae"),
    ],
)
def test_what_a_step_does(step, raw, expected):
    """The steps do what their names say, and give None for what they cannot make valid."""
    name, arguments = parse_step(step, None)
    assert expected == NORMALIZERS[name].python(raw, arguments)


@pytest.mark.parametrize(
    ("address", "valid"),
    [
        ("person@shop.example", True),
        ("o'neil.a+b@mail.shop.example", True),
        ("j\u00f6rg@b\u00fccher.example", True),
        ("person@shop", False),
        ("person@shop..example", False),
        ("per son@shop.example", False),
        ("person@@shop.example", False),
        ("Person <person@shop.example>", False),
        ("a@b.example,c@d.example", False),
        ("@shop.example", False),
    ],
)
def test_what_is_an_email_address(address, valid):
    """An address has one @, a local part and a domain with a dot, and no list or display name around it."""
    name, arguments = parse_step("email", None)
    assert valid == VALIDATORS[name].python(address, arguments)
