"""Every place that a secret may come from. What a store gave, or why it could not be asked, is kept for the run."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiform.config import secrets
from audiform.config.models import Model
from audiform.config.secret_references import FromAws, FromGcp, FromVault, SecretReference, StoredReference
from audiform.diagnostics import DiagnosticError
from audiform.secret_stores import aws, gcp, vault
from audiform.secret_stores.content import Content, chosen

Client = Any
"""Of a vendor's library, which says little of its types."""


@dataclass(slots=True)
class SecretStores:
    """Resolves references. A store is connected to once, and a secret with several fields is read once."""

    _kept: dict[Hashable, Any] = field(default_factory=dict[Hashable, Any], repr=False)

    def resolve(self, reference: SecretReference, root: Path) -> str:
        """Return the secret. Paths are relative to `root`, the project's folder.

        Raises:
            DiagnosticError: it cannot be had (`secret-unavailable`).
        """
        match reference:
            case FromVault(from_vault=secret):
                content = self._content(secret, vault.connect, vault.read)
                return chosen(content, secret.field, vault.shown(secret))
            case FromAws(from_aws=secret):
                region = secret.region
                content = self._content(secret, lambda: aws.connect(region), aws.read, region)
                return chosen(content, secret.field, aws.shown(secret))
            case FromGcp(from_gcp=secret):
                return chosen(self._content(secret, gcp.connect, gcp.read), secret.field, gcp.shown(secret))
            case _:
                return secrets.resolve(reference, root)

    def _content(
        self,
        secret: Model,
        connect: Callable[[], Client],
        read: Callable[[Client, Any], Content],
        where: str | None = None,
    ) -> Content:
        """Return what the store holds under the secret's name, with all of its fields."""
        whole = secret.model_copy(update={"field": None}).model_dump_json()
        client = self._once((type(secret), where), connect)
        content: Content = self._once((type(secret), whole), lambda: read(client, secret))
        return content

    def _once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what `make` gives, asked once; a refusal too is asked for once, because waiting for it takes its time."""
        if key not in self._kept:
            try:
                self._kept[key] = make()
            except DiagnosticError as error:
                self._kept[key] = error
        kept = self._kept[key]
        if isinstance(kept, DiagnosticError):
            raise DiagnosticError(kept.diagnostics)
        return kept


def missing_library(reference: StoredReference) -> str | None:
    """Say what has to be installed before a secret can be asked for; None where everything is there."""
    match reference:
        case FromVault():
            needed = vault.LIBRARY
        case FromAws():
            needed = aws.LIBRARY
        case _:
            needed = gcp.LIBRARY
    return None if needed.is_there else needed.lacking
