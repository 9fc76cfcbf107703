"""The digest of what a project says: a plan belongs to exactly one."""

from __future__ import annotations

from hashlib import sha256

from audiform.config.project import Project
from audiform.config.schedule import Schedule
from audiform.hashing import canonical


def config_digest(project: Project) -> str:
    """Return the digest of all rendered resources, how they evolve, the environment's guards and schedule, and which policies are off."""
    environment = project.environment
    lines = sorted(
        f"{address.kind.value}.{address.name} {value}" for address, value in project.digests.items()
    )
    guards = environment.file.guards.model_dump_json(exclude_none=True)
    guards += "" if (schedule := environment.file.schedule) is None else f"\n{canonical(_plain(schedule))}"
    off = "".join(f"without {name}\n" for name in sorted(project.policy.switched_off))
    head = f"{project.name}\n{environment.name}\n{environment.file.protected}\n{guards}\n{off}"
    if project.evolution:
        lines.append(canonical(project.evolution.data()))
    return sha256((head + "\n".join(lines)).encode()).hexdigest()


def _plain(schedule: str | Schedule) -> object:
    return schedule if isinstance(schedule, str) else schedule.model_dump(mode="json", exclude_none=True)
