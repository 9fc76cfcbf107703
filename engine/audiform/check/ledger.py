"""Holds bindings of a protected environment to encryption: who is kept in clear needs a key that lies elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from audiform.address import Address, Kind
from audiform.audiences.selection import select
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.diagnostics import Diagnostic
from audiform.state.ledger import Form
from audiform.state.ledger_key import CURRENT, LedgerKeys


def check_ledger(project: Project, catalog: Catalog, keys: LedgerKeys) -> Iterator[Diagnostic]:
    """Yield each binding that sends identifiers in clear while the ledger's key would lie beside the ledger.

    The project was checked before. Only where people are sent this matters, so `validate` needs no key.
    """
    if not project.environment.file.protected or keys.current:
        return
    for name, binding in project.bindings.items():
        audience, connector = project.audiences[binding.audience], project.connectors[binding.connector]
        if not (binding.enabled and audience.enabled and connector.enabled):
            continue
        manifest = catalog.get(connector.type).configured(connector.settings).manifest
        forms = select(name, binding, audience, manifest).forms
        clear = [f"`{identifier}`" for identifier, form in forms.items() if form is Form.SEALED]
        if clear:
            detail = (
                f"`{connector.type}` takes {', '.join(clear)} in clear, so the ledger keeps the same, encrypted. "
                f"`{project.environment.name}` is protected, and without {CURRENT} the key would lie beside the ledger: who "
                f"copies one has both. Set {CURRENT}, wherever this environment is planned, applied or synced. Nothing was "
                "read or sent."
            )
            yield Diagnostic(
                "ledger-key-beside",
                detail,
                hint="openssl rand -hex 32",
                address=Address(Kind.BINDING, name),
                path=("connector",),
            )
