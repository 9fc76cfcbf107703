"""The digest of what a project says: a plan belongs to exactly one."""

from __future__ import annotations

from hashlib import sha256

from audiform.config.project import Project


def config_digest(project: Project) -> str:
    """Return the digest of all rendered resources and of the environment's guards and protection."""
    environment = project.environment
    lines = sorted(
        f"{address.kind.value}.{address.name} {value}" for address, value in project.digests.items()
    )
    guards = environment.file.guards.model_dump_json(exclude_none=True)
    head = f"{project.name}\n{environment.name}\n{environment.file.protected}\n{guards}\n"
    return sha256((head + "\n".join(lines)).encode()).hexdigest()
