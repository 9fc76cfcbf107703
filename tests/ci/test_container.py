"""The container file: not root, nothing written outside of `/tmp`, and a check of health. Building it needs a registry."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from audiform.cli.main import run


def instructions(checkout: Path) -> list[tuple[str, str]]:
    """Return the instructions of the file with what follows them."""
    text = (checkout / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return re.findall(r"^([A-Z]+) (.*)$", text, re.MULTILINE)


def test_it_is_not_root_and_says_how_it_is(checkout):
    """The last user is nobody special, and whoever runs it can ask whether it is well."""
    found = instructions(checkout)

    assert "audiform" == [rest for name, rest in found if name == "USER"][-1]
    assert [rest for name, rest in found if name == "HEALTHCHECK"]
    assert '["audiform"]' == [rest for name, rest in found if name == "ENTRYPOINT"][-1]


def test_what_it_copies_is_there_and_let_in(checkout):
    """All that the build copies exists, and nothing else gets into its context: no state, no secret, no history."""
    copied = [
        name
        for instruction, rest in instructions(checkout)
        if instruction == "COPY" and not rest.startswith("--")
        for name in rest.split()[:-1]
    ]
    ignored = (checkout / ".containerignore").read_text(encoding="utf-8").split()

    assert [] == [name for name in copied if not (checkout / name).exists()]
    assert ["*", *(f"!{name}" for name in copied)] == ignored


def test_the_root_may_be_read_only(tmp_path):
    """A plan is made where nothing can be written: no cache, no state, no home."""
    project = tmp_path / "project"
    assert 0 == run(["-C", str(tmp_path), "init", "project"])
    environment = {**os.environ, "HOME": "/proc", "XDG_CACHE_HOME": "/proc/cache", "META_ACCESS_TOKEN": "any"}
    done = subprocess.run(
        [sys.executable, "-m", "audiform", "-C", str(project), "plan", "--no-refresh"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    assert not (project / ".audiform").exists()
