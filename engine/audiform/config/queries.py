"""The queries of audiences: read from their files, rendered, looked at, and their problems put where they were written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from audiform.address import Address, Kind
from audiform.config.dbt import BuiltModel
from audiform.config.declared import Table
from audiform.config.expand import template_problem
from audiform.config.files import Text, read_text, relative_to
from audiform.config.kinds import Audience
from audiform.config.nodes import Span
from audiform.config.places import Places, location
from audiform.config.query_kinds import DbtModel, QueryFile
from audiform.config.sql import SqlProblem
from audiform.config.template import Expression, Scope, TemplateError, is_templated, render, split
from audiform.diagnostics import Diagnostic, DiagnosticError

_PATH = ("query", "file")
# A file that cannot be opened has no place in itself: the path that names it is the place.
_ABOUT_THE_PATH = frozenset({"missing-file", "path-outside-project", "unreadable-file", "file-too-large"})


@dataclass(frozen=True, slots=True)
class Query:
    """The SQL of one audience, and what it was written as; `file` is None where it stands in the YAML."""

    text: str
    written: str
    file: Text | None
    each: Mapping[str, Any] | None


@dataclass(slots=True)
class Queries:
    """The queries by audience. A file that several audiences use is read once."""

    root: Path
    scope: Scope
    found: dict[str, Query] = field(default_factory=dict[str, Query])
    problems: list[Diagnostic] = field(default_factory=list[Diagnostic])
    files: dict[str, Text | DiagnosticError] = field(default_factory=dict[str, "Text | DiagnosticError"])

    def read(self, audiences: Mapping[str, Audience], table: Table) -> None:
        """Read and render the query of each audience."""
        for name, audience in audiences.items():
            declared = table[name]
            if isinstance(audience.query, QueryFile):
                path = relative_to(declared.named.file, audience.query.file)
                self._read_file(name, path, declared.each)
            elif not isinstance(audience.query, DbtModel):
                written = declared.body["query"]
                self.found[name] = Query(audience.query, str(written), None, declared.each)

    def _read_file(self, name: str, path: str, each: Mapping[str, Any] | None) -> None:
        address = Address(Kind.AUDIENCE, name)
        text = self._opened(path)
        if isinstance(text, DiagnosticError):
            self.problems += (_about_path(item, address) for item in text.diagnostics)
            return
        try:
            sql = render(text.content, self.scope, each) if is_templated(text.content) else text.content
        except TemplateError as error:
            problem = template_problem(error, _PATH, address)
            self.problems.append(problem.at(_part(text, error.part)))
            return
        if isinstance(sql, str):
            self.found[name] = Query(sql, text.content, text, each)
        else:
            detail = f"`{path}` is one expression, which gives no text and so no SQL."
            self.problems.append(
                Diagnostic(
                    "template-type", detail, address=address, location=location(text, Span(0, 0, 0, 1))
                )
            )

    def _opened(self, path: str) -> Text | DiagnosticError:
        if path not in self.files:
            try:
                self.files[path] = read_text(self.root, path)
            except DiagnosticError as error:
                self.files[path] = error
        return self.files[path]

    def texts(self, names: Collection[str]) -> Collection[str]:
        """Return each SQL text of some audiences once."""
        return {query.text: None for name, query in self.found.items() if name in names}.keys()

    def judged(
        self, found: Mapping[str, Sequence[SqlProblem]], names: Collection[str], places: Places
    ) -> list[Diagnostic]:
        """Return the problems of the SQL of some audiences, at their places in what was written; `found`: by text."""
        if not found:
            return []
        return [
            self._placed(name, query, problem, places)
            for name, query in self.found.items()
            if name in names
            for problem in found.get(query.text, ())
        ]

    def _placed(self, name: str, query: Query, problem: SqlProblem, places: Places) -> Diagnostic:
        offset, length = _written_place(query, self.scope, problem)
        item = Diagnostic(
            problem.code,
            problem.detail,
            hint=problem.hint,
            address=Address(Kind.AUDIENCE, name),
            path=("query",) if query.file is None else _PATH,
        )
        line, column = _line_and_column(query.written, offset)
        if query.file is not None:
            return item.at(location(query.file, Span(offset, line, column, offset + length)))
        part = query.written[offset : offset + length]
        item = replace(item, part=part if query.written.count(part) == 1 else None)
        return places.within(item, line, column, length)


def with_sql(
    audiences: Mapping[str, Audience], queries: Mapping[str, Query], models: Mapping[str, BuiltModel]
) -> dict[str, Audience]:
    """Return the audiences with SQL in place of the names of files and of dbt's models."""
    texts = {name: query.text for name, query in queries.items()}
    texts |= {name: model.sql for name, model in models.items()}
    return {
        name: audience
        if isinstance(audience.query, str) or name not in texts
        else audience.model_copy(update={"query": texts[name]})
        for name, audience in audiences.items()
    }


def _about_path(item: Diagnostic, address: Address) -> Diagnostic:
    if item.code not in _ABOUT_THE_PATH:
        return item
    return replace(item, location=None, address=address, path=_PATH)


def _part(text: Text, part: str) -> Any:
    offset = max(0, text.content.find(part))
    line, column = _line_and_column(text.content, offset)
    return location(text, Span(offset, line, column, offset + len(part)))


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset), offset - text.rfind("\n", 0, offset) - 1


def _written_place(query: Query, scope: Scope, problem: SqlProblem) -> tuple[int, int]:
    """Return where what stands at a place of the SQL was written: inside of an expression, the whole of that."""
    written = sql = 0
    if query.written == query.text:
        return problem.offset, problem.length
    for segment in split(query.written):
        source = segment.source if isinstance(segment, Expression) else segment
        # With a space before it, also an expression that stands alone gives text.
        size = len(str(render(f" {source}", scope, query.each))) - 1
        if sql + size > problem.offset:
            if isinstance(segment, Expression):
                return written, len(source)
            return written + problem.offset - sql, problem.length
        written += len(source)
        sql += size
    return min(problem.offset, max(0, len(query.written) - 1)), 1
