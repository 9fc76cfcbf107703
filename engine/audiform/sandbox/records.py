"""Whether a record says what the platform can work with: its identifiers as the manifest wants them sent."""

from __future__ import annotations

import re
from functools import cache

from audiform.connectors.manifest import Identifier, Manifest
from audiform.connectors.normalizers import VALIDATORS, parse_step
from audiform.sandbox.rows import Row

_HEX = {"md5": 32, "sha1": 40, "sha256": 64}
_BASE64 = {"md5": 24, "sha1": 28, "sha256": 44}


def complaint(manifest: Manifest, row: Row | None) -> str | None:
    """Return what is wrong with a record, without its values, or None."""
    if row is None:
        return "the record has not the form that is described"
    identifying = False
    for name, value in row.identifiers.items():
        identifier = manifest.identifiers.get(name)
        if identifier is None:
            return f"{name} is not known"
        if not _is_as_sent(identifier, str(value)):
            return f"{identifier.field} is not {'hashed' if identifier.hash != 'none' else 'valid'}"
        identifying = identifying or identifier.identifies
    return None if identifying else "the record names nobody"


def _is_as_sent(identifier: Identifier, value: str) -> bool:
    if not value:
        return False
    if identifier.hash != "none":
        return _pattern(identifier.hash, identifier.encoding).fullmatch(value) is not None
    if identifier.valid is None:
        return True
    name, arguments = parse_step(identifier.valid, None)
    return VALIDATORS[name].python(value, arguments)


@cache
def _pattern(digest: str, encoding: str) -> re.Pattern[str]:
    if encoding == "hex":
        return re.compile(f"[0-9a-f]{{{_HEX[digest]}}}")
    return re.compile(f"(?=.{{{_BASE64[digest]}}}$)[A-Za-z0-9+/]+={{0,2}}")
