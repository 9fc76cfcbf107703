"""The vendors' libraries: missed in words that help, and imported only where one is used."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from audiform.config.secrets import unavailable


@dataclass(frozen=True, slots=True)
class Library:
    """A vendor's `package` with its main module, and the extra of Audiform that brings it."""

    package: str
    module: str
    extra: str

    def load(self, module: str | None = None) -> Any:
        """Return a module of it or of what it brings; it has no types that could be relied on.

        Raises:
            DiagnosticError: it is not installed (`secret-unavailable`).
        """
        try:
            return import_module(module or self.module)
        except ModuleNotFoundError:
            raise unavailable(self.lacking) from None

    @property
    def lacking(self) -> str:
        """What to say where it is not installed."""
        return f"The Python package `{self.package}` is not installed. Install it: `pip install 'audiform[{self.extra}]'`."

    @property
    def is_there(self) -> bool:
        """Whether it is installed; nothing of it is run."""
        try:
            return find_spec(self.module) is not None
        except ModuleNotFoundError:
            return False
