"""Expressions that are more than a path of names, compiled by Jinja2 in the smallest box that is of use.

No calls, no names that start with `_`, no attributes of Python objects (a dot looks into maps only), no functions,
a short list of filters, and no operation whose result is much larger than what went in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from audiform.diagnostics import did_you_mean
from audiform.shapes import is_list, is_map

FILTERS = frozenset(
    {
        *(
            "abs",
            "bool",
            "capitalize",
            "default",
            "d",
            "first",
            "float",
            "int",
            "join",
            "last",
            "length",
            "list",
        ),
        *(
            "lower",
            "max",
            "min",
            "replace",
            "reject",
            "round",
            "select",
            "sort",
            "string",
            "sum",
            "title",
            "tojson",
        ),
        *("trim", "unique", "upper"),
    }
)
LONGEST = 100_000
LARGEST_POWER = 64
_UNDEFINED = re.compile(r"'(\w+)' is undefined|has no attribute '(\w+)'")


class ExpressionError(Exception):
    """An expression that cannot be compiled or evaluated."""

    def __init__(self, code: str, detail: str, hint: str | None = None) -> None:
        self.code = code
        self.detail = detail
        self.hint = hint
        super().__init__(code)


@cache
def compile_expression(text: str) -> Callable[[Mapping[str, Any]], Any]:
    """Return a function from the names to the value.

    Raises:
        ExpressionError: it is not an expression, or does more than choose a value. So does the function,
            for names that are not defined and values that do not fit.
    """
    _, compiled = _compiled(text, lenient=False)
    return lambda names: _call(compiled, text, names)


@cache
def compile_filter(text: str, root: str) -> Callable[[Any], bool]:
    """Return a function from what is called `root` in the expression to whether the expression holds of it.

    What is not there, or is null, is less and greater than nothing and never true; a comparison of things that cannot
    be compared does not hold.

    Raises:
        ExpressionError: as for `compile_expression`, or it names something else than `root`.
    """
    from jinja2 import nodes

    tree, compiled = _compiled(text, lenient=True)
    for node in tree.find_all(nodes.Name):
        if node.name != root:
            detail = f"In `{text}`, `{node.name}` is not defined: there is `{root}` only."
            hint = f"write `{root}.{node.name}`, or a text in quotes"
            raise ExpressionError("undefined-value", detail, hint)
    return partial(_holds, compiled, root)


def _holds(compiled: Any, root: str, value: Any) -> bool:
    from jinja2.exceptions import TemplateError

    try:
        return bool(compiled(**{root: value}))
    except (
        ArithmeticError,
        TypeError,
        ValueError,
        LookupError,
        AttributeError,
        TemplateError,
        RecursionError,
    ):
        return False


def _compiled(text: str, *, lenient: bool) -> tuple[Any, Any]:
    """Return the tree and the compiled form of an expression."""
    from jinja2 import TemplateSyntaxError, nodes

    environment = _environment(lenient=lenient)
    try:
        tree = environment.parse(f"{{{{ {text} }}}}")
        outputs = [node for node in tree.body if isinstance(node, nodes.Output)]
        if len(tree.body) != 1 or len(outputs) != 1 or len(outputs[0].nodes) != 1:
            raise ExpressionError("template-syntax", f"`{text}` is not one expression.")
        _check(tree, text, nodes)
        compiled = environment.compile_expression(text, undefined_to_none=False)
    except TemplateSyntaxError as error:
        raise _syntax(text, error.message or "") from None
    except RecursionError:
        raise ExpressionError("template-syntax", f"`{text[:60]}...` is nested too deeply.") from None
    return tree, compiled


def names_in(text: str) -> frozenset[str]:
    """Return the names that the expression `text` looks up, without what is looked up in them.

    Raises:
        ExpressionError: as `compile_expression` does.
    """
    from jinja2 import nodes

    compile_expression(text)
    tree = _environment(lenient=False).parse(f"{{{{ {text} }}}}")
    return frozenset(node.name for node in tree.find_all(nodes.Name))


def _check(tree: Any, text: str, nodes: Any) -> None:
    if tree.find((nodes.Call, nodes.CallBlock)):
        detail = f"`{text}` calls something, and expressions only choose, compare and calculate."
        raise ExpressionError(
            "unsafe-expression", detail, "use a filter, such as `{{ values.name | upper }}`"
        )
    for node in tree.find_all((nodes.Getattr, nodes.Name, nodes.Const)):
        name = getattr(node, "attr", None) or getattr(node, "name", None) or getattr(node, "value", None)
        if isinstance(name, str) and name.startswith("__" if isinstance(node, nodes.Const) else "_"):
            detail = f"`{text}` reaches for `{name}`; names that start with `_` are not for templates."
            raise ExpressionError("unsafe-expression", detail)


def _call(compiled: Any, text: str, names: Mapping[str, Any]) -> Any:
    from jinja2 import UndefinedError
    from jinja2.exceptions import TemplateRuntimeError
    from jinja2.runtime import Undefined

    try:
        value = compiled(**names)
        if isinstance(value, Undefined):
            # A StrictUndefined fails with the message that names what is missing.
            str(value)
        return _as_data(value, text)
    except UndefinedError as error:
        raise _undefined(text, error.message or "", names) from None
    except TemplateRuntimeError as error:
        raise ExpressionError("unsafe-expression", f"`{text}`: {error.message}.") from None
    except RecursionError:
        raise ExpressionError("template-type", f"`{text}` is nested too deeply.") from None
    except (ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise ExpressionError("template-type", f"`{text}` cannot be evaluated: {error}.") from None


def _as_data(value: Any, text: str) -> Any:
    """Return `value` as what YAML could have said."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        if len(value) > LONGEST:
            raise ExpressionError(
                "template-type", f"`{text}` gives a text of more than {LONGEST:,} characters."
            )
        return str(value)
    if is_list(value) or type(value).__name__ in {"tuple", "generator"}:
        return [_as_data(item, text) for item in value]
    if is_map(value):
        return {str(key): _as_data(item, text) for key, item in value.items()}
    raise ExpressionError(
        "template-type", f"`{text}` gives a {type(value).__name__}, which is no value of YAML."
    )


