"""Finds what ships beside the code: connectors/, schemas/ and examples/, in a wheel or in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@cache
def bundled() -> Path:
    """Return the directory that holds `connectors/`, `schemas/` and `examples/`.

    A wheel carries them under `audiform/_bundled`; a checkout (editable install) has them at its root.
    """
    inside = _PACKAGE / "_bundled"
    return inside if inside.is_dir() else _PACKAGE.parent.parent
