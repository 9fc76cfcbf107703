"""What the faults did: how many there were, and what was lost. All but the first and the last must be 0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

WRONG = {
    "members_lost": "members lost (not sent, or unknown to the ledger)",
    "members_left_behind": "members left behind (not removed)",
    "members_doubled": "members doubled",
    "members_wrongly_removed": "members wrongly removed",
    "objects_orphaned": "destination objects orphaned",
    "objects_doubled": "destination objects doubled",
    "objects_missing": "destination objects missing",
    "not_recovered": "runs after a fault that did not bring everything right",
    "not_explained": "runs that ended as a bug, or never",
}
"""Figure -> what it counts."""


@dataclass
class Figures:
    """`faults`: how many, by kind. `findings`: how to see each wrong thing again."""

    faults: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    recoveries: int = 0
    findings: list[str] = field(default_factory=list)

    def add(self, other: Figures) -> None:
        """Take in the figures of another series of faults."""
        self.faults.update(other.faults)
        self.wrong.update(other.wrong)
        self.recoveries += other.recoveries
        self.findings += other.findings

    def found(self, figure: str, what: str, number: int = 1) -> None:
        """Count something that is wrong."""
        assert figure in WRONG, figure
        if number:
            self.wrong[figure] += number
            self.findings.append(f"{figure} {number}: {what}")

    def as_json(self) -> dict[str, Any]:
        """Return everything, for a file."""
        return {
            "faults": {"all": self.faults.total(), "by_kind": dict(sorted(self.faults.items()))},
            **{figure: self.wrong[figure] for figure in WRONG},
            "recoveries": self.recoveries,
            "findings": self.findings,
        }

    def as_text(self) -> str:
        """Return everything, for people."""
        lines = [f"{self.faults.total():7,}  faults injected"]
        lines += [f"{count:13,}  {kind}" for kind, count in sorted(self.faults.items())]
        lines += [f"{self.wrong[figure]:7,}  {title}" for figure, title in WRONG.items()]
        lines += [f"{self.recoveries:7,}  recoveries"]
        return "\n".join([*lines, *self.findings])


def together(parts: Iterable[Figures]) -> Figures:
    """Return the sum."""
    whole = Figures()
    for part in parts:
        whole.add(part)
    return whole
