"""What others have named reaches a terminal, a log or a pull request as text, and steers nothing there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from audiform.cli.main import run
from audiform.cli.output import Output, Style, harmless, paint
from audiform.connectors.masking import mask
from cli.shell import Shell

STEERING = "\x1b]0;title\x07\x1b[2J\x1b[8m\x9b31m\r\x08\x7f\u202e\u2066\u200f"
"""A title, a cleared screen, hidden text, a colour by one character, overwriting, letters in another order."""


def test_a_terminal_obeys_nobody_but_us():
    """Control characters and changes of direction are shown as escapes; the colours that we paint stay."""
    said = harmless(paint(f"a{STEERING}b", Style.ERROR, colour=True), colour=True)

    expected = (
        "a\\u001b]0;title\\u0007\\u001b[2J\\u001b[8m\\u009b31m\\u000d\\u0008\\u007f\\u202e\\u2066\\u200fb"
    )
    assert f"\x1b[31m{expected}\x1b[0m" == said


def test_without_colour_there_is_no_escape_at_all():
    """A log file holds none either, and text of other languages stays as it is."""
    assert "\\u001b[31mrot" == harmless("\x1b[31mrot", colour=False)
    assert "Größe\t你好\n👩‍💻" == harmless("Größe\t你好\n👩‍💻", colour=False)


def test_json_says_the_same_with_escapes(capsys: pytest.CaptureFixture[str]):
    """A character that is escaped for the terminal's sake is the same to whoever reads the JSON."""
    Output().json({"name": STEERING})
    out = capsys.readouterr().out

    assert {"name": STEERING} == json.loads(out)
    assert out.replace("\n", "").isprintable()


def test_each_channel_is_harmless(capsys: pytest.CaptureFixture[str]):
    """Data, notes, details and problems go through the same door."""
    output = Output(verbose=True)
    for say in (output.data, output.note, output.detail, output.problem):
        say(STEERING)
    out, err = capsys.readouterr()

    assert (out + err).replace("\n", "").isprintable()


def test_a_message_of_a_platform_is_one_line_of_text():
    """It goes into the state, reports and JSON too, so it is cleaned where it is masked."""
    said = mask(f"Invalid{STEERING}field\n::error::forged\u2028line")

    assert said.isprintable()
    assert said.startswith("Invalid ]0;title [2J [8m 31m")


def test_a_long_message_takes_no_time():
    """No form of a message makes the masking slow: it is cut before it is searched."""
    for text in ("a" * 10**7, "aA" * 10**6, "'" * 10**6, "1 " * 10**6, "a@" * 10**6, {"a": ["b"] * 10**5}):
        assert 300 >= len(mask(text))


def test_the_name_of_a_file_steers_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A file in a pull request may have any name, and a broken one is named in a message."""
    (tmp_path / "audiform.yaml").write_text("project: shop\n", encoding="utf-8")
    (tmp_path / "a\x1b[2J\r\u202eb.yaml").write_text("audiences: [", encoding="utf-8")

    for form in ("text", "github", "json", "sarif"):
        code = run(["-C", str(tmp_path), "validate", "--format", form])
        out, err = capsys.readouterr()

        assert 1 == code
        assert (out + err).replace("\n", "").isprintable(), form


@pytest.mark.parametrize(
    "name", [b"a\n::stop-commands::x\n.yaml", b"\xff\xfe.yaml", b"environments/a\nb.yaml"]
)
def test_the_name_of_a_file_begins_no_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: bytes):
    """A CI service takes lines that begin with `::` for commands; a name with a line feed, or of no text, is refused."""
    (tmp_path / "audiform.yaml").write_text("project: shop\n", encoding="utf-8")
    (tmp_path / "environments").mkdir()
    (tmp_path / os.fsdecode(name)).write_text("{}", encoding="utf-8")

    code = run(["-C", str(tmp_path), "validate"])
    out, err = capsys.readouterr()

    assert 1 == code
    assert "unreadable-file" in out + err
    assert not any(line.lstrip().startswith("::") for line in (out + err).splitlines())


def test_the_name_of_a_column_steers_nothing(shell: Shell):
    """Whoever writes the source's files chooses its columns, and a message lists them."""
    (shell.root / "people.csv").write_text(
        "number,\x1b[2Jemail,consent,score\n1,a,true,1\n", encoding="utf-8"
    )
    shell.write(audiences={"buyers": {**_audience(shell.root), "query": "FROM people"}})
    shell.bind("lapsed")

    said = shell("plan")

    assert 1 == said.code
    assert "missing-column" in said.err
    assert (said.out + said.err).replace("\n", "").isprintable()


def _audience(root: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((root / "audiences.yaml").read_text())["audiences"]["buyers"]
    return found
