"""What an environment makes of the declared resources: overrides merged in, `for_each` repeated, texts rendered.

A resource in which nothing is to be done costs a look at it, and keeps the very body that was read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audiform.address import Address, Kind
from audiform.config.declared import SECTIONS, Declarations, Table, unknown_section
from audiform.config.files import Text
from audiform.config.places import Places
from audiform.config.template import Scope, TemplateError, is_templated_json, render
from audiform.diagnostics import Diagnostic, did_you_mean
from audiform.shapes import is_list, is_map

Overrides = Mapping[str, Mapping[str, Mapping[str, Any]]]
Path = tuple[str | int, ...]

FOR_EACH = "for_each"
_KEY = re.compile(r"[A-Za-z0-9_-]{1,63}\Z")


# --- Overrides


def override(found: Declarations, overrides: Overrides, text: Text, places: Places) -> None:
    """Merge an environment's `overrides`, which stand in `text`, into the declared resources."""
    for section, resources in overrides.items():
        kind = SECTIONS.get(section)
        if kind is None:
            found.problems.append(places.in_file(text, unknown_section(("overrides", section))))
            continue
        table = found.tables[kind]
        for name, fields in resources.items():
            if name in found.spoiled[kind] or (name not in table and found.incomplete):
                continue
            if name not in table:
                found.problems.append(places.in_file(text, _unknown_override(kind, name, table)))
                continue
            before = table[name]
            table[name] = before._replace(
                body=_merged(before.body, fields),
                templated=True,
                named=text if "query" in fields else before.named,
            )


def _merged(body: Mapping[str, Any], fields: Mapping[str, Any], *, whole: bool = False) -> dict[str, Any]:
    """Return `body` with `fields`: map by map, but a credential as a whole, because half of two is none."""
    merged = dict(body)
    for key, value in fields.items():
        before = merged.get(key)
        if is_map(before) and is_map(value) and not whole:
            merged[key] = _merged(before, value, whole=key in ("credentials", "write_keys"))
        else:
            merged[key] = value
    return merged


def _unknown_override(kind: Kind, name: str, table: Table) -> Diagnostic:
    detail = f"No file declares {kind.value} `{name}`, so this override has no effect."
    path = ("overrides", kind.section, name)
    return Diagnostic("unknown-override", detail, hint=did_you_mean(name, table), path=path, on_key=True)


# --- Repetition


def repeat(found: Declarations, kind: Kind, scope: Scope) -> Table:
    """Return the resources of one kind, those with `for_each` once for each of its keys, as `name.key`."""
    table, problems = found.tables[kind], found.problems
    if not any(FOR_EACH in declared.body for declared in table.values()):
        return table
    repeated: Table = {}
    for name, declared in table.items():
        if FOR_EACH not in declared.body:
            repeated[name] = declared
            continue
        address = Address(kind, name)
        body = {key: value for key, value in declared.body.items() if key != FOR_EACH}
        before = len(problems)
        items = [*_items(declared.body[FOR_EACH], address, scope, problems)]
        if len(problems) > before:
            found.spoiled[kind].add(name)
        for key, value in items:
            each = {"key": key, "value": value}
            repeated[f"{name}.{key}"] = declared._replace(body=body, templated=True, each=each)
    return repeated


def _items(
    given: Any, address: Address, scope: Scope, problems: list[Diagnostic]
) -> Iterator[tuple[str, Any]]:
    """Yield key and value of each repetition."""
    before = len(problems)
    value = _rendered_or_problems(given, scope, None, (FOR_EACH,), address, problems)
    if len(problems) > before:
        return
    if is_map(value):
        entries: Sequence[tuple[Any, Any]] = [*value.items()]
    elif is_list(value):
        entries = [(item, item) for item in value]
    else:
        detail = "`for_each` takes a map or a list, and this is neither."
        problems.append(Diagnostic("invalid-for-each", detail, address=address, path=(FOR_EACH,)))
        return
    seen: set[str] = set()
    for index, (key, item) in enumerate(entries):
        wrong = _wrong_key(key, seen)
        if wrong is None:
            seen.add(str(key))
            yield str(key), item
        else:
            place: Path = (FOR_EACH, index if is_list(value) else str(key))
            on_key = is_map(value)
            problems.append(Diagnostic("invalid-for-each", wrong, address=address, path=place, on_key=on_key))


def _wrong_key(key: Any, seen: set[str]) -> str | None:
    if isinstance(key, bool) or not isinstance(key, str | int):
        return "A list of `for_each` holds texts or whole numbers, because each becomes part of a name. For more, use a map."
    if not _KEY.match(str(key)):
        return (
            f"`{key}` becomes part of a name, so it holds letters, digits, `_` and `-` only, and at most 63."
        )
    if str(key) in seen:
        return f"`{key}` stands in `for_each` twice, and would give two resources one name."
    return None


# --- Rendering


def rendered(
    kind: Kind, table: Table, scope: Scope, problems: list[Diagnostic]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield name and body of each resource with all templates rendered; one that cannot be is a problem.

    The settings of a connector may keep references that its type knows only when a request is made.
    """
    import orjson

    for name, declared in table.items():
        body = declared.body
        # Written as JSON, two braces stand side by side only in a text. This asks all texts of a body at once.
        if not declared.templated or not is_templated_json(orjson.dumps(body)):
            yield name, body
            continue
        late = "settings" if kind in (Kind.CONNECTOR, Kind.EVENT_CONNECTOR) else None
        each = declared.each
        try:
            yield (
                name,
                {
                    key: value
                    if value.__class__ is str and "{" not in value
                    else _render(value, scope, each, late=key == late)
                    for key, value in body.items()
                },
            )
        except TemplateError:
            address = Address(kind, name)
            for key, value in body.items():
                problems += _problems(value, scope, each, key == late, (key,), address)


def _rendered_or_problems(
    value: Any,
    scope: Scope,
    each: Mapping[str, Any] | None,
    path: Path,
    address: Address,
    problems: list[Diagnostic],
) -> Any:
    try:
        return _render(value, scope, each, late=False)
    except TemplateError:
        problems += _problems(value, scope, each, False, path, address)
        return None


def _render(value: Any, scope: Scope, each: Mapping[str, Any] | None, *, late: bool) -> Any:
    kind = value.__class__
    if kind is str:
        return render(value, scope, each, late=late) if "{" in value else value
    if kind is dict:
        # Most texts hold no brace at all, and a large project has a hundred thousand of them.
        return {
            key: item if item.__class__ is str and "{" not in item else _render(item, scope, each, late=late)
            for key, item in value.items()
        }
    if kind is list:
        return [_render(item, scope, each, late=late) for item in value]
    return value


def _problems(
    value: Any, scope: Scope, each: Mapping[str, Any] | None, late: bool, path: Path, address: Address
) -> list[Diagnostic]:
    """Return a problem for each text that cannot be rendered: the slow way, with the path to it."""
    if is_map(value):
        entries: list[tuple[str | int, Any]] = [*value.items()]
    elif is_list(value):
        entries = [*enumerate(value)]
    else:
        try:
            _render(value, scope, each, late=late)
        except TemplateError as error:
            return [template_problem(error, path, address)]
        return []
    return [
        problem
        for key, item in entries
        for problem in _problems(item, scope, each, late, (*path, key), address)
    ]


def template_problem(error: TemplateError, path: Path, address: Address) -> Diagnostic:
    """Return the diagnostic of a text that cannot be rendered; it points to the expression."""
    return Diagnostic(error.code, error.detail, hint=error.hint, address=address, path=path, part=error.part)
