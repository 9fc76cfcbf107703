"""What the documentation shows is what happens: its console blocks run, and print what stands in them.

A block belongs to this when its first line starts with `$ `. All blocks of a page run in one shell, one after the
other, in an empty folder; standard error is shown where a reader would see it. In the output that a block shows,
a line `...` stands for any lines. A block that cannot run here says why: `<!-- not run: it needs an account -->`
on the line before it. Commands that install or fetch are never run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
PAGES = [
    CHECKOUT / "README.md",
    *sorted((CHECKOUT / "docs").rglob("*.md")),
]
BLOCK = re.compile(r"(?P<above>[^\n]*)\n```console\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
NOT_RUN = re.compile(r"<!-- not run: \S.* -->")
INSTALLS = re.compile(r"\$ (git clone|make|pip|pipx|uv|uvx|python3?|\.venv/bin/\w+) ")
SECONDS = 60
# The database of the pages' team is one of the tests' own, with its own password.
DATABASE = "audiform@db.example.com"
PASSWORD = re.compile(r"export PGPASSWORD=\S+")
ANY = "..."
BUG = 70

# What differs from run to run, or from machine to machine.
CHANGING = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? ?(s|ms|seconds?)\b"), "DURATION"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"[ \t]+$"), ""),
)


@dataclass(frozen=True)
class Command:
    """One command of a page and what the page shows below it; None where the block shows no output at all."""

    line: int
    text: str
    shown: tuple[str, ...] | None


def commands_of(page: str) -> Iterator[Command]:
    """Yield the commands of a page that run here."""
    for block in BLOCK.finditer(page):
        text = block["text"]
        if not text.startswith("$ ") or NOT_RUN.search(block["above"]):
            continue
        first = page.count("\n", 0, block.start("text")) + 1
        shows = any(not line.startswith(("$ ", "> ")) for line in text.splitlines())
        for command, line, below in _parts(text):
            if not INSTALLS.match(f"$ {command} "):
                yield Command(first + line, command, below if shows else None)


def _parts(text: str) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """Yield (command, line in the block, lines below it); `> ` continues a command."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip_longest(starts, starts[1:], fillvalue=len(lines)):
        more = start + 1
        while more < end and lines[more].startswith("> "):
            more += 1
        command = "\n".join(line[2:] for line in lines[start:more])
        yield command.partition("   # ")[0].rstrip(), start, tuple(lines[more:end])


def run(
    commands: list[Command], folder: Path, variables: Mapping[str, str] | None = None
) -> list[tuple[int, list[str]]]:
    """Run the commands in one shell; return exit code and printed lines of each."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    shim = bin_folder / "audiform"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m audiform "$@"\n', encoding="utf-8")
    shim.chmod(0o755)
    work = folder / "work"
    work.mkdir()
    mark = "\x1e"
    # A server in the background ends with the page.
    script = "trap 'kill $(jobs -p) 2>/dev/null' EXIT\n" + "".join(
        f"{command.text}\nprintf '\\n{mark}%s{mark}\\n' $?\n" for command in commands
    )
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AUDIFORM_", "XDG_"))
    }
    environment |= {
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(folder / "cache"),
        "NO_COLOR": "1",
        "COLUMNS": "120",
        **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "Ada"),
        **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "ada@example.com"),
        **(variables or {}),
    }
    done = subprocess.run(
        ("bash", "-c", script),
        cwd=work,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    parts = done.stdout.split(mark)
    return [
        (int(code), printed.strip("\n").splitlines())
        for printed, code in zip(parts[::2], parts[1::2], strict=False)
    ]


def steady(line: str) -> str:
    """Return a line without what changes from run to run."""
    for pattern, name in CHANGING:
        line = pattern.sub(name, line)
    return line


def is_shown(shown: list[str], printed: list[str]) -> bool:
    """Whether the printed lines are those shown; `...` stands for any number of lines."""
    if not shown:
        return not printed
    if shown[0] == ANY:
        return any(is_shown(shown[1:], printed[start:]) for start in range(len(printed) + 1))
    return bool(printed) and shown[0] == printed[0] and is_shown(shown[1:], printed[1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_what_a_page_shows_happens(page, tmp_path, request):
    """Each command of the page runs, and prints what the page says that it prints."""
    commands, variables = list(commands_of(page.read_text(encoding="utf-8"))), {}
    if any(DATABASE in command.text for command in commands):
        database = request.getfixturevalue("database")
        commands = [
            replace(one, text=PASSWORD.sub(":", one.text).replace(DATABASE, f"127.0.0.1:{database.port}"))
            for one in commands
        ]
        variables = {"PGUSER": database.user, "PGPASSWORD": database.password}
    results = run(commands, tmp_path, variables) if commands else []

    problems = []
    for command, (code, printed) in zip(commands, results, strict=True):
        place = f"{page.name}:{command.line}: $ {command.text}"
        shown = None if command.shown is None else [steady(line) for line in _trimmed(command.shown)]
        if (shown is None and code) or code == BUG:
            problems.append("\n".join([f"{place}\nends with exit code {code}", *printed]))
        elif shown is not None and not is_shown(shown, [steady(line) for line in printed]):
            problems.append("\n".join([f"{place}\nprints:", *printed]))
    assert not problems, "\n\n".join(problems)


def _trimmed(lines: tuple[str, ...]) -> list[str]:
    return "\n".join(lines).strip("\n").splitlines()


# --- The rules, tested

PAGE = """
```console
$ echo one
one
$ printf 'a\\nb\\nc\\n'
a
...
$ cd / &&
> pwd
/
```

<!-- not run: it needs an account -->
```console
$ false
```

```console
$ git clone somewhere
$ pwd   # the folder is still the same
```
"""


def test_commands_and_what_is_shown_are_told_apart():
    """Commands may go on over lines, blocks may be left out with a reason, and what installs is left out."""
    assert [
        Command(3, "echo one", ("one",)),
        Command(5, "printf 'a\\nb\\nc\\n'", ("a", "...")),
        Command(8, "cd / &&\npwd", ("/",)),
        Command(20, "pwd", None),
    ] == list(commands_of(PAGE))


def test_commands_share_one_shell(tmp_path):
    """A folder that one block went to is where the next one starts."""
    found = run(list(commands_of(PAGE)), tmp_path)

    assert [(0, ["one"]), (0, ["a", "b", "c"]), (0, ["/"]), (0, ["/"])] == found


def test_an_ellipsis_stands_for_any_lines():
    """Lines that are shown must be printed, in this order, with anything where `...` stands."""
    assert is_shown(["a", ANY, "d"], ["a", "b", "c", "d"])
    assert is_shown(["a", ANY], ["a"])
    assert not is_shown(["a", ANY, "d"], ["a", "b"])
    assert not is_shown(["a"], ["a", "b"])


def test_what_changes_from_run_to_run_is_no_difference():
    """Ports, times and durations are shown as they were once."""
    line = "Sandbox at http://127.0.0.1:8484 since 2026-11-24 20:15:01, 1.5 s   "

    assert "Sandbox at http://127.0.0.1:PORT since TIME, DURATION" == steady(line)
