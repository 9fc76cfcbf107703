"""The request of an erasure: the identifiers of one person, as somebody wrote them. Never from a command's arguments.

    email: ann@example.com
    phone: +49 30 1234567

or the same as a JSON object, where an identifier may have a list of values. No message repeats a value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.shapes import is_list, is_map

_EXAMPLE = "Write one `identifier: value` in each line, such as `email: ...`, or a JSON object."
MOST_VALUES = 100
"""More are the identifiers of several people; each has a request of its own."""


@dataclass(frozen=True, slots=True)
class Request:
    """`values`: pairs of an identifier's name and a value, in the order given, each once."""

    values: Sequence[tuple[str, str]] = field(repr=False)

    @property
    def identifiers(self) -> tuple[str, ...]:
        """The names of the identifiers, each once."""
        return tuple(dict.fromkeys(name for name, _ in self.values))


def read_request(text: str) -> Request:
    """Return the request.

    Raises:
        DiagnosticError: it has no identifier, or is not in the form of a request (`invalid-erasure-request`).
    """
    stripped = text.strip().removeprefix("\ufeff")
    pairs = list(_from_json(stripped) if stripped.startswith("{") else _from_lines(stripped))
    if not pairs:
        raise invalid(f"The request names nobody, so nothing was looked for. {_EXAMPLE}")
    if len(pairs) > MOST_VALUES:
        raise invalid(
            f"The request has {len(pairs)} values, and one person has not that many. Make a request for each person."
        )
    return Request(tuple(dict.fromkeys(pairs)))


def invalid(detail: str) -> DiagnosticError:
    """Return the refusal of a request; `detail` repeats no value."""
    return DiagnosticError([Diagnostic("invalid-erasure-request", detail)])


def _from_lines(text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or not value.strip():
            raise invalid(f"Line {number} of the request is not `identifier: value`. {_EXAMPLE}")
        yield name.strip(), value.strip().strip("\"'")


def _from_json(text: str) -> Iterator[tuple[str, str]]:
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise invalid(f"The request begins like JSON and is none. {_EXAMPLE}") from None
    if not is_map(data):
        raise invalid(f"The request is JSON, but no object. {_EXAMPLE}")
    for name, given in data.items():
        values: list[Any] = given if is_list(given) else [given]
        for value in values:
            if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
                raise invalid(f"A value of `{name}` in the request is not a text. {_EXAMPLE}")
            yield str(name), str(value)
