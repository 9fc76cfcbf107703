"""`audiform init`: a working project, copied from an example that the tests run."""

from __future__ import annotations

import re
from pathlib import Path

import click

from audiform.bundled import bundled
from audiform.cli.copying import write_new
from audiform.cli.options import Options, project_options


@click.command(epilog="Example: audiform init shop && cd shop && audiform plan")
@click.argument(
    "folder", metavar="[DIRECTORY]", type=click.Path(file_okay=False, path_type=Path), default=Path()
)
@click.option(
    "--template",
    type=click.Choice(["starter", "shop", "events"]),
    default="starter",
    help="The example to start from.",
)
@project_options
def command(options: Options, folder: Path, template: str) -> None:
    """Make a working project in DIRECTORY: data, an audience, a connector and a binding to change."""
    target = options.root / folder
    files = _contents(bundled() / "examples" / template)
    project = Path("audiform.yaml")
    write_new(target, files | {project: _named(files[project], target)})
    options.output.note(
        f"Made {len(files)} files in {target}. Next:\n\n    cd {target}\n    audiform validate\n    audiform plan\n"
    )


def _contents(folder: Path) -> dict[Path, bytes]:
    """Return the template's files; `gitignore` stands in for `.gitignore`, which packaging would leave out."""
    names = {Path("gitignore"): Path(".gitignore")}
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    relative = {path: path.relative_to(folder) for path in paths if path.suffix != ".py"}
    return {names.get(name, name): path.read_bytes() for path, name in relative.items()}


def _named(content: bytes, target: Path) -> bytes:
    """Name the project after its folder, where the folder's name can be one."""
    name = re.sub(r"[^a-z0-9_-]+", "_", target.resolve().name.lower()).strip("_-")
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
        return content
    return re.sub(rb"(?m)^project: .*$", f"project: {name}".encode(), content)
