"""What arrives at the sandbox and what leaves it, without a web server in sight."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a service.

    `path` is percent-encoded and follows the service's prefix; header names are lower case; `base` is the URL
    of the prefix, for links in answers.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)
    base: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, and for the list of requests: which operation it was and how many rows it carried."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    operation: str = ""
    rows: int = 0


def answer_json(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer with a JSON body."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Answer(status, text, {"content-type": "application/json", **(headers or {})})
