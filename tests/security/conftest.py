"""A shell in a project, as the tests of commands have it."""

from __future__ import annotations

from cli.conftest import shell

__all__ = ["shell"]
