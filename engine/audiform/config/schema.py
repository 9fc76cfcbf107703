"""What pydantic found, as diagnostics: all of it, in the words of the project, never with a secret's value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from audiform.address import Address
from audiform.config.engine import Engine
from audiform.config.event_kinds import (
    SOURCE_SETTINGS,
    BatchLimits,
    EventConnector,
    EventSelection,
    EventSource,
    EventType,
    MappedField,
    Retry,
)
from audiform.config.kinds import (
    Audience,
    Binding,
    Connector,
    EnvironmentFile,
    Expectation,
    ExpectedCall,
    GivenChange,
    GivenField,
    Guards,
    IdentifierColumn,
    Import,
    Moved,
    Policy,
    ProjectFile,
    ProjectTest,
    Removed,
    Source,
    State,
)
from audiform.config.policies import Allow, AppliesTo, Forbid, NamedPolicy, Require
from audiform.config.query_kinds import DbtModel, QueryFile
from audiform.config.schedule import Schedule
from audiform.config.secret_references import FORMS as SECRET_FORMS
from audiform.config.secret_references import INSIDE
from audiform.diagnostics import Diagnostic, did_you_mean
from audiform.shapes import is_map

Path = tuple[str | int, ...]

_TAG = re.compile(rf"(?:<(?:text|other|none|dbt_model|{'|'.join(SECRET_FORMS)})>|\[key\])\Z")
_CALLED: Final[Mapping[type[BaseModel], str]] = {
    Source: "a source",
    Connector: "a connector",
    Audience: "an audience",
    Binding: "a binding",
    NamedPolicy: "a policy",
    ProjectFile: "a project",
    EnvironmentFile: "an environment",
    ProjectTest: "a test",
    Import: "an entry of `imports`",
    Moved: "an entry of `moved`",
    Removed: "an entry of `removed`",
    EventSource: "an event source",
    EventType: "an event type",
    EventConnector: "an event connector",
    **{model: f"the settings of a source of type `{name}`" for name, model in SOURCE_SETTINGS.items()},
}
_INSIDE: Final[Mapping[str, tuple[type[BaseModel], ...]]] = {
    "guards": (Guards,),
    "schedule": (Schedule,),
    "query": (QueryFile, DbtModel),
    "identifiers": (IdentifierColumn,),
    "credentials": tuple(SECRET_FORMS.values()),
    "state": (State,),
    "engine": (Engine,),
    "policy": (Policy,),
    "applies_to": (AppliesTo,),
    "allow": (Allow,),
    "require": (Require,),
    "forbid": (Forbid,),
    "expect": (Expectation, ExpectedCall),
    "changes": (GivenChange, GivenField),
    "events": (EventSelection,),
    "map": (MappedField,),
    "retry": (Retry,),
    "batch": (BatchLimits,),
    "write_keys": tuple(SECRET_FORMS.values()),
}
_IN_REFERENCE: Final = 4
"""Keys that lead to what stands in a reference to a store of secrets: `credentials.token.from_vault.path`."""
_WANTED: Final[Mapping[str, str]] = {
    "string_type": "a text",
    "int_type": "a whole number",
    "bool_type": "`true` or `false`",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "tuple_type": "a list",
    "union_tag_not_found": "`{from_env: NAME}`, `{from_file: PATH}`, `{from_command: [...]}` or a reference to a store of secrets",
}
_EITHER: Final[Mapping[tuple[str, int], str]] = {
    ("schedule", 1): "a cron expression as a text, `manual`, or a map with `cron` or `every`",
    ("query", 1): "SQL as a text, `{file: NAME.sql}` or `{dbt_model: NAME}`",
    ("identifiers", 2): "the name of a column, or a map with `column`",
    ("map", 2): "a path such as `event.properties.total`, or a map with `from` or `value`",
    ("guards", 2): "a whole number, or a share such as `20%`",
}
"""First and number of the keys that lead to a field of several types -> what it takes."""
FORMS: Final[Mapping[str, str]] = {
    r"^\d+(\.\d+)?\s?%$": "a number of people, or a share such as `20%`",
    r"^\d+(s|m|h|d)$": "a number with `s`, `m`, `h` or `d` behind it, such as `24h`",
    r"^[1-9]\d*(m|h|d)$": "a number with `m`, `h` or `d` behind it, such as `15m`",
    r"^\d+(\.\d+)?\s?([KMGT]i?B)$": "an amount of memory, such as `1GB`",
    "^[A-Z]{2}$": "a country as two capital letters, such as `DE`",
    r"^postgresql://[^/@?#]+/[^/?#]+$": "a server and a database, `postgresql://HOST:PORT/DATABASE`; user and password stand in "
    "`credentials`",
    r"^(mysql|mariadb)://[^/@?#]+/[^/?#]+$": "a server and a database, `mysql://HOST:PORT/DATABASE`; user and password stand in "
    "`credentials`",
    r"^(https?://[^@?#]+|postgresql://[^/@?#]+/[^/?#]+|sqlite:[^?#]+|glue:[a-z0-9-]+)$": "a catalog, `https://HOST/PATH`, "
    "`postgresql://HOST:PORT/DATABASE`, `sqlite:FILE` or `glue:REGION`; what it is reached with stands in `credentials`",
    r"^grpc(\+tls)?://[^/@?#]+$": "a server, `grpc+tls://HOST:PORT`; what it is reached with stands in `credentials`",
    r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$": "the name of an account, as it stands before the service's own domain",
    r"^https?://[^/@?#]+$": "a server, `https://HOST:PORT`; what it is reached with stands in `credentials`",
    r"^[a-z0-9$][a-z0-9._-]+$": "the name of a bucket or container: small letters, digits, `.`, `_` and `-`",
    r"^[a-z0-9]+$": "the name of an account: small letters and digits",
    "^(nats|kafka)://[^/@]+/[^/]+$": "servers of NATS and a stream, `nats://HOST:PORT/STREAM`, or brokers of Kafka and a topic, "
    "`kafka://HOST:PORT/TOPIC`; a password stands in `credentials`",
    "^nats://[^/@]+/[^/]+$": "servers and a stream, `nats://HOST:PORT/STREAM`; a password stands in `credentials`",
    "^kafka://[^/@]+/[^/]+$": "brokers and a topic, `kafka://HOST:PORT/TOPIC`; a password stands in `credentials`",
    "^ed25519:": "a public key as `audiform connectors keygen` prints it: `ed25519:` and the key",
    r"^[a-z][a-z0-9_.-]{0,62}$": "a label's key: a small letter, then at most 62 small letters, digits, `_`, `.` and `-`",
    r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$": "a label's value: at most 63 letters, digits, `_`, `.` and `-`, "
    "with a letter or a digit at both ends",
    r"^[a-z_]+\..+$": "an address, such as `binding.lapsed_on_ads`",
    r"^[a-z][a-z0-9_-]*$": "a name: a small letter, then small letters, digits, `_` and `-`",
}
"""Pattern of a field -> what it takes, in words."""


def problems_of(
    error: ValidationError,
    model: type[BaseModel],
    address: Address | None,
    settings: type[BaseModel] | None = None,
) -> list[Diagnostic]:
    """Return a diagnostic for each problem of one resource or file, with the path to it.

    `settings`: the model of what stands in its `settings`, where the type of the resource decides that.

    A missing field that an unknown one is near to is one mistake, and is said once.
    """
    found: list[Diagnostic] = []
    misspelled: set[Path] = set()
    for item in error.errors(include_url=False):
        path = _path(item["loc"])
        inside = settings if path[0] == "settings" else None
        diagnostic = _translated(item, path, model, address, inside)
        found.append(diagnostic)
        if diagnostic.code == "unknown-field" and diagnostic.hint:
            misspelled.add((*path[:-1], diagnostic.hint.split('"')[1]))
    return _joined(
        [item for item in found if item.code != "missing-field" or (*item.path, item.part) not in misspelled],
        model,
    )


def _path(place: Path) -> Path:
    """Return pydantic's place without the names of union members, which no file has; a key may look like one."""
    *before, last = place or ("",)
    kept = [part for part in before if not (isinstance(part, str) and _TAG.match(part))]
    ends_in_tag = isinstance(last, str) and _TAG.match(last) and kept
    return tuple(kept) if ends_in_tag else (*kept, last)


