"""`audiform fmt`: one layout; comments, quotes, anchors and order stay."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from audiform.bundled import bundled
from audiform.cli.fmt import formatted
from audiform.cli.main import run
from audiform.config.documents import read_document
from audiform.config.files import Text

MESSY = """\
# Who lapsed
audiences:
      lapsed:   # the usual
            source:   shop
            query: |
                  SELECT 1

                  FROM x   -- kept
            identifiers: {email:   "email",phone: 'phone'}
            tags:
            - a
            -   b


            guards: &usual {max_removed: 20%}
      other: {guards: *usual, yes: no, date: 2026-01-01, octal: 0o17}
"""


def test_layout(snapshot: SnapshotAssertion):
    """Indentation and spacing change; comments, quotes, anchors, blocks and order do not."""
    assert snapshot == formatted(MESSY, "a.yaml")


def test_formatting_twice_changes_nothing():
    """The layout is a fixed point."""
    once = formatted(MESSY, "a.yaml")

    assert once == formatted(once, "a.yaml")


SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text("abc:#-'\" {}[]&*!|>%@\n", max_size=8)
)
DATA = st.dictionaries(
    st.text("abcxyz_", min_size=1, max_size=5),
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", min_size=1), inner)
    ),
    max_size=4,
)


@settings(deadline=None)
@given(DATA)
def test_the_meaning_stays(data):
    """A formatted file holds what it held before."""
    import json

    text = json.dumps(data)
    before, _ = read_document(Text("a.yaml", text, ""))
    after, problems = read_document(Text("a.yaml", formatted(text, "a.yaml"), ""))

    assert ([], before) == (problems, after)


@pytest.mark.parametrize("example", ["shop", "starter"])
def test_examples_are_formatted(example, capsys):
    """What `init` makes is laid out as `fmt` would."""
    assert 0 == run(["-C", str(bundled() / "examples" / example), "fmt", "--check"])


def test_check_and_diff_change_nothing(tmp_path, capsys, snapshot: SnapshotAssertion):
    """`--check` fails and `--diff` shows what would change; the file stays."""
    file = tmp_path / "a.yaml"
    file.write_text("a:   1\n", encoding="utf-8")

    assert (1, 0) == (
        run(["-C", str(tmp_path), "fmt", "--check"]),
        run(["-C", str(tmp_path), "fmt", "--diff"]),
    )
    assert "a:   1\n" == file.read_text(encoding="utf-8")
    assert snapshot == capsys.readouterr().out


def test_files_are_formatted_in_place(tmp_path, capsys):
    """A file is replaced as a whole, with its rights."""
    file = tmp_path / "a.yaml"
    file.write_text("a:   1\n", encoding="utf-8")
    file.chmod(0o640)

    assert 0 == run(["-C", str(tmp_path), "fmt"])
    assert ("a: 1\n", 0o640) == (file.read_text(encoding="utf-8"), file.stat().st_mode & 0o777)


@pytest.mark.parametrize(
    "content", [b"a: [\n", b"caf\xe9: 1\n", b"a: 1\na: 2\n", b"a: " + b"[" * 5000 + b"]" * 5000]
)
def test_what_cannot_be_read_is_said(content, tmp_path, capsys):
    """A file that is not YAML is left alone, and said where and why."""
    (tmp_path / "a.yaml").write_bytes(content)

    assert 1 == run(["-C", str(tmp_path), "fmt"])
    assert content == (tmp_path / "a.yaml").read_bytes()
    assert "a.yaml:" in capsys.readouterr().err
