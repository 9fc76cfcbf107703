"""Says in words where a value is not what a connector type's JSON Schema says: slow, and only for problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from audiform.address import Address
from audiform.diagnostics import Diagnostic, did_you_mean

Path = tuple[str | int, ...]

_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "array": "a list",
    "object": "a map of keys and values",
    "null": "nothing",
}
_RULES = {
    "minimum": "must be at least {}",
    "exclusiveMinimum": "must be more than {}",
    "maximum": "must be at most {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} entries",
    "maxItems": "must have at most {} entries",
    "const": "must be `{}`",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: a connector's settings, or a binding's destination. `noun` is what one key of it is."""

    address: Address
    root: str
    noun: str
    type: str

    def problem(
        self, code: str, path: Path, text: str, *, hint: str | None = None, on_key: bool = False
    ) -> Diagnostic:
        """Return a diagnostic about what stands at `path` below the root."""
        whole = (self.root, *path)
        return Diagnostic(code, text, hint=hint, address=self.address, path=whole, on_key=on_key)

    def where(self, *path: str | int) -> str:
        """Return how a user names the place."""
        return "`" + ".".join(map(str, (self.root, *path))) + "`"


@dataclass(frozen=True, slots=True)
class _Broken:
    """A rule of a schema that `value`, at `path`, breaks. `wanted` is what the rule says."""

    rule: str
    wanted: Any
    value: Any
    path: Path
    schema: Mapping[str, Any]
    message: str

    @property
    def properties(self) -> Mapping[str, Any]:
        """What the schema says of the keys of `value`."""
        found: Mapping[str, Any] = self.schema.get("properties", {})
        return found


def explain(subject: Subject, schema: Mapping[str, Any], value: Any) -> Iterator[Diagnostic]:
    """Yield every way in which `value` is not what `schema` says, in the order of its keys.

    The fast validator has found that there is one. Should this one not see it, that is said as well: a value
    that two readers judge differently is not sent anywhere.
    """
    found = _broken(schema, value)
    for item in found:
        yield from _problems(subject, item)
    if not found:
        text = f"{subject.where()} is not what `{subject.type}` takes. This is a bug in Audiform: it cannot say why."
        yield subject.problem("invalid-value", (), text)


def _broken(schema: Mapping[str, Any], value: Any) -> list[_Broken]:
    import jsonschema
    from referencing import Registry

    # An empty registry fetches nothing.
    reader: Any = jsonschema.Draft202012Validator(
        schema, registry=Registry()
    )  # its stubs do not know what an error holds
    found = [
        _Broken(
            str(error.validator),
            error.validator_value,
            error.instance,
            tuple(error.absolute_path),
            error.schema,
            str(error.message),
        )
        for error in reader.iter_errors(value)
    ]
    return sorted(found, key=lambda item: [str(key) for key in item.path])


def _problems(subject: Subject, broken: _Broken) -> Iterable[Diagnostic]:
    match broken.rule:
        case "additionalProperties":
            return _unknown(subject, broken)
        case "required" | "dependentRequired":
            return _missing(subject, broken)
        case "type":
            return [_wrong_type(subject, broken)]
        case _:
            return [_not_allowed(subject, broken)]


def _unknown(subject: Subject, broken: _Broken) -> Iterator[Diagnostic]:
    known = broken.properties
    names = ", ".join(f"`{name}`" for name in known)
    takes = f"it takes {names}" if names else "it takes none"
    for key in broken.value:
        if key not in known:
            path = (*broken.path, key)
            text = f"{subject.where(*path)} is not {subject.noun} of `{subject.type}`; {takes}."
            hint = did_you_mean(key, known)
            yield subject.problem("unknown-field", path, text, hint=hint, on_key=True)


def _missing(subject: Subject, broken: _Broken) -> Iterator[Diagnostic]:
    """Yield the missing key; the validator reports each by itself, and names it in its message only."""
    names: Iterable[str] = broken.wanted
    reason = ""
    if broken.rule == "dependentRequired":
        given = [name for name in broken.wanted if name in broken.value]
        names = dict.fromkeys(name for key in given for name in broken.wanted[key])
        reason = f" where {', '.join(f'`{name}`' for name in given)} is given"
    for name in names:
        if name not in broken.value and repr(name) in broken.message:
            about = _description(broken.properties.get(name))
            text = f"`{subject.type}` needs {subject.where(*broken.path, name)}{reason}.{about}"
            yield subject.problem("missing-field", broken.path, text)


def _wrong_type(subject: Subject, broken: _Broken) -> Diagnostic:
    names: list[str] = [broken.wanted] if isinstance(broken.wanted, str) else list(broken.wanted)
    must_be = " or ".join(_WORDS.get(name, name) for name in names)
    text = (
        f"{subject.where(*broken.path)} must be {must_be}, and it is {_kind_of(broken.value)}."
        f"{_description(broken.schema)}"
    )
    hint = "put it in quotes" if "string" in names and isinstance(broken.value, int | float) else None
    return subject.problem("wrong-type", broken.path, text, hint=hint)


def _not_allowed(subject: Subject, broken: _Broken) -> Diagnostic:
    hint = None
    if broken.rule == "enum":
        must = f"must be one of {', '.join(f'`{item}`' for item in broken.wanted)}"
        hint = did_you_mean(str(broken.value), [str(item) for item in broken.wanted])
    elif broken.rule == "pattern":
        must = f"does not have the form `{broken.wanted}`"
    elif broken.rule in _RULES:
        must = _RULES[broken.rule].format(broken.wanted)
    else:
        must = f"breaks the rule `{broken.rule}` of its JSON Schema"
    text = f"{subject.where(*broken.path)} {must}.{_description(broken.schema)}"
    return subject.problem("invalid-value", broken.path, text, hint=hint)


def _description(schema: Mapping[str, Any] | bool | None) -> str:
    """Return what the manifest says about a value, as a sentence, with its example."""
    if not schema or schema is True:
        return ""
    about = str(schema.get("description", "")).rstrip(".")
    examples = schema.get("examples", ())
    example = f" For example: `{examples[0]}`." if examples else ""
    return (f" {about}." if about else "") + example


def _kind_of(value: Any) -> str:
    match value:
        case bool():
            return "`true`" if value else "`false`"
        case None:
            return "empty"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list() | tuple():
            return "a list"
        case _:
            return "a map"
