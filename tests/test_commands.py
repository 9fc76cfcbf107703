"""Every command explains itself with an example, and every diagnostic code is both described and in use."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from keyword import iskeyword
from pathlib import Path

import click
import pytest

from audiform.cli.main import COMMANDS, cli
from audiform.codes import CODES, SUBJECTS

CHECKOUT = Path(__file__).resolve().parent.parent
ENGINE = CHECKOUT / "engine" / "audiform"
CODE = re.compile(r"[a-z]+(-[a-z0-9]+)+")


def leaves(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield a command and all below it, each with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from leaves(inner, (*path, name))


def commands(*names: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield each of the named commands of `audiform` and each subcommand of those."""
    context = click.Context(cli)
    for name in names:
        command = cli.get_command(context, name)
        assert command is not None
        yield from leaves(command, (name,))


def help_of(path: tuple[str, ...], command: click.Command) -> str:
    """Return what `--help` prints, with its lines joined."""
    with click.Context(command, info_name=" ".join(("audiform", *path)), max_content_width=100) as context:
        return " ".join(command.get_help(context).split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name):
    """`--help` of a command and of each of its subcommands says what it does and shows a call of exactly that one."""
    problems = []
    for path, command in commands(name):
        text, call = help_of(path, command), " ".join(path)
        if not (command.help or "").strip():
            problems.append(f"audiform {call}: has no description")
        if not re.search(rf"Examples?:.*\baudiform\b[^$|]*\b{re.escape(call)}\b", text):
            problems.append(f"audiform {call}: no `Example: audiform {call} ...` in its help")

    assert [] == problems


@pytest.mark.parametrize("name", COMMANDS)
def test_no_two_parameters_have_one_name(name):
    """An argument that is called like an option (`-C` is `directory`) would overwrite it in silence."""
    for path, command in commands(name):
        names = [str(parameter.name) for parameter in command.params]
        assert sorted(set(names)) == sorted(names), path


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does(name):
    """No option stands in a help text without a word about it."""
    silent = [
        f"audiform {' '.join(path)} {option.opts[0]}"
        for path, command in commands(name)
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden and not option.help
    ]

    assert [] == silent


def test_the_list_of_commands_is_one_sentence_each():
    """A line of `audiform --help` is one sentence, and leads to the module that is called like the command.

    `import` cannot be a module's name.
    """
    assert [] == [name for name, (_, text) in COMMANDS.items() if not re.fullmatch(r"[A-Z][^.]*\.", text)]
    assert [] == [
        name
        for name, (place, _) in COMMANDS.items()
        if place != f"audiform.cli.{name.replace('-', '_')}{'_' * iskeyword(name)}:command"
    ]


# --- Codes of diagnostics


def texts_in(file: Path) -> Iterator[tuple[str, int, bool]]:
    """Yield (text, line, whether it is given as a diagnostic's code) of each plain string in a module."""
    tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    given = set(_given_as_code(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
            yield node.value, node.lineno, node in given


def _given_as_code(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _branches(*(keyword.value for keyword in node.keywords if keyword.arg == "code"))
            if isinstance(node.func, ast.Name | ast.Attribute) and _name(node.func) == "Diagnostic":
                yield from _branches(*node.args[:1])


def _branches(*nodes: ast.expr) -> Iterator[ast.expr]:
    """Yield the nodes, and of a choice (`a if b else c`) both sides."""
    for node in nodes:
        if isinstance(node, ast.IfExp):
            yield from _branches(node.body, node.orelse)
        else:
            yield node


def _name(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def texts_of_the_engine() -> Iterator[tuple[str, str, bool]]:
    """Yield (text, place, whether given as a code) of all modules but those that describe the codes."""
    for file in sorted(ENGINE.rglob("*.py")):
        if ENGINE / "codes" not in file.parents:
            for text, line, given in texts_in(file):
                yield text, f"{file.relative_to(CHECKOUT)}:{line}", given


def test_every_code_in_use_is_described():
    """A diagnostic without a section in docs/diagnostics.md leaves its reader alone."""
    unknown = [
        f"{place}: `{text}` has no entry in engine/audiform/codes"
        for text, place, given in texts_of_the_engine()
        if given and text not in CODES
    ]

    assert [] == unknown


def test_every_described_code_is_in_use():
    """A code that nothing reports any more is documentation of what does not happen."""
    used = {text for text, _, _ in texts_of_the_engine()}

    assert [] == [f"`{code}` is described and never used" for code in CODES if code not in used]


def test_no_code_is_described_twice():
    """A code stands in the file of one subject."""
    described = [code for codes in SUBJECTS.values() for code in codes]

    assert sorted(set(described)) == sorted(described)


def test_codes_are_found_where_they_stand(tmp_path):
    """The tests above are not blind: a code is seen as a keyword, as the first argument, and on both sides of a choice."""
    file = tmp_path / "module.py"
    file.write_text(
        'Diagnostic("one-a")\nf(code="two-b" if x else "three-c")\ny = "four-d"\n', encoding="utf-8"
    )

    assert [("one-a", 1, True), ("two-b", 2, True), ("three-c", 2, True), ("four-d", 3, False)] == sorted(
        texts_in(file), key=lambda found: ("one-a", "two-b", "three-c", "four-d").index(found[0])
    )