def _syntax(text: str, message: str) -> ExpressionError:
    unknown = re.match(r"No (filter|test) named '(\w+)'", message)
    if unknown:
        hint = did_you_mean(unknown.group(2), FILTERS)
        listed = f" Filters are {', '.join(sorted(FILTERS))}." if unknown.group(1) == "filter" else ""
        return ExpressionError(
            "template-syntax", f"There is no {unknown.group(1)} `{unknown.group(2)}`.{listed}", hint
        )
    return ExpressionError(
        "template-syntax", f"`{text}` is not an expression: {message or 'it cannot be read'}."
    )


def _undefined(text: str, message: str, names: Mapping[str, Any]) -> ExpressionError:
    found = _UNDEFINED.search(message)
    name = (found.group(1) or found.group(2)) if found else ""
    values = names.get("values")
    known = [*names, *(values if is_map(values) else ())]
    what = f"`{name}` is not defined" if name else "something is not defined"
    return ExpressionError(
        "undefined-value", f"In `{text}`, {what}.", did_you_mean(name, known) if name else None
    )


@cache
def _nothing() -> Any:
    """Return what stands for a missing value in a filter: false, equal to null, and not to be compared."""
    from jinja2 import ChainableUndefined
    from jinja2.runtime import Undefined

    def is_nothing(_self: Any, other: Any) -> bool:
        return other is None or isinstance(other, Undefined)

    def never(_self: Any, _other: Any) -> bool:
        return False

    compared = dict.fromkeys(("__lt__", "__le__", "__gt__", "__ge__"), never)
    return type(
        "Nothing", (ChainableUndefined,), {**compared, "__eq__": is_nothing, "__hash__": object.__hash__}
    )


@cache
def _environment(*, lenient: bool) -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    undefined = _nothing() if lenient else StrictUndefined
    environment: Any = ImmutableSandboxedEnvironment(undefined=undefined, autoescape=False)
    environment.globals.clear()
    environment.filters = {name: found for name, found in environment.filters.items() if name in FILTERS}
    environment.filters["bool"] = bool
    environment.intercepted_binops = frozenset({"*", "**", "+", "%"})
    environment.binop_table |= {"*": _multiply, "**": _power, "+": _add, "%": _modulo}

    def member(holder: Any, name: Any) -> Any:
        """Look into maps and lists only: a Python object behind a value has nothing for a template."""
        if is_map(holder):
            value = holder.get(name)
            there = value is not None or (name in holder and not lenient)
            return value if there else environment.undefined(obj=holder, name=name)
        if (
            (is_list(holder) or isinstance(holder, str))
            and isinstance(name, int)
            and -len(holder) <= name < len(holder)
        ):
            return holder[name]
        return environment.undefined(obj=holder, name=name)

    environment.getattr = member
    environment.getitem = member
    return environment


def _multiply(left: Any, right: Any) -> Any:
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        message = "only numbers can be multiplied"
        raise TypeError(message)
    return _bounded(left * right)


def _power(left: Any, right: Any) -> Any:
    if not isinstance(left, int | float) or not isinstance(right, int | float) or abs(right) > LARGEST_POWER:
        message = "only numbers can be raised, to at most 64"
        raise TypeError(message)
    return _bounded(left**right)


def _add(left: Any, right: Any) -> Any:
    return _bounded(left + right)


def _modulo(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        message = "`%` is for numbers; use `~` to put texts together"
        raise TypeError(message)
    return left % right


def _bounded(value: Any) -> Any:
    too_large = abs(value) > 2**63 if isinstance(value, int | float) else len(value) > LONGEST
    if too_large:
        message = "the result is too large"
        raise ValueError(message)
    return value
