"""`audiform.yaml` and `environments/*.yaml`: the project's own settings, and which environment is meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from audiform import __version__
from audiform.config.declared import NAME
from audiform.config.documents import Document, read_documents
from audiform.config.engine import engine_problems
from audiform.config.files import ENVIRONMENTS, PROJECT_FILE, Folder, Text
from audiform.config.kinds import EnvironmentFile, ProjectFile, State
from audiform.config.places import Places
from audiform.config.project import Environment
from audiform.config.schedule import schedule_problems
from audiform.config.schema import problems_of
from audiform.config.template import Scope, TemplateError, is_templated, render
from audiform.config.version import allows
from audiform.diagnostics import Diagnostic, Location, did_you_mean
from audiform.memory import LEAST, size_of, too_small
from audiform.shapes import is_list, is_map
from audiform.urls import PASSWORD_IN_URL, holds_password

DEFAULT = "default"
"""The name of the environment of a project that has none."""


@dataclass(slots=True)
class Frame:
    """What resources are rendered and judged with.

    `environment` is None when it is not known which one is meant: then nothing can be rendered. `values` are
    also those of a file that has other problems, so that these do not hide what is wrong elsewhere.
    """

    project: ProjectFile | None = None
    environment: Environment | None = None
    text: Text | None = None
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    name: str = "project"
    documents: list[Document] = field(default_factory=list[Document])
    problems: list[Diagnostic] = field(default_factory=list[Diagnostic])


def read_frame(
    folder: Folder, wanted: str | None, known: Mapping[str, Mapping[str, Any]], places: Places
) -> Frame:
    """Return the project's settings and the environment `wanted`, or the one that is meant without a name."""
    frame = Frame()
    if folder.project is not None:
        _read_project(frame, folder.project, known, places)
    name = _chosen(frame, folder, wanted, places)
    if name is None:
        return frame
    text = folder.environments.get(name)
    frame.environment = Environment(name, EnvironmentFile())
    if text is not None:
        _read_environment(frame, name, text, known, places)
    if folder.project is not None:
        _read_state(frame, folder.project, places)
    return frame


def _read_project(frame: Frame, text: Text, known: Mapping[str, Mapping[str, Any]], places: Places) -> None:
    documents, problems = read_documents([text], known)
    frame.problems += problems
    frame.documents += documents
    for document in documents:
        frame.name = str(document.value.get("project", frame.name))
        # The state's URL is rendered: environments may have a server of their own.
        fixed = {key: value for key, value in document.value.items() if key != "state"}
        found = [*_templates(fixed, ())]
        if not found:
            frame.project, found = _validated(ProjectFile, document.value)
        if frame.project is not None:
            found += [*_requirement(frame.project.requires), *_memory(frame.project.memory_limit)]
            found += engine_problems(frame.project.engine)
        frame.problems += (_placed(places, text, item) for item in found)


def _read_environment(
    frame: Frame, name: str, text: Text, known: Mapping[str, Mapping[str, Any]], places: Places
) -> None:
    frame.text = text
    documents, problems = read_documents([text], known)
    frame.problems += problems
    frame.documents += documents
    if not documents:
        # Without its values everything would seem undefined.
        frame.environment = None
    for document in documents:
        values = document.value.get("values")
        frame.values = values if isinstance(values, Mapping) else {}
        fixed = {key: value for key, value in document.value.items() if key != "overrides"}
        found = [*_templates(fixed, ())]
        file, others = _validated(EnvironmentFile, document.value)
        if file is not None:
            frame.environment = Environment(name, file)
            others += schedule_problems(file.schedule, None)
            others += engine_problems(file.engine) if file.engine else ()
        frame.problems += (_placed(places, text, item) for item in [*found, *others])


