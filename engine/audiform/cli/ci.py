"""`audiform ci init`: the steps of a pull request for a kind of CI, with the project's own secrets and state filled in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click

from audiform.bundled import bundled
from audiform.cli.copying import write_new
from audiform.cli.opening import open_project
from audiform.cli.options import Options, project_options
from audiform.config.project import Project
from audiform.config.secret_references import FromEnv
from audiform.plan.records import secrets_of

EXTRAS = {"postgresql": "postgresql", "postgres": "postgresql", "s3": "s3"}
"""Scheme of the state's URL -> the extra that it needs."""


@click.group(epilog="Example: audiform ci init github")
def command() -> None:
    """Run Audiform in CI: check and plan in the pull request, apply after the merge, look for drift."""


@command.command("init", epilog="Example: audiform -e production ci init github")
@click.argument("runner", type=click.Choice(["github", "gitlab", "shell"]))
@project_options
def init(options: Options, runner: str) -> None:
    """Copy the steps for RUNNER into the project, with the secrets that its connectors name.

    They plan and apply the environment of -e, or else the project's default one.
    """
    project, _ = open_project(options)
    files = KINDS[runner](project)
    write_new(options.root, files)
    made = "\n".join(f"    {path.as_posix()}" for path in files)
    options.output.note(f"Made for the environment {project.environment.name}:\n\n{made}\n")
    if project.state.url.startswith("file:"):
        options.output.note(
            "note: the state is in a folder, which runners do not share. Let it move before the first apply in CI:\n\n"
            '    audiform state migrate "postgresql://HOST/DATABASE"\n'
        )


def _github(project: Project) -> Mapping[Path, bytes]:
    text = _example("github/audiform.yml")
    given = "".join(f"      {name}: ${{{{ secrets.{name} }}}}\n" for name in _secrets(project))
    text = text.replace("      ADS_ACCESS_TOKEN: ${{ secrets.ADS_ACCESS_TOKEN }}\n", given)
    return {Path(".github/workflows/audiform.yml"): _filled(text, project).encode()}


def _gitlab(project: Project) -> Mapping[Path, bytes]:
    text = _example("gitlab/audiform.yml")
    return {Path(".gitlab/audiform.yml"): _filled(text, project).encode()}


def _shell(_: Project) -> Mapping[Path, bytes]:
    scripts = ("check.sh", "plan.sh", "apply.sh", "drift.sh")
    return {Path("ci") / name: _example(f"shell/{name}").encode() for name in scripts}


KINDS: Mapping[str, Callable[[Project], Mapping[Path, bytes]]] = {
    "github": _github,
    "gitlab": _gitlab,
    "shell": _shell,
}


def _example(name: str) -> str:
    return (bundled() / "examples" / "ci" / name).read_text(encoding="utf-8")


def _filled(text: str, project: Project) -> str:
    """Name the environment, and install what the state needs."""
    extra = EXTRAS.get(project.state.url.partition(":")[0])
    named = re.sub(r"(?m)^(  ENVIRONMENT:) production$", rf"\1 {project.environment.name}", text)
    return named.replace("audiform[postgresql]", f"audiform[{extra}]" if extra else "audiform")


def _secrets(project: Project) -> Iterable[str]:
    """Return the environment variables that the connectors' secrets are in, in order of name."""
    references = [
        *(item for one in project.connectors.values() for item in secrets_of(one).values()),
        *(item for one in project.event_connectors.values() for item in secrets_of(one).values()),
        *(item for one in project.event_sources.values() for item in secrets_of(one).values()),
    ]
    return sorted({item.from_env for item in references if isinstance(item, FromEnv)})
