"""What a project's policy says of its own connector types, in one of its environments."""

from __future__ import annotations

from audiform.config.project import Project
from audiform.connectors.trust import Policies, Trust


def trust_of(project: Project) -> Trust:
    """Return which custom types may be used; where nothing is said, in a protected environment signed ones only."""
    default: Policies = "signed" if project.environment.file.protected else "allowed"
    return Trust(project.policy.custom_connectors or default, frozenset(project.policy.trusted_keys))