def _read_state(frame: Frame, text: Text, places: Places) -> None:
    """Render where the state is. A URL with a password is refused, and its line is not shown."""
    if frame.project is None or frame.environment is None:
        return
    scope = Scope({"values": frame.values, "environment": frame.environment.name, "project": frame.name})
    path = ("state", "url")
    try:
        url = str(render(frame.project.state.url, scope, None))
    except TemplateError as error:
        item = Diagnostic(error.code, error.detail, hint=error.hint, path=path, part=error.part)
        frame.problems.append(places.in_file(text, item))
        return
    if holds_password(url):
        item = places.in_file(text, replace(PASSWORD_IN_URL, path=path))
        frame.problems.append(item.at(item.location and replace(item.location, text="")))
    frame.project = frame.project.model_copy(update={"state": State(url=url)})


def _placed(places: Places, text: Text, item: Diagnostic) -> Diagnostic:
    """Return a problem at its line, which is not shown where it holds a secret."""
    found = places.in_file(text, item)
    if item.code != "secret-in-clear":
        return found
    return found.at(found.location and replace(found.location, text=""))


def _validated(model: Any, value: Mapping[str, Any]) -> tuple[Any, list[Diagnostic]]:
    from pydantic import ValidationError

    try:
        return model.model_validate(value), []
    except ValidationError as error:
        return None, problems_of(error, model, None)


def _chosen(frame: Frame, folder: Folder, wanted: str | None, places: Places) -> str | None:
    """Return the name of the environment that is meant; say why there is none."""
    names = [*folder.environments]
    default = frame.project.default_environment if frame.project else None
    name = wanted or default
    if name is None and len(names) > 1:
        detail = f"The project has the environments {_listed(names)}, and none is the default."
        frame.problems.append(Diagnostic("no-environment-chosen", detail, hint=f"name one: `-e {names[0]}`"))
        return None
    if name is None:
        name = names[0] if names else DEFAULT
    if name in names or (not names and name == DEFAULT):
        return _valid_name(frame, folder, name)
    if not any(
        item.location and item.location.file.startswith(f"{ENVIRONMENTS}/{name}.") for item in folder.problems
    ):
        frame.problems.append(_unknown(name, names, None if wanted else folder.project, places))
    return None


def _valid_name(frame: Frame, folder: Folder, name: str) -> str:
    if not NAME.match(name):
        detail = (
            f"The environment's name `{name}` becomes part of paths and addresses: it starts with a small letter, goes on "
            "with small letters, digits, `_` and `-`, and has at most 63 characters. Rename the file."
        )
        place = Location(folder.environments[name].file, 1, 1)
        frame.problems.append(Diagnostic("invalid-name", detail, location=place))
    return name


def _unknown(name: str, names: list[str], project: Text | None, places: Places) -> Diagnostic:
    there = f"there are {_listed(names)}" if names else "the project has no environments"
    detail = f"There is no environment `{name}`; {there}."
    item = Diagnostic("unknown-environment", detail, hint=did_you_mean(name, names))
    if project is None:
        return item
    return places.in_file(
        project, Diagnostic(item.code, detail, hint=item.hint, path=("default_environment",))
    )


def _templates(value: Any, path: tuple[str | int, ...]) -> list[Diagnostic]:
    """Return a problem for each text with a template: here nothing is rendered."""
    if isinstance(value, str):
        if not is_templated(value):
            return []
        detail = "Nothing is rendered here: this is what resources are rendered with."
        return [Diagnostic("template-not-allowed", detail, path=path)]
    if is_map(value):
        return [found for key, item in value.items() for found in _templates(item, (*path, key))]
    if is_list(value):
        return [found for index, item in enumerate(value) for found in _templates(item, (*path, index))]
    return []


def _requirement(requires: str | None) -> list[Diagnostic]:
    if requires is None:
        return []
    try:
        allowed = allows(requires, __version__)
    except ValueError as error:
        return [Diagnostic("invalid-value", str(error), path=("requires",))]
    if allowed:
        return []
    detail = f"{PROJECT_FILE} requires Audiform {requires}, and this is {__version__}."
    return [Diagnostic("version-mismatch", detail, path=("requires",))]


def _memory(limit: str | None) -> list[Diagnostic]:
    if limit is None or (size_of(limit) or 0) >= LEAST:
        return []
    return [replace(too_small(limit), path=("memory_limit",))]


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
