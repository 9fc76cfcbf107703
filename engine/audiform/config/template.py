"""Templates: texts with `{{ expression }}` in them, rendered after YAML was parsed. No I/O.

A text that is exactly one expression keeps the expression's type; anything else is text. A path of names
(`values.account`, `each.value.region`) is looked up here; anything more is compiled by Jinja2 (`expressions.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from audiform.config.expressions import ExpressionError, compile_expression
from audiform.diagnostics import did_you_mean
from audiform.shapes import is_map

EACH = "each"
_SHOWN = 8
LATE_ROOTS = frozenset(
    {
        *(
            "row",
            "rows",
            "destination",
            "operation",
            "identifiers",
            "identifier",
            "lookup",
            "job",
            "page",
            "result",
        ),
        *("error", "marker", "credentials", "settings"),
    }
)
"""Names that a connector's settings may leave to the connector type: they are known when a request is made."""

_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\Z")
_ROOT = re.compile(r"[A-Za-z_]\w*")
_CONSTANTS = frozenset({"true", "false", "none", "True", "False", "None", "not"})
# Braces in quotes, and one level of braces, belong to the expression.
_EXPRESSION = re.compile(r"""\{\{((?:[^"'{}]|"[^"]*"|'[^']*'|\{[^{}]*\})*)\}\}""")
_STATEMENT = re.compile(r"\{[%#]")


class TemplateError(Exception):
    """A text that cannot be rendered; `part` is the piece of it to underline."""

    def __init__(self, code: str, detail: str, part: str, hint: str | None = None) -> None:
        self.code = code
        self.detail = detail
        self.part = part
        self.hint = hint
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Expression:
    """What stands between the braces, and the whole with them. `path` is set where it is only a path of names."""

    text: str
    source: str
    path: tuple[str, ...] | None

    @property
    def root(self) -> str:
        """The first name in it, or an empty text."""
        found = _ROOT.match(self.text)
        return found.group() if found else ""

    @property
    def repeats(self) -> bool:
        """Whether its value may differ between the repetitions of a resource."""
        return self.path[0] == EACH if self.path else EACH in self.text


@dataclass(slots=True)
class Scope:
    """The names of one environment. What an expression without `each` gives is kept."""

    names: Mapping[str, Any]
    _known: dict[str, Any] = field(default_factory=dict[str, Any])

    def evaluate(self, expression: Expression, each: Mapping[str, Any] | None) -> Any:
        """Return the expression's value.

        Raises:
            TemplateError: a name is not defined, or the expression cannot be evaluated.
        """
        if expression.repeats:
            return _evaluate(expression, {**self.names, EACH: each} if each is not None else self.names)
        if expression.text not in self._known:
            self._known[expression.text] = _evaluate(expression, self.names)
        return self._known[expression.text]


def is_templated(text: str) -> bool:
    """Return whether `text` holds anything that rendering must look at."""
    return "{{" in text or "{%" in text or "{#" in text


def is_templated_json(data: bytes) -> bool:
    """Return whether a text in JSON `data` is templated: there, no other two characters look like it."""
    return b"{{" in data or b"{%" in data or b"{#" in data


def render(text: str, scope: Scope, each: Mapping[str, Any] | None, *, late: bool = False) -> Any:
    """Return `text` with its expressions replaced. `late`: those with a root of `LATE_ROOTS` stay as they are.

    Raises:
        TemplateError: it cannot be rendered.
    """
    segments = split(text)
    if len(segments) == 1 and isinstance(segments[0], Expression):
        only = segments[0]
        return text if late and only.root in LATE_ROOTS else scope.evaluate(only, each)
    parts: list[str] = []
    for segment in segments:
        if isinstance(segment, str):
            parts.append(segment)
        elif late and segment.root in LATE_ROOTS:
            parts.append(segment.source)
        else:
            parts.append(_as_text(scope.evaluate(segment, each), segment))
    return "".join(parts)


def split(text: str) -> tuple[str | Expression, ...]:
    """Return the texts and expressions of which `text` consists.

    Raises:
        TemplateError: it holds a statement, or braces that are not closed.
    """
    segments: list[str | Expression] = []
    end = 0
    for found in _EXPRESSION.finditer(text):
        if found.start() > end:
            segments.append(_literal(text[end : found.start()]))
        segments.append(_expression(found.group(1).strip(), found.group()))
        end = found.end()
    if end < len(text):
        segments.append(_literal(text[end:]))
    return tuple(segments)


def _literal(text: str) -> str:
    statement = _STATEMENT.search(text)
    if statement:
        raise TemplateError(
            "unsupported-statement",
            f"`{statement.group()}` starts a template statement or comment, and texts hold `{{{{ expressions }}}}` only.",
            statement.group(),
            hint="use `for_each` to repeat, `enabled` to switch off, `{{ a if b else c }}` to choose",
        )
    if "{{" in text:
        part = text[text.index("{{") :].split("\n", 1)[0]
        raise TemplateError(
            "template-syntax",
            "`{{` is not closed by `}}`.",
            part,
            hint="for two braces as text write {{ '{{' }}",
        )
    return text


@cache
def _expression(text: str, source: str) -> Expression:
    if not text:
        raise TemplateError("template-syntax", "There is nothing between `{{` and `}}`.", source)
    path = tuple(text.split(".")) if _PATH.match(text) else None
    return Expression(text, source, path if path and path[0] not in _CONSTANTS else None)


def _evaluate(expression: Expression, names: Mapping[str, Any]) -> Any:
    if expression.path is not None:
        return _look_up(expression, expression.path, names)
    try:
        return compile_expression(expression.text)(names)
    except ExpressionError as error:
        raise TemplateError(error.code, error.detail, expression.source, error.hint) from None


def _look_up(expression: Expression, path: tuple[str, ...], names: Mapping[str, Any]) -> Any:
    if any(name.startswith("_") for name in path):
        detail = (
            f"`{expression.text}` reaches for a name that starts with `_`; such names are not for templates."
        )
        raise TemplateError("unsafe-expression", detail, expression.source)
    value: Any = names
    for depth, name in enumerate(path):
        if not is_map(value) or name not in value:
            raise _undefined(expression, path[: depth + 1], value)
        value = value[name]
    return value


def _undefined(expression: Expression, path: tuple[str, ...], value: Any) -> TemplateError:
    name, parent = path[-1], ".".join(path[:-1])
    known = [str(key) for key in value] if is_map(value) else []
    hint = did_you_mean(name, known)
    if not parent:
        detail = f"`{name}` is not defined here; there are {', '.join(f'`{key}`' for key in sorted(known))}."
        if name == EACH:
            detail = "`each` is defined only in a resource with `for_each`."
    elif not isinstance(value, Mapping):
        detail = f"`{parent}` is not a map, so it has no `{name}`."
    else:
        listed = ", ".join(f"`{key}`" for key in sorted(known)[:_SHOWN])
        detail = f"`{parent}` has no `{name}`; it has {listed or 'nothing'}{', ...' if len(known) > _SHOWN else ''}."
        if parent == "values":
            detail += " Values stand in the environment's file."
    return TemplateError("undefined-value", detail, expression.source, hint)


def _as_text(value: Any, expression: Expression) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    kind = "null" if value is None else "a map" if is_map(value) else "a list"
    detail = f"`{expression.text}` is {kind}, which cannot stand inside of a text."
    raise TemplateError(
        "template-type",
        detail,
        expression.source,
        hint="let it stand alone to keep its type, or use `| join(', ')`",
    )
