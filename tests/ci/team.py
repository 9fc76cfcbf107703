"""A team's repository, its runners and what they share, for tests of `examples/ci`: each job runs in a clone of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SECRETS = {
    "AUDIFORM_PLAN_KEY": "a shared key that is long enough for plans",
    "META_ACCESS_TOKEN": "any-secret-will-do",
}
# `gh`, as far as the workflow uses it: a comment that is replaced, pull requests of a commit, artifacts by name.
_GH = """#!/bin/sh
set -eu
case "$1 $2" in
  "pr comment") shift 5; [ "$1" = --body-file ]; cp "$2" "$HUB/comment.md"; echo posted >> "$HUB/posted" ;;
  "api repos/"*) cat "$HUB/number" ;;
  "run download") cp "$HUB/artifacts/$4/"* . ;;
  *) echo "this gh does not know: $*" >&2; exit 64 ;;
esac
"""


@dataclass(frozen=True)
class Done:
    """What a job ended with, and all that it printed."""

    code: int
    text: str


@dataclass
class Team:
    """A bare repository, a person's clone of it, a folder that runners share, and programs on the path."""

    folder: Path
    environment: Mapping[str, str]
    jobs: int = field(default=0)

    @property
    def laptop(self) -> Path:
        """The clone in which somebody edits."""
        return self.folder / "laptop"

    @property
    def shared(self) -> Path:
        """What all runners can reach: plans, and what a hub keeps."""
        return self.folder / "shared"

    def git(self, *arguments: str) -> str:
        """Run git on the laptop; return what it prints."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.laptop,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def push(self, message: str) -> None:
        """Commit everything on the laptop and push the branch."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "--set-upstream", "origin", "HEAD")

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace the only `old` of a file on the laptop."""
        path = self.laptop / file
        text = path.read_text(encoding="utf-8")
        assert 1 == text.count(old), f"{file} has {text.count(old)} times: {old}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def job(self, branch: str, script: str, **variables: str) -> Done:
        """Run a script in a new clone of a branch: another folder and other processes than any job before."""
        self.jobs += 1
        clone = self.folder / f"runner-{self.jobs}"
        environment = {**self.environment, **variables}
        subprocess.run(
            ["git", "clone", "--quiet", "--branch", branch, self.folder / "hub.git", clone],
            env=environment,
            check=True,
        )
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return Done(done.returncode, done.stdout)


def make_team(folder: Path, **variables: str) -> Team:
    """Make the repository with a first, empty commit on `main`, and its clone."""
    programs = folder / "programs"
    programs.mkdir()
    _program(programs / "audiform", f'#!/bin/sh\nexec "{sys.executable}" -m audiform "$@"\n')
    _program(programs / "gh", _GH)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AUDIFORM_", "GIT_"))}
    team = Team(
        folder,
        {
            **kept,
            **SECRETS,
            **variables,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "HUB": str(folder / "shared"),
            "NO_COLOR": "1",
        },
    )
    (team.shared / "artifacts").mkdir(parents=True)
    (folder / ".gitconfig").write_text(
        "[user]\nname = Ada\nemail = ada@example.com\n[init]\ndefaultBranch = main\n", encoding="utf-8"
    )
    for command in (["init", "--bare", "hub.git"], ["clone", "hub.git", "laptop"]):
        subprocess.run(
            ["git", *command], cwd=folder, env=dict(team.environment), check=True, capture_output=True
        )
    return team


def copied(team: Team, name: str, file: str) -> None:
    """Keep a file of the last runner as an artifact of this name, as the action for it does."""
    folder = team.shared / "artifacts" / name
    folder.mkdir(exist_ok=True)
    shutil.copy(team.folder / f"runner-{team.jobs}" / file, folder)


def _program(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
