"""Finds connector types: a folder of data each, shipped with Audiform or kept in the project.

Opening one type opens its folder only, so that the cost does not grow with the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from audiform.connectors.homes import MANIFEST, homes, names
from audiform.connectors.manifest import Manifest, SignalOperation
from audiform.connectors.manifest_file import read_manifest
from audiform.connectors.overview import Capabilities, Overview
from audiform.connectors.settings import configure
from audiform.connectors.trust import ANYBODY, Trust
from audiform.connectors.vectors import check_vectors, read_vectors
from audiform.connectors.version import version_of
from audiform.diagnostics import Diagnostic, DiagnosticError, Location, did_you_mean


@dataclass(frozen=True, slots=True)
class ConnectorType:
    """An entry of the catalogue. `digest` changes with what is sent and understood (`version.py`), not with its words."""

    name: str
    manifest: Manifest
    folder: Path
    custom: bool
    digest: str

    @property
    def capabilities(self) -> Capabilities:
        """What the type can do."""
        target = self.manifest.destination
        return Capabilities(
            add=self._signal("add"),
            remove=self._signal("remove"),
            modify=self._signal("modify"),
            variables=self.manifest.variables.allowed != "none",
            create=target.create is not None,
            read=target.read is not None,
            update=target.update is not None,
            delete=target.delete is not None,
            find=target.find is not None,
            read_back=self.manifest.read_back,
            dry_run=any(
                isinstance(signal, SignalOperation) and signal.dry_run is not None
                for signal in self.manifest.signals.values()
            ),
        )

    @property
    def overview(self) -> Overview:
        """The type's line of the catalogue."""
        manifest = self.manifest
        return Overview(
            self.name, manifest.title, manifest.kind, manifest.category, self.custom, self.capabilities
        )

    def configured(self, settings: Mapping[str, Any]) -> ConnectorType:
        """Return the type with everything that it takes `from_setting` filled in from `settings`.

        Raises:
            DiagnosticError: a setting that stands for a part of the manifest is not one.
        """
        return replace(self, manifest=configure(self.manifest, settings))

    def _signal(self, name: Literal["add", "remove", "modify"]) -> bool | None:
        signal = self.manifest.signals.get(name)
        return None if signal is not None and not isinstance(signal, SignalOperation) else signal is not None


@dataclass(frozen=True, slots=True)
class Catalog:
    """The shipped connector types and those of the project at `project_root`, as far as it trusts them."""

    project_root: Path | None = None
    trust: Trust = ANYBODY
    _opened: dict[str, ConnectorType] = field(
        default_factory=dict[str, ConnectorType], repr=False, compare=False
    )

    def names(self) -> dict[str, bool]:
        """Return name -> whether it is the project's own, in order of name; opens nothing."""
        return names(self.project_root)

    def get(self, name: str) -> ConnectorType:
        """Open one type.

        The published vectors of a project's own type are checked here, because nobody else does. Those of the
        shipped types are held by the tests of each release: checking them again costs up to 100 ms a type (the
        metadata of telephone numbers), a hundred times what opening one does.

        Raises:
            DiagnosticError: there is no such type, its manifest is wrong, a vector of the project's own type
                does not hold, that type has the name of a shipped one, or the project does not trust it.
        """
        if name not in self._opened:
            self._opened[name] = self._open(name)
        return self._opened[name]

    def _open(self, name: str) -> ConnectorType:
        found = [item for item in homes(self.project_root) if (item[0] / name / MANIFEST).is_file()]
        if len(found) > 1:
            raise DiagnosticError([_shadows(name)])
        if not found:
            raise DiagnosticError([self._unknown(name)])
        home, custom = found[0]
        distrust = self.trust.problem(home / name) if custom else None
        if distrust is not None:
            raise DiagnosticError([distrust])
        manifest, data = read_manifest(home / name / MANIFEST, f"connectors/{name}/{MANIFEST}", custom=custom)
        if custom:
            _hold_vectors(manifest, home / name, f"connectors/{name}")
        return ConnectorType(name, manifest, home / name, custom, version_of(data))

    def _unknown(self, name: str) -> Diagnostic:
        return Diagnostic(
            "unknown-connector-type",
            f"There is no connector type `{name}`, neither shipped nor in the project's connectors/ folder. "
            "`audiform connectors list --available` shows all of them.",
            hint=did_you_mean(name, self.names()),
        )


def _hold_vectors(manifest: Manifest, folder: Path, label: str) -> None:
    problems = check_vectors(manifest, read_vectors(folder, label), label)
    if problems:
        raise DiagnosticError(problems)


def _shadows(name: str) -> Diagnostic:
    return Diagnostic(
        "connector-type-exists",
        f"The project's connector type `{name}` has the name of one that ships with Audiform. Which of the two is "
        "meant would depend on who reads the YAML, so neither is used: rename the folder and the connectors that use it.",
        location=Location(f"connectors/{name}/manifest.yaml", 1, 1),
    )
