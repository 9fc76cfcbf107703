"""Finds guards that cannot stop anything, in protected environments: a warning that a review must not overlook.

It does not stop: an audience may really change as a whole from one day to the next, and whoever writes that
down for it is read by those who review.
"""

from __future__ import annotations

from collections.abc import Iterator

from audiform.address import Address, Kind
from audiform.config.kinds import Guards
from audiform.config.project import Project
from audiform.diagnostics import Diagnostic, Location, Severity

_ALL = 100.0


def check_guards(project: Project) -> Iterator[Diagnostic]:
    """Yield a warning for each guard that guards nothing."""
    environment = project.environment
    if not environment.file.protected:
        return
    file = f"environments/{environment.name}.yaml"
    for name, text in _weak(environment.file.guards):
        detail = f"`guards.{name}` of the protected environment `{environment.name}` {text}"
        yield Diagnostic("weak-guard", detail, Severity.WARNING, location=Location(file, 1, 1))
    for binding_name, binding in project.bindings.items():
        if not binding.guards.model_fields_set:
            continue
        for name, text in _weak(binding.guards):
            detail = (
                f"`guards.{name}` {text} `{environment.name}` is protected, so this is worth a second look."
            )
            address = Address(Kind.BINDING, binding_name)
            yield Diagnostic(
                "weak-guard", detail, Severity.WARNING, address=address, path=("guards", name), on_key=True
            )


def _weak(guards: Guards) -> Iterator[tuple[str, str]]:
    share = guards.max_removed
    if isinstance(share, str) and float(share.rstrip("% ")) >= _ALL:
        yield "max_removed", "lets everybody be removed at once. Set a share that a normal day stays below."
    if guards.allow_empty:
        yield (
            "allow_empty",
            "empties the destination when the source returns nobody, which is most often a broken source. Leave it out.",
        )
    if guards.min_members == 0:
        yield (
            "min_members",
            "is 0, and no destination has fewer. Set the smallest number that you would believe.",
        )
