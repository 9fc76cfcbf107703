"""The fast reader decides, the exact one explains: whatever the fast one takes, the exact one reads the same way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audiform.bundled import bundled
from audiform.config import fast, nodes

CORPUS = sorted((Path(__file__).parent / "corpus").rglob("*.yaml"))
EXAMPLES = sorted(bundled().joinpath("examples").rglob("*.yaml"))

TOKENS = [
    *(
        "a",
        "b",
        "key",
        "a b",
        "é",
        "x-y",
        "a.b",
        "a/b",
        "==",
        "=",
        "\\",
        "it's",
        "<<",
        "?",
        "? ",
        "@",
        "`",
        "%",
        "$",
    ),
    *(
        ": ",
        ":",
        ":\n",
        ": \n",
        "\n",
        "\n  ",
        "\n    ",
        "\n- ",
        "\n  - ",
        "- ",
        " ",
        "  ",
        "\t",
        "\n\n",
        " \n",
    ),
    *(
        "[",
        "]",
        "{",
        "}",
        ",",
        ", ",
        "[]",
        "{}",
        "[a, b]",
        "{a: 1}",
        "{a}",
        "{a, b: c}",
        "{a: , b: }",
        "[a: b]",
    ),
    *("'", '"', "'a'", '"a"', '"a\\n"', "'it''s'", '"\\u0041"', "''", '""', '"a: b"', "'# x'"),
    *(
        "#",
        " #",
        " # note",
        "# a: b\n",
        "|",
        ">",
        "|-",
        ">+",
        "|2",
        "|\n",
        ">\n",
        "|\n  text\n",
        ">-\n  folded\n  text\n",
    ),
    *(
        "&x",
        "&x ",
        "*x",
        "*x ",
        "!",
        "!t ",
        "!!str ",
        "!!int ",
        "!!binary ",
        "!<x> ",
        "---",
        "---\n",
        "\n---\n",
        "...",
        "%YAML 1.2\n",
    ),
    *("~", "null", "Null", "nUll", "true", "True", "tRue", "false", "yes", "no", "on", "off", "y", "n"),
    *(
        "0",
        "1",
        "-1",
        "+1",
        "01",
        "0o17",
        "0x1F",
        "0b1",
        "1_000",
        "1.5",
        ".5",
        "1.",
        "1e3",
        "1E-3",
        "-.5",
        "+.5e1",
    ),
    *(".inf", "-.INF", ".nan", "0.1.2", "12:30", "2026-01-01", "2026-01-01T00:00:00Z", "9223372036854775807"),
    *(
        "9223372036854775808",
        "-9223372036854775808",
        "123456789012345678901",
        "1e400",
        "9007199254740993.0",
        "0.0",
        "-0",
    ),
    *("\u2028", "\x85", "\ufeff", "\x07", "\x00", "\r", "\r\n", "\ufffe", "\U0001f600"),
]
SOUP = st.lists(st.sampled_from(TOKENS), max_size=14).map("".join)
# What YAML takes without an escape.
TEXTS = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn"), exclude_characters="\ufeff"
    ),
    max_size=6,
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
DATA = st.dictionaries(
    st.text("abcé: #", max_size=4),
    st.recursive(
        SCALARS,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("ab1~", max_size=3), inner, max_size=3)
        ),
    ),
    max_size=4,
)


def typed(value: Any) -> Any:
    """Return `value` so that 1, 1.0 and true differ when they are compared."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value).__name__, value


def block_style(value: Any, indent: str = "") -> str:
    """Return `value` as YAML in block style, its scalars as JSON."""
    if isinstance(value, dict) and value:
        lines = [f"{indent}{json.dumps(key)}:{_below(item, indent)}" for key, item in value.items()]
        return "\n".join(lines)
    if isinstance(value, list) and value:
        return "\n".join(f"{indent}-{_below(item, indent)}" for item in value)
    return f"{indent}{json.dumps(value)}"


def _below(item: Any, indent: str) -> str:
    nested = isinstance(item, dict | list) and item
    return f"\n{block_style(item, indent + '  ')}" if nested else f" {json.dumps(item)}"


def assert_agreed(text: str) -> bool:
    """Assert that the exact reader has no other opinion than the fast one; return whether that had one."""
    value = fast.parse(text)
    if value is None:
        return False
    composed = nodes.compose(text)
    assert [] == composed.troubles, text
    assert composed.node is not None
    assert typed(nodes.plain(composed.node)) == typed(value), text
    return True


@settings(max_examples=2_000, deadline=None)
@given(SOUP)
@example("a: 1\n---\nb: 2\n")
@example("a: 1\na: 2\n")
@example("a: {b, b: 1}\n")
@example("a: !!str 1\n")
@example("a: &x 1\nb: *x\n")
@example("<<: {a: 1}\n")
@example("a: 123456789012345678901\n")
@example("a: |\n\n")
@example("a:\n  - b\n -c")
def test_they_agree_on_anything(text):
    """Tokens of YAML in any order, right and wrong: what the fast reader takes means the same to the exact one."""
    assert_agreed(text)


@settings(max_examples=300, deadline=None)
@given(SOUP, SOUP)
def test_they_agree_inside_of_a_map(key, value):
    """The same, where most of it is a value."""
    assert_agreed(f"a: {value}\n")
    assert_agreed(f"a:\n  {key}: {value}\n")
    assert_agreed(f"a: {{b: {value}, c: {key}}}\n")


@settings(max_examples=300, deadline=None)
@given(DATA)
def test_they_agree_on_data(data):
    """Data of every kind, written in both styles, is read as it was; numbers that JSON has no form for are refused."""
    for text in (json.dumps(data, ensure_ascii=False), block_style(data)):
        assert_agreed(text)
        composed = nodes.compose(text)
        if not composed.troubles and composed.node is not None:
            assert typed(data) == typed(nodes.plain(composed.node))


@pytest.mark.parametrize("file", [*CORPUS, *EXAMPLES], ids=lambda file: "/".join(file.parts[-3:]))
def test_they_agree_on_files(file):
    """The files of the corpus and of the examples."""
    try:
        assert_agreed(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        assert "not_utf8" in str(file)


def test_the_fast_reader_reads_most():
    """Files as people write them, an editor's `$schema` line included, take the fast path: the tests are not blind."""
    # What says how a request is written (a connector type of one's own, `${...}` where a connector says it itself) is
    # no part of this: it is written once, full of references.
    files = [file for file in EXAMPLES if "connectors" not in file.parts[len(bundled().parts) :]]
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    resources = [file for file, text in texts.items() if "${" not in text]
    slow = [file for file in resources if fast.parse(texts[file]) is None]

    assert len(slow) <= len(resources) // 10, slow
