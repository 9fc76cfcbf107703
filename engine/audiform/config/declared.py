"""Sections of all files, merged: which resources the project declares, where, and what their bodies say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from audiform.address import Address, Kind
from audiform.config.documents import Document
from audiform.config.files import Text
from audiform.config.places import Places
from audiform.diagnostics import Diagnostic, did_you_mean
from audiform.shapes import is_map

NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}\Z")
SECTIONS: Final[Mapping[str, Kind]] = {kind.section: kind for kind in Kind}
NOT_RESOURCES: Final = frozenset({"tests"})
"""Sections that stand in resource files and are read by others."""
EVOLVING: Final = ("imports", "moved", "removed")
"""Sections that are lists: how the state follows what was renamed, removed or taken over."""


class Declared(NamedTuple):
    """One resource as it is written, in `text`. `templated`: a text in it may hold a template.

    `named` is the file that a path in the `query` starts from: an override's, where it says the query.
    """

    text: Text
    body: Mapping[str, Any]
    templated: bool
    named: Text
    each: Mapping[str, Any] | None = None


class Written(NamedTuple):
    """A section of `EVOLVING` as it stands in one file."""

    text: Text
    section: str
    value: Any


Table = dict[str, Declared]


@dataclass(slots=True)
class Declarations:
    """The resources of each kind by name, and what is wrong with how they are declared.

    `spoiled`: names that are declared, but not as a resource can be. `incomplete`: there may be others that could
    not be read. Nobody is told that something is not there because it could not be read.
    """

    tables: dict[Kind, Table] = field(default_factory=lambda: {kind: {} for kind in Kind})
    spoiled: dict[Kind, set[str]] = field(default_factory=lambda: {kind: set() for kind in Kind})
    evolving: list[Written] = field(default_factory=list[Written])
    incomplete: bool = False
    problems: list[Diagnostic] = field(default_factory=list[Diagnostic])


def merge(documents: Iterable[Document], places: Places) -> Declarations:
    """Return the sections of all documents as one."""
    found = Declarations()
    for document in documents:
        for section, bodies in document.value.items():
            kind = SECTIONS.get(section)
            if kind is not None:
                _add(found, kind, document, bodies, places)
            elif section in EVOLVING:
                found.evolving.append(Written(document.text, section, bodies))
            elif section not in NOT_RESOURCES:
                found.incomplete = True
                found.problems.append(places.in_file(document.text, unknown_section((section,))))
    return found


def unknown_section(path: tuple[str, ...]) -> Diagnostic:
    """Return what to say of a section that there is not; its name is the last of `path`."""
    name = path[-1]
    known = [*SECTIONS] if len(path) > 1 else [*SECTIONS, *EVOLVING, *NOT_RESOURCES]
    listed = ", ".join(f"`{section}`" for section in known)
    return Diagnostic(
        "unknown-section",
        f"`{name}` is not a section; sections are {listed}.",
        hint=did_you_mean(name, known),
        path=path,
        on_key=True,
    )


def _add(found: Declarations, kind: Kind, document: Document, bodies: Any, places: Places) -> None:
    text, templated = document.text, document.templated
    if not is_map(bodies):
        # A section whose entries are all commented out is empty, not wrong.
        if bodies is not None:
            found.incomplete = True
            found.problems.append(_not_a_map(places, text, (kind.section,)))
        return
    table = found.tables[kind]
    for name, body in bodies.items():
        if name in table:
            found.problems.append(_duplicate(Address(kind, name), table[name].text, text, places))
        elif not NAME.match(name):
            found.spoiled[kind].add(name)
            found.problems.append(_invalid_name(places, text, (kind.section, name)))
        elif isinstance(body, Mapping):
            table[name] = Declared(text, body, templated, text)
        else:
            found.spoiled[kind].add(name)
            found.problems.append(_not_a_map(places, text, (kind.section, name)))


def _not_a_map(places: Places, text: Text, path: tuple[str, ...]) -> Diagnostic:
    what = "section" if len(path) == 1 else "resource"
    detail = f"The {what} `{path[-1]}` must be a map: keys with a colon behind them."
    return places.in_file(text, Diagnostic("not-a-map", detail, path=path, on_key=True))


def _invalid_name(places: Places, text: Text, path: tuple[str, ...]) -> Diagnostic:
    detail = (
        f"`{path[-1]}` cannot be a name: it starts with a small letter, goes on with small letters, digits, `_` and `-`, "
        "and has at most 63 characters."
    )
    near = re.sub(r"[^a-z0-9_-]+", "_", path[-1].lower()).strip("_-")[:63]
    hint = f"write `{near}`" if NAME.match(near) else None
    return places.in_file(text, Diagnostic("invalid-name", detail, hint=hint, path=path, on_key=True))


def _duplicate(address: Address, first: Text, second: Text, places: Places) -> Diagnostic:
    detail = (
        f"`{address}` is declared twice. Sections are merged over all files, so one of the two would be lost."
    )
    before = places.name(address, first.file)
    return replace(
        Diagnostic("duplicate-name", detail, address=address),
        location=places.name(address, second.file),
        related=(("first declared here", before),) if before else (),
    )
