"""Modules by name, for what few runs need: they cost nothing until then.

A place is `module:attribute`. It may name only what its module could import as well (`tests/test_layers.py`).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load(place: str) -> Any:
    """Import what stands at `module:attribute`."""
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)
