"""Every published schema by name, and the files that they are kept in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from audiform.config.kinds import EnvironmentFile, ProjectFile
from audiform.config.models import Model
from audiform.connectors.catalog import Catalog
from audiform.connectors.manifest import Manifest
from audiform.plan import serialise
from audiform.schemas.resources import overrides_schema, resources_schema
from audiform.schemas.templated import Schema, untitled
from audiform.shapes import is_list, is_map

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
HOME: Final = "https://audiform.dev/schemas"
_WIDTH: Final = 110


def schema(name: str) -> Schema:
    """Return the schema `name`, one of `NAMES`."""
    made = _MAKERS[name]()
    return {
        "$schema": DIALECT,
        "$id": f"{HOME}/{file_name(name)}",
        **{key: value for key, value in made.items() if key != "$schema"},
    }


def file_name(name: str) -> str:
    """Return the name of the file that a schema is kept in."""
    return f"{name}.schema.json"


def text(name: str) -> str:
    """Return the schema `name` as the text of its file."""
    return _laid_out(schema(name), "") + "\n"


def write_all(folder: Path) -> list[Path]:
    """Write every schema to its file in `folder`; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for name in NAMES:
        file = folder / file_name(name)
        file.write_text(text(name), encoding="utf-8")
        files.append(file)
    return files


def _laid_out(value: Any, indent: str) -> str:
    """Return `value` as JSON in which everything that fits into a line stands in one: a tenth of the lines."""
    short = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(short) <= _WIDTH or not (is_map(value) or is_list(value)) or not value:
        return short
    deeper = f"{indent}  "
    if is_map(value):
        parts = [f"{json.dumps(key)}: {_laid_out(item, deeper)}" for key, item in value.items()]
        return f"{{\n{deeper}" + f",\n{deeper}".join(parts) + f"\n{indent}}}"
    parts = [_laid_out(item, deeper) for item in value]
    return f"[\n{deeper}" + f",\n{deeper}".join(parts) + f"\n{indent}]"


def _project() -> Schema:
    return _model(ProjectFile, "Audiform project", "audiform.yaml")


def _environment() -> Schema:
    made = _model(EnvironmentFile, "Audiform environment", "environments/NAME.yaml")
    overrides, definitions = overrides_schema()
    made["properties"]["overrides"] = overrides
    made["$defs"] = {**definitions, **made["$defs"]}
    return made


def _resources() -> Schema:
    # The shipped types only: a project's own are described by their manifests.
    catalog = Catalog()
    kinds = [catalog.get(name) for name in catalog.names()]
    return resources_schema(kinds)


def _manifest() -> Schema:
    made = _model(Manifest, "Audiform connector manifest", "connectors/TYPE/manifest.yaml")
    is_event = {"properties": {"kind": {"const": "event"}}}
    events, people = (
        {"required": [*names]}
        for names in (("fields", "deduplication"), ("identity", "identifiers", "destination"))
    )
    return {**made, "if": is_event, "then": events, "else": people}


def _model(model: type[Model | Manifest], title: str, description: str) -> Schema:
    made: Schema = untitled(model.model_json_schema())
    return {**made, "title": title, "description": description}


_MAKERS: Final[Mapping[str, Callable[[], Schema]]] = {
    "project": _project,
    "resources": _resources,
    "environment": _environment,
    "connector-manifest": _manifest,
    "plan": serialise.schema,
}
NAMES: Final = tuple(_MAKERS)