def type_name(value: Any) -> str:
    """Return what YAML calls the type of `value`."""
    names = {str: "a text", bool: "`true` or `false`", int: "a number", list: "a list", dict: "a map"}
    return "empty" if value is None else names.get(value.__class__, "a number with decimals")


def _joined(found: list[Diagnostic], model: type[BaseModel]) -> list[Diagnostic]:
    """Return the problems with all that one place lacks as one."""
    lacks: dict[Path, list[str]] = {}
    for item in found:
        if item.code == "missing-field":
            lacks.setdefault(item.path, []).append(f"`{item.part}`")
    joined: dict[object, Diagnostic] = {}
    for item in found:
        if item.code != "missing-field":
            joined[id(item)] = item
        elif item.path not in joined:
            owner = f"`{_shown(item.path)}`" if item.path else _CALLED.get(model, "this")
            *first, last = lacks[item.path]
            fields = f"{', '.join(first)} and {last}" if first else last
            joined[item.path] = replace(
                item, detail=f"{owner[:1].upper()}{owner[1:]} needs {fields}.", part=None
            )
    return [*joined.values()]


def _translated(
    item: ErrorDetails,
    path: Path,
    model: type[BaseModel],
    address: Address | None,
    inside: type[BaseModel] | None = None,
) -> Diagnostic:
    kind, value = item["type"], item["input"]
    on_key = item["loc"][-1:] == ("[key]",)
    if kind == "missing":
        return _missing(path, address)
    if kind == "extra_forbidden":
        return _unknown(path, model, address, inside)
    if path[:-1] in (("credentials",), ("write_keys",)) and value is not None:
        return _misspelled(path, value, address) or _in_clear(path, address)
    field = _shown(path)
    wanted = _wanted(item, path)
    if wanted:
        detail = f"`{field}` takes {wanted}, and this is {type_name(value)}."
        return Diagnostic("wrong-type", detail, address=address, path=path)
    detail, hint = _refused(item, field)
    return Diagnostic("invalid-value", detail, hint=hint, address=address, path=path, on_key=on_key)


