"""Diagnostics for programs: JSON, SARIF 2.1.0 (code scanning) and the annotations of GitHub's workflows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from audiform import __version__
from audiform.codes import CODES, documentation, summary
from audiform.diagnostics import Diagnostic, Location


def under(folder: PurePosixPath, diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the diagnostics with `folder` before each file: what a program resolves from where it runs."""

    def moved(location: Location) -> Location:
        return replace(location, file=(folder / location.file).as_posix())

    return tuple(
        replace(
            item,
            location=item.location and moved(item.location),
            related=tuple((label, moved(location)) for label, location in item.related),
        )
        for item in diagnostics
    )


def as_json(diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    """Return `{"valid": ..., "diagnostics": [...]}`."""
    return {
        "valid": not any(item.severity == "error" for item in diagnostics),
        "diagnostics": [_entry(item) for item in diagnostics],
    }


def as_sarif(diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    """Return a SARIF 2.1.0 log with one run; rules are the codes that occur."""
    codes = sorted({item.code for item in diagnostics})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "audiform",
                        "version": __version__,
                        "rules": [_rule(code) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(item, codes.index(item.code)) for item in diagnostics],
            }
        ],
    }


def as_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Return one workflow command per line: `::error file=...,line=...::message`."""
    return "\n".join(map(_annotation, diagnostics))


def _entry(item: Diagnostic) -> dict[str, Any]:
    return {
        "code": item.code,
        "severity": item.severity.value,
        "summary": summary(item.code),
        "detail": item.detail,
        "hint": item.hint,
        "address": str(item.address) if item.address else None,
        "path": list(item.path),
        "location": _location(item.location) if item.location else None,
        "related": [{"label": label, "location": _location(place)} for label, place in item.related],
        "documentation": documentation(item.code),
    }


def _location(location: Location) -> dict[str, Any]:
    return {
        "file": location.file,
        "line": location.line,
        "column": location.column,
        "length": location.length,
        "text": location.text,
    }


def _message(item: Diagnostic) -> str:
    return f"{item.detail}\n{item.hint}" if item.hint else item.detail


def _rule(code: str) -> dict[str, Any]:
    known = CODES.get(code)
    rule: dict[str, Any] = {
        "id": code,
        "shortDescription": {"text": summary(code)},
        "helpUri": documentation(code),
    }
    if known:
        rule["fullDescription"] = {"text": known.meaning}
        rule["help"] = {"text": known.remedy}
    return rule


def _result(item: Diagnostic, rule: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": item.code,
        "ruleIndex": rule,
        "level": item.severity.value,
        "message": {"text": _message(item)},
    }
    if item.location:
        result["locations"] = [_physical(item.location)]
    if item.related:
        result["relatedLocations"] = [
            {**_physical(place), "id": number, "message": {"text": label}}
            for number, (label, place) in enumerate(item.related)
        ]
    return result


def _physical(location: Location) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(location.file)},
            "region": {
                "startLine": location.line,
                "startColumn": location.column,
                "endColumn": location.column + location.length,
            },
        }
    }


def _annotation(item: Diagnostic) -> str:
    fields: dict[str, str] = {}
    if item.location:
        fields = {
            "file": item.location.file,
            "line": str(item.location.line),
            "col": str(item.location.column),
            "endColumn": str(item.location.column + item.location.length),
        }
    fields["title"] = f"{summary(item.code)} ({item.code})"
    properties = ",".join(f"{name}={_escaped(value, _IN_PROPERTY)}" for name, value in fields.items())
    return f"::{item.severity} {properties}::{_escaped(_message(item), _IN_MESSAGE)}"


_IN_MESSAGE: Mapping[str, str] = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTY: Mapping[str, str] = {**_IN_MESSAGE, ":": "%3A", ",": "%2C"}


def _escaped(text: str, escapes: Mapping[str, str]) -> str:
    return "".join(escapes.get(char, char) for char in text)


FORMATS: Mapping[str, Callable[[Sequence[Diagnostic]], Any]] = {
    "json": as_json,
    "sarif": as_sarif,
    "github": as_github,
}
