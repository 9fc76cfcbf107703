"""Where connector types are: those that ship with Audiform, and those of a project. Opens none."""

from __future__ import annotations

from pathlib import Path

from audiform.bundled import bundled

MANIFEST = "manifest.yaml"


def homes(project_root: Path | None) -> list[tuple[Path, bool]]:
    """Return (folder of types, whether it is the project's): one only where the project is this checkout."""
    shipped = bundled() / "connectors"
    own = project_root / "connectors" if project_root else shipped
    return [(shipped, False)] if own.resolve() == shipped.resolve() else [(shipped, False), (own, True)]


def names(project_root: Path | None) -> dict[str, bool]:
    """Return name -> whether it is the project's own, in order of name."""
    return dict(sorted((name, custom) for home, custom in homes(project_root) for name in _folders(home)))


def _folders(home: Path) -> list[str]:
    if not home.is_dir():
        return []
    return [entry.name for entry in home.iterdir() if (entry / MANIFEST).is_file()]
