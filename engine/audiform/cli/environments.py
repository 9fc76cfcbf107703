"""`audiform environments`: which there are, and what each sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from audiform.cli.options import Options, json_option, project_options
from audiform.config.environment import Frame, read_frame
from audiform.config.files import Folder, read_folder
from audiform.config.places import Places
from audiform.config.project import Environment
from audiform.diagnostics import DiagnosticError
from audiform.shapes import is_list


@click.group(epilog="Example: audiform environments list")
def command() -> None:
    """List and show environments: separate worlds with their own values, state and remote objects."""


@command.command("list", epilog="Example: audiform environments list --json")
@json_option
@project_options
def list_command(options: Options, as_json: bool) -> None:
    """List the project's environments; `*` marks the one that is used without -e."""
    rows = [_row(options, name) for name in _names(options)]
    if as_json:
        options.output.json([row.data for row in rows])
        return
    width = max(len(row.environment.name) for row in rows)
    for row in rows:
        marks = f"{'*' if row.default else ' '} {row.environment.name:<{width}}"
        said = [
            word
            for word in (
                "protected" if row.environment.file.protected else "",
                row.environment.file.description,
            )
            if word
        ]
        options.output.data(f"{marks}  {'; '.join(said)}".rstrip())


@command.command("show", epilog="Example: audiform environments show production")
@click.argument("name", required=False)
@json_option
@project_options
def show_command(options: Options, name: str | None, as_json: bool) -> None:
    """Show what environment NAME sets: values, overrides and guards."""
    row = _row(options, name or options.environment)
    if as_json:
        options.output.json(row.data)
        return
    options.output.data("\n".join(_lines(row.data, "")))


@dataclass(frozen=True, slots=True)
class _Row:
    """One environment; `default` is the one that is used where none is named."""

    environment: Environment
    default: bool

    @property
    def data(self) -> dict[str, Any]:
        """What `--json` prints."""
        file = self.environment.file.model_dump(mode="json", exclude_defaults=True)
        return {"name": self.environment.name, "default": self.default, **file}


def _names(options: Options) -> Sequence[str | None]:
    return [*read_folder(options.root).environments] or [None]


def _row(options: Options, name: str | None) -> _Row:
    """Read one environment.

    Raises:
        DiagnosticError: it or the project's own file is wrong, or there is no such environment.
    """
    folder = read_folder(options.root)
    frame = _frame(folder, name)
    if frame.problems or frame.environment is None:
        raise DiagnosticError([*folder.problems, *frame.problems])
    return _Row(frame.environment, _is_default(folder, frame))


def _frame(folder: Folder, name: str | None) -> Frame:
    if folder.project is None:
        raise DiagnosticError(folder.problems)
    return read_frame(folder, name, {}, Places(folder))


def _is_default(folder: Folder, frame: Frame) -> bool:
    default = frame.project.default_environment if frame.project else None
    name = frame.environment.name if frame.environment else None
    return name == default or (default is None and len(folder.environments) <= 1)


def _lines(data: Any, indent: str) -> list[str]:
    """Return nested data as `key: value`, one to a line."""
    lines: list[str] = []
    for key, value in data.items():
        if isinstance(value, dict) and value:
            lines += [f"{indent}{key}:", *_lines(value, f"{indent}  ")]
        else:
            lines.append(f"{indent}{key}: {_text(value)}")
    return lines


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if is_list(value) else str(value)
