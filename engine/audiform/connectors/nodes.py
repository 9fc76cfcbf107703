"""What the special nodes of a template stand for: a whole number, and another node's JSON in another form.

Pure text in, text out; `template.py` fills the nodes in and reads them back, `row.py` says them in SQL.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Any, TypeGuard

from audiform.shapes import is_map

WHOLE_NUMBER = "-?[0-9]{1,18}"
"""What `integer` takes: the texts of which SQL and JSON make the same number."""
DIGEST_LENGTH = 32
"""Hexadecimal digits of a digest: 128 bits, of which no two messages have the same by chance."""
_WHOLE_NUMBER = re.compile(WHOLE_NUMBER)
_DIGEST = re.compile(f"[0-9a-f]{{{DIGEST_LENGTH}}}")


class Form(StrEnum):
    """The form of a node's JSON; the key of the node says it."""

    BASE64 = "as_base64"
    """Base64 of the JSON: what carries bytes in JSON."""
    TEXT = "as_text"
    """The JSON as a text of its own."""
    DIGEST = "digest_of"
    """A digest of a list of values: the same for the same values, and nothing can be read out of it."""


_FORMS = {form.value: form for form in Form}


def is_integer(node: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether a node is `{integer: TEXT}`."""
    return is_map(node) and len(node) == 1 and isinstance(node.get("integer"), str)


def is_each(node: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether a node is repeated for each identifier in use."""
    return is_map(node) and "each_identifier" in node


def number_of(value: Any) -> int | None:
    """Return the whole number that a value is or stands for as text; None where it is none."""
    text = str(value)
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else None


def form_of(node: Mapping[str, Any]) -> Form | None:
    """Return the form that a node asks for, such as `{as_base64: TEMPLATE}`; None where it is an object."""
    return _FORMS.get(next(iter(node))) if len(node) == 1 else None


def encode(form: Form, value: Any) -> str:
    """Return the JSON of `value` in a form."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    match form:
        case Form.BASE64:
            return b64encode(text.encode()).decode()
        case Form.TEXT:
            return text
        case Form.DIGEST:
            return sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def decode(form: Form, text: Any) -> Sequence[Any]:
    """Return the value whose JSON in a form is `text`, in a list of one; nothing where it is none."""
    if not isinstance(text, str):
        return ()
    try:
        return [json.loads(b64decode(text, validate=True) if form is Form.BASE64 else text)]
    except (binascii.Error, ValueError):
        return ()


def is_digest(value: Any) -> bool:
    """Whether a value has the form of a digest; what it was made of cannot be read out of it."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None
