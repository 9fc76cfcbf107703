"""Makes places concrete, late: only for problems, and only in the files that have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from audiform.address import Address
from audiform.config.files import Folder, Text, read_folder
from audiform.config.nodes import Entry, Fields, Items, Node, Scalar, Span, compose
from audiform.diagnostics import Diagnostic, Location

Route = tuple[str | int, ...]
_SEPARATOR = "."
_VALUE = re.compile(r"""(:\s+)("[^"]*"|'[^']*'|[^\s{}\[\],][^{}\[\],]*)""")


def location(text: Text, span: Span) -> Location:
    """Return the place of `span`; of one that goes over several lines, what stands in the first."""
    start = text.content.rfind("\n", 0, span.start) + 1
    end = text.content.find("\n", span.start)
    line = text.content[start : end if end >= 0 else None]
    length = min(span.end, start + len(line)) - span.start
    return Location(text.file, span.line + 1, span.column + 1, max(1, length), line)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a route leads to. `whole`: all of it was found; otherwise `node` is the last part that was."""

    key: Span | None
    node: Node
    whole: bool


@dataclass(slots=True)
class Places:
    """Finds where the project says something. Files are read again only when the first problem asks."""

    folder: Folder
    environment: str | None = None
    _nodes: dict[str, Node | None] = field(default_factory=dict[str, "Node | None"])

    def placed(self, item: Diagnostic) -> Diagnostic:
        """Return `item` with its location, if it has none yet and something in the project's files is its cause."""
        if item.location is not None:
            return item
        if item.address is None:
            return self._in_project(item)
        for text, root in self._homes(item.address):
            found = self._find(text, (*root, *item.path), len(root))
            if found is not None:
                return item.at(_place(text, found, item))
        return item

    def _in_project(self, item: Diagnostic) -> Diagnostic:
        """Return `item` with its place in the project's own file, if it has a path: nothing else has one without an address."""
        text = self.folder.project
        return self.in_file(text, item) if item.path and text is not None else item

    def in_file(self, text: Text, item: Diagnostic) -> Diagnostic:
        """Return `item` with the place of its `path` in a file that is no resource file."""
        found = self._find(text, item.path, 0)
        return item.at(_place(text, found, item) if found else Location(text.file, 1, 1))

    def within(self, item: Diagnostic, line: int, column: int, length: int) -> Diagnostic:
        """Return `item` at a 0-based line and column of the text that its path leads to, if that is a `|` block."""
        if item.address is None:
            return item
        for text, root in self._homes(item.address):
            found = self._find(text, (*root, *item.path), len(root))
            if found is not None and isinstance(found.node, Scalar):
                inside = _inside_block(text, found.node, line, column, length)
                return item.at(inside or _place(text, found, item))
        return item

    def name(self, address: Address, file: str) -> Location | None:
        """Return the place of a resource's name in one file."""
        text = next((text for text in self.folder.resources if text.file == file), None)
        found = self._find(text, (address.kind.section, address.name), 2) if text else None
        return location(text, found.key) if text and found and found.key else None

    def _homes(self, address: Address) -> Iterable[tuple[Text, Route]]:
        """Yield where the resource may be written, the place that wins first: overrides, then its file."""
        name = address.name.partition(_SEPARATOR)[0]
        environment = self.folder.environments.get(self.environment or "")
        if environment is not None:
            yield environment, ("overrides", address.kind.section, name)
        for text in self.folder.resources:
            if name in text.content and address.kind.section in text.content:
                yield text, (address.kind.section, name)

    def _find(self, text: Text, route: Route, needed: int) -> _Found | None:
        """Follow `route` in one file. Overrides count only with the whole route, others from `needed` keys on."""
        if text.file not in self._nodes:
            self._nodes[text.file] = compose(text.content).node
        node = self._nodes[text.file]
        if node is None:
            return None
        key: Span | None = None
        for depth, step in enumerate(route):
            following = _follow(node, step)
            if following is None:
                partial = depth >= needed and route[0] != "overrides"
                return _Found(key, node, whole=False) if partial else None
            key, node = following.key, following.node
        return _Found(key, node, whole=True)


def place_all(root: Path, environment: str | None, items: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return `items` with their places, by reading the project's files again: for what is found after loading."""
    if all(item.location is not None or (item.address is None and not item.path) for item in items):
        return tuple(items)
    places = Places(read_folder(root), environment)
    return tuple(places.placed(item) for item in items)


def place_in(root: Path, items: Iterable[tuple[str, Diagnostic]]) -> tuple[Diagnostic, ...]:
    """Return the diagnostics, each with its file, at their places there; those without a file have none."""
    folder = read_folder(root)
    places, texts = Places(folder), {text.file: text for text in folder.resources}
    return tuple(places.in_file(texts[file], item) if file in texts else item for file, item in items)


def _follow(node: Node, step: str | int) -> Entry | None:
    match node:
        case Fields() if isinstance(step, str):
            return node.entries.get(step)
        case Items() if isinstance(step, int) and step < len(node.items):
            return Entry(node.items[step].span, node.items[step])
        case _:
            return None


def _place(text: Text, found: _Found, item: Diagnostic) -> Location:
    points_to_key = item.on_key or (not found.whole and not isinstance(found.node, Scalar))
    span = found.key if points_to_key and found.key else found.node.span
    if item.part and not points_to_key:
        span = _part(text, found.node.span, item.part) or span
    place = location(text, span)
    return _masked(place, found) if item.path[:1] in (("credentials",), ("write_keys",)) else place


def _part(text: Text, span: Span, part: str) -> Span | None:
    start = text.content.find(part, span.start, span.end)
    if start < 0:
        return None
    line_start = text.content.rfind("\n", 0, start) + 1
    line = span.line + text.content.count("\n", span.start, start)
    return Span(start, line, start - line_start, start + len(part))


def _masked(place: Location, found: _Found) -> Location:
    """Hide what stands in a line of `credentials`: it may be a secret that somebody wrote in clear."""
    if not isinstance(found.node, Scalar):
        return replace(place, text=re.sub(r":(\s+)[^{\s].*$", r":\1***", place.text))
    column = place.column - 1
    if found.node.span.line + 1 != place.line or found.key == found.node.span:
        return replace(place, text="***")
    start = found.node.span.column
    # What stands before it in a map on one line is a value of its own, which may be the secret.
    before = _VALUE.sub(lambda value: value[1] + "*" * len(value[2]), place.text[: max(start, column)])
    return replace(place, text=f"{before}***", length=3 if column >= start else place.length)


def _inside_block(text: Text, node: Scalar, line: int, column: int, length: int) -> Location | None:
    if not node.literal:
        return None
    lines = text.content.split("\n")
    first = node.span.line + 1
    while first < len(lines) and not lines[first].strip():
        first += 1
    if node.span.line + 1 + line >= len(lines) or first >= len(lines):
        return None
    indent = len(lines[first]) - len(lines[first].lstrip(" "))
    number = node.span.line + 1 + line
    return Location(text.file, number + 1, indent + column + 1, max(1, length), lines[number])
