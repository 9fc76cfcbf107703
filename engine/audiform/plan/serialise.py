"""The plan file: canonical JSON, and back to an equal plan. Its schema is published as `schemas/plan.schema.json`.

The text of a plan is one canonical JSON object; a signature (`seal.py`) goes around these bytes.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.hashing import canonical, digest_text
from audiform.plan.plan import Plan
from audiform.plan.seal import SCHEMA as SEAL

VERSION = 1
_SHOWN_PROBLEMS = 5


def to_data(plan: Plan) -> dict[str, Any]:
    """Return the plan as JSON data, in the shape of the published schema."""
    data: dict[str, Any] = _adapter().dump_python(_made(plan), mode="json")
    return data


def _made(plan: Plan) -> Plan:
    """Return the plan with everything made that it holds for later."""
    changes = (replace(change, fields=tuple(change.fields)) for change in plan.changes)
    return replace(
        plan, config_digest=str(plan.config_digest), changes=tuple(changes), steps=tuple(plan.steps)
    )


def to_text(plan: Plan) -> str:
    """Return the plan as canonical JSON: sorted keys, no spaces, no newline."""
    return canonical(to_data(plan))


def plan_digest(plan: Plan) -> str:
    """Return the digest of the plan's canonical text: the same plan has the same digest everywhere."""
    return digest_text(to_text(plan))


def from_text(text: str, name: str) -> Plan:
    """Return the plan that `to_text` wrote. `name` of the file is for messages only.

    Raises:
        DiagnosticError: it is no JSON, a plan of another version, or not in the shape of a plan (`invalid-plan`).
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise _invalid(f"{name} is not JSON, so it is no plan file. {_REMAKE}") from None
    if not isinstance(data, dict) or "version" not in data:
        raise _invalid(f"{name} is JSON, but no plan: it has no `version`. {_REMAKE}")
    if data["version"] != VERSION:
        raise _invalid(
            f"{name} is a plan of version {json.dumps(data['version'])}, and this Audiform reads version {VERSION}. "
            "Make and apply a plan with the same version of Audiform."
        )
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        raise _invalid(
            f"{name} is not in the shape of a plan: {_said(error)}. It was edited or cut. {_REMAKE}"
        ) from None


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a plan file."""
    generated = _adapter().json_schema(mode="serialization")
    generated["properties"]["signature"] = dict(SEAL)  # `seal.py` takes it off before a plan is read
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **generated, "title": "Audiform plan"}


_REMAKE = "Make a new one with `audiform plan --out FILE`."


@cache
def _adapter() -> TypeAdapter[Plan]:
    return TypeAdapter(Plan)


def _invalid(detail: str) -> DiagnosticError:
    return DiagnosticError([Diagnostic("invalid-plan", detail)])


def _said(error: ValidationError) -> str:
    """Say where and what, without the values: an edited file may hold anything."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    said = [
        f"`{'.'.join(map(str, problem['loc'])) or 'plan'}`: {problem['msg'].lower()}" for problem in problems
    ]
    rest = len(said) - _SHOWN_PROBLEMS
    return "; ".join(said[:_SHOWN_PROBLEMS]) + (f"; and {rest} more" if rest > 0 else "")
