"""Start-up stays near a bare interpreter: what is heavy is imported by the command that needs it, when it needs it."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
HEAVY = PYPROJECT["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-module-level-imports"]

PROBE = """
import json, sys
from audiform.cli.main import run
code = run(sys.argv[1:])
sys.stdout.flush()
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def modules_after(*arguments: str) -> tuple[int, set[str]]:
    """Return the exit code of a command and the modules that a fresh interpreter has imported for it."""
    done = subprocess.run(
        (sys.executable, "-c", PROBE, *arguments), capture_output=True, text=True, check=True, timeout=60
    )
    code, names = json.loads(done.stderr.splitlines()[-1])
    return code, set(names)


@pytest.mark.parametrize(
    "arguments",
    [("version",), ("--version",), ("--help",), ("plan", "--help"), ("completion", "bash")],
    ids=" ".join,
)
def test_nothing_heavy_is_imported_to_say_who_one_is(arguments):
    """The version, the help and the completion of the shell need none of the libraries that take long to import."""
    code, names = modules_after(*arguments)

    assert 0 == code
    assert [] == [name for name in HEAVY if name in names]


@pytest.mark.parametrize("argument", ["version", "--help"])
def test_models_are_not_built_to_say_who_one_is(argument):
    """The models of the YAML take as long to build as the rest of the start-up takes: they wait for a project."""
    _, names = modules_after(argument)

    assert "pydantic" not in names


def test_the_probe_sees_what_a_command_imports():
    """The test above is not blind: a command that reads YAML is seen to import a parser for it."""
    _, names = modules_after("fmt", "--check", "-C", str(CHECKOUT / "examples" / "starter"))

    assert [] != [name for name in HEAVY if name in names]


def test_each_library_of_the_project_is_light_or_on_the_list():
    """A new dependency is either imported late, and on the list, or known to be light."""
    light = {
        "click",
        "tzdata",
        "httpx-aiohttp",
        "pydantic",
        "py-yaml12",
        "pyyaml",
        "ruamel.yaml",
        "jsonschema-rs",
    }
    needed = {text.partition(">=")[0] for text in PYPROJECT["project"]["dependencies"]}

    assert set() == needed - light - set(HEAVY)
