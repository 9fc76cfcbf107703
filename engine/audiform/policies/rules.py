"""The expressions of policies, evaluated. One that cannot be evaluated is a finding of its own, and never a pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from audiform.config.expressions import ExpressionError, compile_expression
from audiform.config.policies import NamedPolicy
from audiform.policies.found import Effect

Verdict = tuple[Effect, str]
"""What an expression means, and why, as a sentence without its full stop."""


def verdicts(policy: NamedPolicy, names: Mapping[str, Any], said: Callable[[], str]) -> Iterator[Verdict]:
    """Yield what the policy's expressions find in one thing; `said` gives what they are true of."""
    rules: tuple[tuple[Literal["deny", "warn"], str | None], ...] = (
        ("deny", policy.deny),
        ("warn", policy.warn),
    )
    for effect, text in rules:
        if text is not None:
            yield from _verdict(effect, text, names, said)


def _verdict(
    effect: Effect, text: str, names: Mapping[str, Any], said: Callable[[], str]
) -> Iterator[Verdict]:
    try:
        value = compile_expression(text)(names)
    except ExpressionError as error:
        yield "error", f"`{effect}` cannot be evaluated for {said()}: {_why(error, names)}"
        return
    if not isinstance(value, bool):
        yield "error", f"`{effect}` gives neither true nor false for {said()}: write a comparison"
    elif value:
        yield effect, f"`{text}` is true of {said()}"


def _why(error: ExpressionError, names: Mapping[str, Any]) -> str:
    """Return why, without the full stop; also which figures nobody knows, where that may be why."""
    why = error.detail.rstrip(".")
    looked_at: Mapping[str, Any] = names.get("change") or names.get("plan") or {}
    unknown: list[str] = looked_at.get("unknown", [])
    if error.code == "undefined-value" and unknown:
        listed = ", ".join(f"`{name}`" for name in unknown)
        why += (
            f" (of these, nobody knows how many people they are: {listed}; see `unknown` in docs/policies.md)"
        )
    return why
