"""Garbage is not looked for while a large value is made: there is none in it, and looking takes a third of the time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Do not look for cycles among a million new objects that all stay; for work that ends, never for a service."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def keep() -> None:
    """Never look at what there is now: it lives as long as the process, as a command's project and its plan do."""
    gc.freeze()
