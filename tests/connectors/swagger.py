"""A Swagger 2 document in the words of OpenAPI 3, as far as single requests need it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OF_PARAMETER = ("type", "items", "enum", "maximum", "minimum", "pattern", "format")


def as_openapi3(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with bodies, answers and parameters where OpenAPI 3 has them."""
    paths = {
        path: {
            method: _operation(operation) if isinstance(operation, Mapping) else operation
            for method, operation in operations.items()
        }
        for path, operations in document["paths"].items()
    }
    return {**document, "openapi": "3.0.0", "paths": paths}


def _operation(operation: Mapping[str, Any]) -> dict[str, Any]:
    given = operation.get("parameters", ())
    whole = {**operation, "parameters": [_parameter(item) for item in given if item["in"] != "body"]}
    body = next((item for item in given if item["in"] == "body"), None)
    if body is not None:
        whole["requestBody"] = {"required": body.get("required", False), "content": _content(body["schema"])}
    whole["responses"] = {
        status: {**answer, "content": _content(answer["schema"])} if "schema" in answer else answer
        for status, answer in operation.get("responses", {}).items()
    }
    return whole


def _parameter(item: Mapping[str, Any]) -> dict[str, Any]:
    return {**item, "schema": {name: item[name] for name in _OF_PARAMETER if name in item}}


def _content(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