def _wanted(item: ErrorDetails, path: Path) -> str | None:
    """Return which type a field takes, or None where the value has it."""
    kind = item["type"]
    if kind in {"literal_error", "enum"}:
        return None if isinstance(item["input"], str) else f"one of {_words(item)[0]}"
    if kind in {"model_type", "model_attributes_type", "int_type"} and not str(path[-1]).startswith("min_"):
        return _EITHER.get((str(path[0]), len(path)), _WANTED[kind])
    return _WANTED.get(kind)


def _words(item: ErrorDetails) -> tuple[str, list[str]]:
    words = re.findall(r"[^\s',]+", item.get("ctx", {}).get("expected", "").replace(" or ", " "))
    return ", ".join(f"`{word}`" for word in words), words


def _refused(item: ErrorDetails, field: str) -> tuple[str, str | None]:
    """Say why a value of the right type is not taken. What stands in credentials is not shown."""
    context = item.get("ctx", {})
    match item["type"]:
        case "literal_error" | "enum":
            listed, words = _words(item)
            return f"`{field}` can be {listed}.", did_you_mean(str(item["input"]), words)
        case "string_pattern_mismatch":
            return f"`{field}` takes {FORMS.get(context['pattern'], 'another form')}.", None
        case "greater_than_equal":
            return f"`{field}` cannot be less than {context['ge']}.", None
        case "too_short" | "string_too_short":
            return f"`{field}` cannot be empty.", None
        case _:
            return f"`{field}`: {item['msg'].lower()}.", None


def _missing(path: Path, address: Address | None) -> Diagnostic:
    # What is said of it is put together with all else that the place lacks; `part` is its name until then.
    return Diagnostic("missing-field", "", address=address, path=path[:-1], on_key=True, part=str(path[-1]))


def _unknown(
    path: Path, model: type[BaseModel], address: Address | None, inside: type[BaseModel] | None = None
) -> Diagnostic:
    name = str(path[-1])
    models = (model,) if len(path) == 1 else (inside,) if inside is not None else _inside(path)
    known = [entry.alias or field for inner in models for field, entry in inner.model_fields.items()]
    if path[0] in ("credentials", "write_keys") and name in known and name in SECRET_FORMS:
        detail = f"`{_shown(path[:-1])}` says in two ways where the secret is, and only one of them can hold."
        return Diagnostic("invalid-value", detail, address=address, path=path, on_key=True)
    if len(path) == 1 and address is not None:
        known.append("for_each")
    owner = _CALLED.get(model, "this place") if len(path) == 1 else f"`{_shown(path[:-1])}`"
    listed = ", ".join(f"`{field}`" for field in known)
    detail = f"`{name}` is not a field of {owner}{f', which has {listed}' if listed else ''}."
    return Diagnostic(
        "unknown-field", detail, hint=did_you_mean(name, known), address=address, path=path, on_key=True
    )


def _inside(path: Path) -> tuple[type[BaseModel], ...]:
    """Return the models that a field at this place may be of."""
    if path[0] in ("credentials", "write_keys") and len(path) == _IN_REFERENCE:
        return (INSIDE[str(path[2])],)
    return _INSIDE.get(str(path[0]), ())


def _misspelled(path: Path, value: Any, address: Address | None) -> Diagnostic | None:
    """Return what to say of `{form_env: NAME}`: a reference whose only key is nearly one of the forms."""
    key = next(iter(value)) if is_map(value) and len(value) == 1 else ""
    return _unknown((*path, key), Connector, address) if did_you_mean(key, SECRET_FORMS) else None


def _in_clear(path: Path, address: Address | None) -> Diagnostic:
    detail = (
        f"The credential `{path[-1]}` is no reference, so what stands here may be the secret itself, in a file that many "
        "can read. If it is one, replace it at the platform too: it must count as known."
    )
    hint = "write where it is to be found: `{from_env: NAME}`"
    return Diagnostic("secret-in-clear", detail, hint=hint, address=address, path=path)


def _shown(path: Path) -> str:
    return ".".join(map(str, path))
