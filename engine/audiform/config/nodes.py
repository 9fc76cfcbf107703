"""YAML with the place of every key and value: exact and slower, for files that need a closer look.

libyaml's events, and a builder of our own: YAML 1.2 core types, no tags that construct things, duplicate keys
refused, aliases and depth bounded. `fast.py` decides about plain files; the two agree (a property test).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from audiform.config.core_schema import NotANumberWeTake, scalar_value

DEEPEST = 64
MOST_FROM_ALIASES = 100_000
_PREFIX = "tag:yaml.org,2002:"
_CORE_TAGS = {f"{_PREFIX}{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}
_MERGE = "<<"
# Also the line ends of YAML 1.1, which libyaml would turn into spaces.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


# Named tuples, because a large file has a hundred thousand of them and a frozen dataclass takes four times as long.


class Span(NamedTuple):
    """0-based offsets and positions of the first character, and the offset behind the last one."""

    start: int
    line: int
    column: int
    end: int


class Scalar(NamedTuple):
    """A text, number, boolean or null; `literal` is that of a `|` block, whose lines stand as they are."""

    span: Span
    value: str | int | float | bool | None
    literal: bool = False


class Items(NamedTuple):
    """A list."""

    span: Span
    items: tuple[Node, ...]


class Entry(NamedTuple):
    """A key's place, and its value."""

    key: Span
    node: Node


class Fields(NamedTuple):
    """A map; keys are texts."""

    span: Span
    entries: dict[str, Entry]


Node = Scalar | Items | Fields


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a document, by its place in the text. `related` is the other place, if there is one."""

    code: str
    detail: str
    span: Span
    hint: str | None = None
    related: tuple[str, Span] | None = None


@dataclass(slots=True)
class Composed:
    """The document's node (None: empty, or not readable) and what is wrong with it."""

    node: Node | None = None
    troubles: list[Trouble] = field(default_factory=list["Trouble"])


class _Stop(Exception):  # noqa: N818 - ends the reading of one document; never leaves this module
    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble
        super().__init__(trouble.code)


def compose(text: str) -> Composed:
    """Read one document. Never raises for what a file may hold: `troubles` says it."""
    found = Composed()
    strange = _UNPRINTABLE.search(text)
    if strange:
        found.troubles.append(_strange_character(text, strange.start()))
        return found
    builder = _Builder(text, found.troubles)
    try:
        found.node = builder.document()
    except _Stop as stop:
        found.troubles.append(stop.trouble)
    return found


def plain(node: Node) -> Any:
    """Return the value of `node` without its places."""
    match node:
        case Scalar():
            return node.value
        case Items():
            return [plain(item) for item in node.items]
        case Fields():
            return {key: plain(entry.node) for key, entry in node.entries.items()}


