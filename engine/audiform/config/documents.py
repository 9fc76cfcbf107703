"""Text to plain values: from the cache, by the fast reader, or by the exact one, which says what is wrong and where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audiform.config import fast, nodes
from audiform.config.files import Text
from audiform.config.places import location
from audiform.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True)
class Document:
    """One file's map; `templated` says whether a text in it may hold a template."""

    text: Text
    value: Mapping[str, Any]

    @property
    def templated(self) -> bool:
        """Whether the file holds `{{`, `{%` or `{#` anywhere."""
        content = self.text.content
        return "{{" in content or "{%" in content or "{#" in content


def read_documents(
    texts: Iterable[Text], known: Mapping[str, Mapping[str, Any]]
) -> tuple[list[Document], list[Diagnostic]]:
    """Return the documents that could be read, and what is wrong with the others. `known` is digest -> value."""
    documents: list[Document] = []
    problems: list[Diagnostic] = []
    for text in texts:
        value = known.get(text.digest)
        if value is None:
            value, found = read_document(text)
            problems += found
        if value is not None:
            documents.append(Document(text, value))
    return documents, problems


def read_document(text: Text) -> tuple[dict[str, Any] | None, list[Diagnostic]]:
    """Return the map that one file holds (None when it cannot be used), and what is wrong with it."""
    value = fast.parse(text.content)
    if value is not None:
        return value, []
    composed = nodes.compose(text.content)
    problems = [_diagnostic(text, trouble) for trouble in composed.troubles]
    if problems or composed.node is None:
        return (None if problems else {}), problems
    if isinstance(composed.node, nodes.Fields):
        return nodes.plain(composed.node), []
    if isinstance(composed.node, nodes.Scalar) and composed.node.value is None:
        return {}, []
    detail = f"`{text.file}` must hold a map: keys with a colon behind them."
    return None, [Diagnostic("not-a-map", detail, location=location(text, composed.node.span))]


def _diagnostic(text: Text, trouble: nodes.Trouble) -> Diagnostic:
    related = () if trouble.related is None else ((trouble.related[0], location(text, trouble.related[1])),)
    return Diagnostic(
        trouble.code,
        trouble.detail,
        hint=trouble.hint,
        location=location(text, trouble.span),
        related=related,
    )
