"""A project, loaded and held against its connector types: what `validate` says, and what every other command starts from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audiform.check import check
from audiform.check.trust import trust_of
from audiform.config.load import load
from audiform.config.places import place_all
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.diagnostics import Diagnostics
from audiform.garbage import keep, uncollected


@dataclass(frozen=True, slots=True)
class Checked:
    """`project` is None where its files are wrong; with errors in `diagnostics` it must not be worked with."""

    project: Project | None
    catalog: Catalog
    diagnostics: Diagnostics


def checked(root: Path, environment: str | None) -> Checked:
    """Load and check the project in `root`, for one environment (None: the default one). No network, no state."""
    with uncollected():
        project, diagnostics = load(root, environment)
        keep()
    catalog = Catalog(root) if project is None else Catalog(root, trust_of(project))
    if project is not None:
        diagnostics.extend(place_all(root, project.environment.name, check(project, catalog)))
    return Checked(project, catalog, diagnostics)
