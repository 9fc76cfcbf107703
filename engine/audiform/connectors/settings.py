"""Fills in the parts of a manifest that it takes from the connector's settings: what a generic type does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from audiform.connectors.auth import problems_of_auth
from audiform.connectors.manifest import (
    FromSetting,
    Identifier,
    Manifest,
    OutcomeRule,
    SignalOperation,
)
from audiform.connectors.model import Model
from audiform.connectors.scopes import Problem, check_signal
from audiform.connectors.template import MISSING, from_setting, lookup
from audiform.connectors.wording import in_words
from audiform.diagnostics import Diagnostic, DiagnosticError

_PREFIX = "from_setting:"


def configure(manifest: Manifest, settings: Mapping[str, Any]) -> Manifest:
    """Return `manifest` with auth, signals and identity resolved; a signal without its setting is not there.

    Raises:
        DiagnosticError: `invalid-setting` for each problem; `path` starts with `settings`.
    """
    given = with_defaults(manifest.settings, settings)
    problems: list[Problem] = []
    update: dict[str, Any] = {"signals": _signals(manifest, given, problems)}
    if isinstance(manifest.auth, FromSetting):
        update["auth"] = _auth(manifest, manifest.auth, given, problems)
    if manifest.identity.startswith(_PREFIX):
        update["identity"] = _identity(manifest, given, problems)
    update |= _merged(manifest, given, problems)
    if problems:
        raise DiagnosticError([_diagnostic(problem) for problem in problems])
    return manifest.model_copy(update=update)


def with_defaults(schema: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return `settings` with the `default`s of their JSON Schema, objects in objects included."""
    filled = dict(settings)
    for name, body in schema.get("properties", {}).items():
        if name not in filled and "default" in body:
            filled[name] = body["default"]
        if isinstance(filled.get(name), Mapping) and "properties" in body:
            filled[name] = with_defaults(body, filled[name])
    return filled


def _signals(
    manifest: Manifest, settings: Mapping[str, Any], problems: list[Problem]
) -> dict[str, SignalOperation]:
    signals: dict[str, SignalOperation] = {}
    for name, signal in manifest.signals.items():
        if isinstance(signal, SignalOperation):
            signals[name] = signal
            continue
        value = lookup(settings, signal.from_setting)
        if value is MISSING:
            continue
        path = ("settings", *signal.from_setting.split("."))
        try:
            signals[name] = SignalOperation.model_validate(from_setting(value))
        except ValidationError as error:
            problems += [
                Problem((*path, *item["loc"]), in_words(item)) for item in error.errors(include_input=False)
            ]
        else:
            problems += check_signal(path, signals[name], manifest)
    return signals


def _auth(
    manifest: Manifest, part: FromSetting, settings: Mapping[str, Any], problems: list[Problem]
) -> Mapping[str, Any]:
    names = manifest.credentials.get("properties", {})
    value = lookup(settings, part.from_setting)
    auth = {"scheme": "none"} if value is MISSING else from_setting(value)
    path = ("settings", *part.from_setting.split("."))
    problems += [Problem((*path, *where), text) for where, text in problems_of_auth(auth, names)]
    return auth


def _merged(manifest: Manifest, settings: Mapping[str, Any], problems: list[Problem]) -> Mapping[str, Any]:
    """Return the parts into which a setting is merged."""
    update: dict[str, Any] = {}
    for part, setting in manifest.from_settings.items():
        value = lookup(settings, setting)
        if value is MISSING:
            continue
        try:
            update |= _MERGES.get(part, _model)(manifest, part, value)
        except ValidationError as error:
            path = ("settings", *setting.split("."))
            problems += [
                Problem((*path, *item["loc"]), in_words(item)) for item in error.errors(include_input=False)
            ]
    return update


def _model(manifest: Manifest, part: str, value: Any) -> Mapping[str, Any]:
    given: Model = getattr(manifest, part)
    return {part: type(given).model_validate({**given.model_dump(), **value})}


def _headers(manifest: Manifest, part: str, value: Any) -> Mapping[str, Any]:
    return {part: {**manifest.headers, **from_setting(value)}}


def _outcomes(manifest: Manifest, part: str, value: Any) -> Mapping[str, Any]:
    return {part: (*(OutcomeRule.model_validate(rule) for rule in value), *manifest.outcomes)}


def _hashed(manifest: Manifest, part: str, value: Any) -> Mapping[str, Any]:
    """Return the identifiers with the hashes that `value` says, by identifier."""
    hashed = {
        name: Identifier.model_validate(
            {**identifier.model_dump(), **({part: value[name]} if name in value else {})}
        )
        for name, identifier in manifest.identifiers.items()
    }
    return {"identifiers": hashed}


_Merge = Callable[[Manifest, str, Any], Mapping[str, Any]]
_MERGES: Mapping[str, _Merge] = {"hash": _hashed, "headers": _headers, "outcomes": _outcomes}


def _identity(manifest: Manifest, settings: Mapping[str, Any], problems: list[Problem]) -> str:
    setting = manifest.identity.removeprefix(_PREFIX)
    value = lookup(settings, setting)
    if value != "each" and value not in manifest.identifiers:
        names = ", ".join(("each", *manifest.identifiers))
        problems.append(
            Problem(("settings", *setting.split(".")), f"one of {names} must say what names a member")
        )
    return str(value)


def _diagnostic(problem: Problem) -> Diagnostic:
    where = ".".join(map(str, problem.path))
    return Diagnostic(
        "invalid-setting",
        f"`{where}`: {problem.text}. The connector takes this part of its requests from its settings, so nothing "
        "can be sent until it is right.",
        hint=problem.hint,
        path=problem.path,
    )
