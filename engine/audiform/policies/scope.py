"""Which policies are looked at in an environment, and at what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from audiform.address import Address
from audiform.config.policies import LabelPatterns, NamedPolicy
from audiform.config.project import Project
from audiform.policies.builtin import BUILT_IN

DISABLED = "`enabled: false`"


def in_use(project: Project) -> Mapping[str, NamedPolicy]:
    """Return the policies that are looked at in the project's environment, the built-in ones first."""
    return {name: policy for name, policy in _here(project) if why_off(project, name, policy) is None}


def switched_off(project: Project) -> Mapping[str, str]:
    """Return name -> why, of the policies that would be looked at in the project's environment."""
    reasons = {name: why_off(project, name, policy) for name, policy in _here(project)}
    return {name: why for name, why in reasons.items() if why is not None}


def why_off(project: Project, name: str, policy: NamedPolicy) -> str | None:
    """Return why a policy is not looked at although it applies, or None where it is."""
    if name in BUILT_IN:
        return project.policy.switched_off.get(name)
    return None if policy.enabled else DISABLED


def is_about(policy: NamedPolicy, address: Address, labels: Mapping[str, str]) -> bool:
    """Whether the policy is about a resource."""
    where = policy.applies_to
    if where.resources is None and not where.labels:
        return True
    return (where.resources is None or matches(str(address), where.resources)) and has_labels(
        labels, where.labels
    )


def has_labels(labels: Mapping[str, str], wanted: LabelPatterns) -> bool:
    """Whether each of the wanted labels is there, with one of its values."""
    return all(key in labels and matches(labels[key], patterns) for key, patterns in wanted.items())


def matches(value: Any, patterns: Iterable[Any]) -> bool:
    """Whether a text matches one of the shell patterns; anything else has to be equal."""
    return any(
        fnmatchcase(value, pattern)
        if isinstance(value, str) and isinstance(pattern, str)
        else type(value) is type(pattern) and value == pattern
        for pattern in patterns
    )


def _here(project: Project) -> Iterator[tuple[str, NamedPolicy]]:
    environment = project.environment
    for name, policy in (*BUILT_IN.items(), *project.policies.items()):
        where = policy.applies_to
        if where.environments is not None and not matches(environment.name, where.environments):
            continue
        if where.protected is None or where.protected is environment.file.protected:
            yield name, policy