class _Builder:
    """Takes events one by one; an anchor's node is shared, and what aliases add is counted."""

    def __init__(self, text: str, troubles: list[Trouble]) -> None:
        self._text = text
        self._troubles = troubles
        self._events = _events(text)
        self._anchors: dict[str, tuple[Node, int] | None] = {}
        self._depth = 0
        self._size = 0
        self._from_aliases = 0

    def document(self) -> Node | None:
        next(self._events)
        event = next(self._events)
        if _kind(event) == "StreamEndEvent":
            return None
        node = self._node(next(self._events))
        next(self._events)
        event = next(self._events)
        if _kind(event) != "StreamEndEvent":
            detail = "A second document starts here, and only one per file is read."
            raise _Stop(
                Trouble("several-documents", detail, _span(event), hint="move it to a file of its own")
            )
        return node

    def _node(self, event: Any) -> Node:
        kind = _kind(event)
        if kind == "AliasEvent":
            return self._alias(event)
        self._check_tag(event)
        before = self._size
        self._size += 1
        if event.anchor:
            self._anchors[event.anchor] = None
        if kind == "ScalarEvent":
            node: Node = self._scalar(event)
        else:
            node = self._collection(event, kind)
        if event.anchor:
            self._anchors[event.anchor] = (node, self._size - before)
        return node

    def _collection(self, event: Any, kind: str) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            detail = f"Lists and maps are nested more than {DEEPEST} levels deep here."
            raise _Stop(Trouble("too-deep", detail, _span(event)))
        node = self._items(event) if kind == "SequenceStartEvent" else self._fields(event)
        self._depth -= 1
        return node

    def _items(self, start: Any) -> Items:
        items: list[Node] = []
        while True:
            event = next(self._events)
            if _kind(event) == "SequenceEndEvent":
                return Items(_span(start, event), tuple(items))
            items.append(self._node(event))

    def _fields(self, start: Any) -> Fields:
        entries: dict[str, Entry] = {}
        merged: list[Fields] = []
        while True:
            event = next(self._events)
            if _kind(event) == "MappingEndEvent":
                break
            if _kind(event) == "ScalarEvent" and event.value == _MERGE and event.implicit[0]:
                merged += self._merged(next(self._events))
                continue
            key, span = self._key(event)
            node = self._node(next(self._events))
            if key is None:
                continue
            if key in entries:
                self._troubles.append(_duplicate(key, span, entries[key].key))
            else:
                entries[key] = Entry(span, node)
        for source in merged:
            for key, entry in source.entries.items():
                entries.setdefault(key, entry)
        return Fields(_span(start, event), entries)

    def _key(self, event: Any) -> tuple[str | None, Span]:
        node = self._node(event)
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return node.value, node.span
        shown = self._text[node.span.start : node.span.end].strip()
        detail = (
            "A list or a map cannot be a key."
            if not isinstance(node, Scalar)
            else f"The key `{shown}` is a {_type_name(node.value)}, and names are always text."
        )
        hint = f'write "{shown}"' if isinstance(node, Scalar) and shown else None
        if isinstance(node, Fields) and self._text[: node.span.start].endswith("{"):
            hint = f'a template stands in quotes: "{{{shown}}}"'
        self._troubles.append(Trouble("key-not-text", detail, node.span, hint))
        return None, node.span

    def _merged(self, event: Any) -> list[Fields]:
        node = self._node(event)
        nodes = node.items if isinstance(node, Items) else (node,)
        maps = [item for item in nodes if isinstance(item, Fields)]
        if len(maps) != len(nodes):
            detail = "`<<` takes a map, or a list of maps, whose keys are added to this one."
            self._troubles.append(Trouble("yaml-syntax", detail, node.span))
        return maps

    def _alias(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            detail = f"There is no anchor `&{event.anchor}` before this alias."
            raise _Stop(Trouble("yaml-syntax", detail, _span(event)))
        known = self._anchors[event.anchor]
        if known is None:
            detail = f"`*{event.anchor}` stands inside of what it repeats, so it would never end."
            raise _Stop(Trouble("alias-bomb", detail, _span(event)))
        node, size = known
        self._size += size
        self._from_aliases += size
        if self._from_aliases > MOST_FROM_ALIASES:
            detail = f"With this alias, aliases repeat more than {MOST_FROM_ALIASES:,} values."
            raise _Stop(Trouble("alias-bomb", detail, _span(event)))
        return node

    def _check_tag(self, event: Any) -> None:
        if event.tag and event.tag != "!" and event.tag not in _CORE_TAGS:
            shown = event.tag.replace(_PREFIX, "!!")
            detail = f"The tag `{shown}` is not supported: configuration is plain data."
            self._troubles.append(Trouble("unsupported-tag", detail, _span(event), hint="remove the tag"))

    def _scalar(self, event: Any) -> Scalar:
        span = _span(event)
        tag = event.tag.removeprefix(_PREFIX) if event.tag in _CORE_TAGS else None
        if not event.implicit[0] and tag in (None, "str"):
            return Scalar(span, event.value, literal=event.style == "|")
        try:
            return Scalar(span, scalar_value(event.value, tag))
        except NotANumberWeTake as problem:
            self._troubles.append(
                Trouble("invalid-value", str(problem), span, hint="put it in quotes to keep it as text")
            )
            return Scalar(span, event.value)


def _events(text: str) -> Iterator[Any]:
    """Yield libyaml's events (or those of the Python twin where libyaml is missing).

    Raises:
        _Stop: the text is not YAML.
    """
    import yaml

    # CSafeLoader brings the C parser; nothing is constructed with it.
    loader = cast("Any", getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    try:
        yield from yaml.parse(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        raise _Stop(_syntax(error)) from None
    except yaml.YAMLError as error:
        # A reader's error: a character that YAML does not know, already looked for.
        raise _Stop(Trouble("yaml-syntax", f"{error}", Span(0, 0, 0, 1))) from None


_HINTS = (
    ("mapping values are not allowed", 'a text that holds ": " must be quoted'),
    ("cannot start any token", "quote a text that starts with a special character, and indent with spaces"),
    ("could not find expected ':'", "a key needs a colon and a space behind it, on its own line"),
    ("did not find expected key", "check the indentation, and the quotes before this place"),
    ("did not find expected ',' or", "check the brackets and braces before this place"),
    ("found unexpected end of stream", "a quote or a bracket is never closed"),
)


def _syntax(error: Any) -> Trouble:
    problem = str(error.problem or "this is not YAML")
    mark = error.problem_mark or error.context_mark
    span = Span(mark.index, mark.line, mark.column, mark.index + 1) if mark else Span(0, 0, 0, 1)
    detail = f"{problem[:1].upper()}{problem[1:]}"
    detail += f" {error.context}." if error.context else "."
    hint = next((text for part, text in _HINTS if part in problem), None)
    return Trouble("yaml-syntax", detail, span, hint)


def _strange_character(text: str, offset: int) -> Trouble:
    line = text.count("\n", 0, offset)
    column = offset - text.rfind("\n", 0, offset) - 1
    detail = f"The character U+{ord(text[offset]):04X} cannot stand in YAML."
    return Trouble(
        "yaml-syntax",
        detail,
        Span(offset, line, column, offset + 1),
        hint="remove it, or write it as an escape in quotes",
    )


def _duplicate(key: str, span: Span, first: Span) -> Trouble:
    detail = f"`{key}` stands in this map twice, and only one of them could count."
    return Trouble("duplicate-key", detail, span, related=("first given here", first))


def _kind(event: Any) -> str:
    return type(event).__name__


def _span(start: Any, end: Any = None) -> Span:
    mark, last = start.start_mark, (end or start).end_mark
    return Span(mark.index, mark.line, mark.column, last.index)


def _type_name(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "null" if value is None else "number"
