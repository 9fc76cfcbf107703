"""What `--target` and `--exclude` name: shell patterns over addresses, and labels (`label:team=crm`). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from audiform.address import Address
from audiform.config.project import Project
from audiform.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from audiform.plan.evolve import Evolved
from audiform.plan.labels import labels_of

LABEL = "label:"


@dataclass(frozen=True, slots=True)
class Known:
    """The addresses that a pattern can name, with their labels; `now`: an old address -> what it is called by now."""

    labels: Mapping[Address, Mapping[str, str]]
    now: Mapping[Address, Address]

    def matching(self, patterns: Iterable[str]) -> frozenset[Address]:
        """Return the addresses, as they are called by now, that one of the patterns names."""
        given = tuple(patterns)
        return frozenset(
            self.now.get(address, address)
            for address, labels in self.labels.items()
            if any(_matches(address, labels, pattern) for pattern in given)
        )

    def refuse_unknown(self, patterns: Sequence[str]) -> None:
        """Refuse patterns that name nothing.

        Raises:
            DiagnosticError: each of them, with the nearest name (`unknown-target`).
        """
        wrong = [pattern for pattern in patterns if not self.matching((pattern,))]
        if wrong:
            raise DiagnosticError([self._unknown(pattern) for pattern in wrong])

    def _unknown(self, pattern: str) -> Diagnostic:
        if pattern.startswith(LABEL):
            there = {
                f"{LABEL}{key}={value}" for labels in self.labels.values() for key, value in labels.items()
            }
            text = f"No resource of the project or of the state has a label that `{pattern}` names, so nothing was done."
            return Diagnostic("unknown-target", text, hint=did_you_mean(pattern, sorted(there)))
        named = [str(address) for address in sorted(self.labels) if address.name == pattern]
        hint = (
            f'did you mean "{named[0]}"?' if named else did_you_mean(pattern, map(str, sorted(self.labels)))
        )
        text = f"`{pattern}` matches no address of the project or of the state, so nothing was done."
        return Diagnostic("unknown-target", text, hint=hint)


def known_of(project: Project, evolved: Evolved) -> Known:
    """Return what patterns can name: what is declared, what is recorded, and what was called otherwise before."""
    recorded = evolved.recorded
    labels = {
        address: labels_of(address, project, recorded)
        for address in dict.fromkeys((*project.digests, *recorded.records))
    }
    now = {move.old: move.new for move in evolved.moves}
    return Known({**{old: labels.get(new, {}) for old, new in now.items()}, **labels}, now)


def _matches(address: Address, labels: Mapping[str, str], pattern: str) -> bool:
    if not pattern.startswith(LABEL):
        return fnmatchcase(str(address), pattern)
    key, given, value = pattern.removeprefix(LABEL).partition("=")
    return any(fnmatchcase(name, key) and (not given or fnmatchcase(labels[name], value)) for name in labels)
