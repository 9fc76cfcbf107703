"""Libraries that only some ways need: imported when one is used, and missed in words that help."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from audiform.transports.answers import BAD_REQUEST, RefusedError


def library(name: str, extra: str | None = None) -> Any:
    """Return a module. It has no types that could be relied on.

    Raises:
        RefusedError: it is not installed; `extra` is what brings it.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError:
        package = name.partition(".")[0]
        message = f"the Python package `{package}` is not installed: run `pip install 'audiform[{extra}]'`"
        raise RefusedError(BAD_REQUEST, message) from None
