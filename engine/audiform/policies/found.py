"""What a policy found: one value, whether `validate` shows it as a diagnostic or a plan holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from audiform.address import Address, Kind
from audiform.diagnostics import Diagnostic, Severity

Effect = Literal["deny", "warn", "error"]
CODES: Final = {"deny": "policy-denied", "warn": "policy-warned", "error": "policy-failed"}


@dataclass(frozen=True, slots=True)
class Found:
    """`detail` is what was found, a sentence without its full stop; `path` leads to it in the resource at `address`.

    `own`: the policy is the project's, and so has a place where no resource has one.
    """

    policy: str
    effect: Effect
    detail: str
    message: str
    address: Address | None = None
    path: tuple[str | int, ...] = ()
    own: bool = True

    @property
    def diagnostic(self) -> Diagnostic:
        """It as a problem of the project: at the resource, or else at the policy; what cannot be evaluated is at the policy."""
        at_policy = self.address is None or (self.effect == "error" and self.own)
        return Diagnostic(
            CODES[self.effect],
            f"{self.detail}.\nPolicy `{self.policy}`: {self.message}",
            Severity.WARNING if self.effect == "warn" else Severity.ERROR,
            address=self.policy_address if at_policy else self.address,
            path=() if at_policy else self.path,
            on_key=True,
        )

    @property
    def policy_address(self) -> Address | None:
        """Where the policy is declared; a built-in one is nowhere."""
        return Address(Kind.POLICY, self.policy) if self.own else None
