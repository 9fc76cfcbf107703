"""What a source's data was at one moment: a digest over its files' paths, sizes and times of writing, and dbt's times of building.

Not over their content: a plan would read gigabytes a second time. So it tells that data was written, not that it differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from audiform.address import Address, Kind
from audiform.config.kinds import Source
from audiform.config.project import Project
from audiform.config.source_settings import DeltaSettings, IcebergSettings, StorageSettings
from audiform.diagnostics import DiagnosticError
from audiform.lazily import load
from audiform.sources.delta import versions_of
from audiform.sources.paths import files_of, named_files


def snapshots(project: Project) -> dict[str, str]:
    """Return source -> digest, of those that audiences read and that have files; who reads the others says what is wrong."""
    found: dict[str, str] = {}
    # Some files are listed far away: what nobody reads is not asked for.
    read = {audience.source for audience in project.audiences.values() if audience.enabled}
    for name, source in sorted(project.sources.items()):
        if name not in read:
            continue
        try:
            lines = [*_lines(project.root, name, source), *_built(project, name)]
        except (DiagnosticError, OSError):
            continue
        if lines:
            found[name] = sha256("\n".join(lines).encode()).hexdigest()
    return found


def _lines(root: Path, name: str, source: Source) -> Iterator[str]:
    if isinstance(source.settings, DeltaSettings):
        yield from versions_of(Address(Kind.SOURCE, name), source.settings.tables, root)
    address = Address(Kind.SOURCE, name)
    if isinstance(source.settings, IcebergSettings):
        yield from load("audiform.sources.iceberg:snapshots_of")(
            address, source.settings, source.credentials, root
        )
    if isinstance(source.settings, StorageSettings):
        yield from load("audiform.sources.storage:files_in")(
            address, source.settings, source.credentials, root
        )
    home = root.resolve()
    for pattern in sorted(named_files(source).values()):
        for file in map(Path, files_of(root, pattern, Address(Kind.SOURCE, name), ("settings",))):
            seen = file.stat()
            yield f"{file.relative_to(home).as_posix()} {seen.st_size} {seen.st_mtime_ns}"


def _built(project: Project, name: str) -> Iterator[str]:
    """Yield when dbt built what audiences read from the source: databases that are no files have nothing else to tell."""
    for audience, model in sorted(project.built.items()):
        if project.audiences[audience].source == name and model.refreshed:
            yield f"{model.name} {model.refreshed}"
