"""Reads the project's own test cases: section `tests` of its resource files.

What a test says stands as it is: no template, so that a test does not compute what it expects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from audiform.config.documents import Document, read_documents
from audiform.config.files import read_folder
from audiform.config.kinds import ProjectTest
from audiform.config.places import Places
from audiform.config.schema import problems_of
from audiform.config.template import is_templated
from audiform.diagnostics import Diagnostic, Diagnostics

SECTION = "tests"


def read_tests(root: Path) -> tuple[dict[str, ProjectTest], Diagnostics]:
    """Return the tests by name, in the order of files and of what stands in them; and what is wrong with them."""
    folder = read_folder(root)
    documents, problems = read_documents(folder.resources, {})
    places = Places(folder)
    found: dict[str, ProjectTest] = {}
    diagnostics = Diagnostics([*folder.problems, *problems])
    for document in documents:
        for name, body in _bodies(document, places, diagnostics):
            wrong = [] if name not in found else [_twice(name)]
            wrong += _templates(body, (SECTION, name))
            try:
                test = ProjectTest.model_validate(body)
            except ValidationError as error:
                wrong += [_below(item, name) for item in problems_of(error, ProjectTest, None)]
            else:
                wrong += _chosen(test, name)
                found.setdefault(name, test)
            diagnostics.extend(places.in_file(document.text, item) for item in wrong)
    return found, diagnostics


def _bodies(document: Document, places: Places, problems: Diagnostics) -> Iterator[tuple[str, Any]]:
    section = document.value.get(SECTION)
    if isinstance(section, Mapping):
        yield from section.items()
    elif section is not None:
        text = "The section `tests` must be a map: names with a colon behind them."
        problems.add(
            places.in_file(document.text, Diagnostic("not-a-map", text, path=(SECTION,), on_key=True))
        )


def _below(item: Diagnostic, name: str) -> Diagnostic:
    """Return a problem of a test's body with the path from the top of its file."""
    return Diagnostic(
        item.code,
        item.detail,
        hint=item.hint,
        path=(SECTION, name, *item.path),
        on_key=item.on_key,
        part=item.part,
    )


_EXPECTED = {
    "people": ("members", "left_out", "requests"),
    "events": ("requests", "not_sent"),
    "a policy": ("denied", "warned"),
}
_GIVEN = {"people": ("given",), "events": ("events",), "a policy": ("resources", "changes")}


def _chosen(test: ProjectTest, name: str) -> list[Diagnostic]:
    """Return what is wrong with what is tested: one audience, binding, event connector or policy, and what comes of that."""
    path = (SECTION, name)
    tested = (test.audience, test.binding, test.event_connector, test.policy)
    if sum(part is not None for part in tested) != 1:
        text = f"The test `{name}` must name one of an `audience`, a `binding`, an `event_connector` and a `policy`."
        return [Diagnostic("invalid-value", text, path=path, on_key=True)]
    if test.audience is not None and test.expect.requests is not None:
        text = (
            f"The test `{name}` expects requests, and an audience sends none. Name the `binding` that does."
        )
        return [Diagnostic("invalid-value", text, path=(*path, "expect", "requests"), on_key=True)]
    return _fitting(test, name)


def _fitting(test: ProjectTest, name: str) -> list[Diagnostic]:
    """Return a problem for each part of a test that is for what it does not test."""
    what = (
        "a policy" if test.policy is not None else "events" if test.event_connector is not None else "people"
    )
    given = {key for keys in _GIVEN.values() for key in keys} - {*_GIVEN[what]}
    wrong: list[tuple[str, ...]] = [(key,) for key in sorted(given) if getattr(test, key)]
    others = {key for keys in _EXPECTED.values() for key in keys} - {*_EXPECTED[what]}
    wrong += [("expect", key) for key in sorted(others) if getattr(test.expect, key) is not None]
    return [
        Diagnostic(
            "invalid-value",
            f"The test `{name}` is one of {what}, and `{'.'.join(keys)}` says nothing about that.",
            path=(SECTION, name, *keys),
            on_key=True,
        )
        for keys in wrong
    ]


def _templates(value: Any, path: tuple[str | int, ...]) -> Iterator[Diagnostic]:
    if isinstance(value, str):
        if is_templated(value):
            text = "A test says what it means as it is: a template would compute what is expected of it."
            yield Diagnostic("template-not-allowed", text, path=path)
        return
    for key, item in _entries(value):
        yield from _templates(item, (*path, key))


def _entries(value: Any) -> Iterable[tuple[str | int, Any]]:
    match value:
        case dict():
            return cast("dict[str, Any]", value).items()
        case list():
            return enumerate(cast("Sequence[Any]", value))
        case _:
            return ()


def _twice(name: str) -> Diagnostic:
    text = f"There is a test `{name}` already, in this file or in another. Rename one of them."
    return Diagnostic("duplicate-name", text, path=(SECTION, name), on_key=True)
