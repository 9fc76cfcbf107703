"""How policies are written: what `validate` finds in them before any of them is asked."""

from __future__ import annotations

from collections.abc import Iterator

from audiform.address import Address, Kind
from audiform.config.expressions import ExpressionError, names_in
from audiform.config.kinds import Guards
from audiform.config.policies import Allow, Forbid, NamedPolicy, Require
from audiform.config.project import Project
from audiform.diagnostics import Diagnostic, did_you_mean
from audiform.policies.builtin import BUILT_IN
from audiform.policies.views import NAMES

_CHECKS = ("allow", "require", "forbid", "guards", "deny", "warn")
_NOTHING = (None, Allow(), Require(), Forbid(), Guards())


def check_policies(project: Project) -> Iterator[Diagnostic]:
    """Yield what is wrong with the project's policies, and with what it switches off."""
    for name in project.policy.switched_off:
        if name not in BUILT_IN:
            yield _no_such(name)
    for name, policy in project.policies.items():
        address = Address(Kind.POLICY, name)
        if name in BUILT_IN:
            yield _taken(name, address)
        if all(getattr(policy, check) in _NOTHING for check in _CHECKS):
            yield _asks_nothing(address)
        if policy.over == "plan" and (policy.applies_to.resources or policy.applies_to.labels):
            yield _not_of_a_plan(address)
        for rule in ("deny", "warn"):
            text: str | None = getattr(policy, rule)
            if text is not None:
                yield from _expression(text, policy, address, rule)


def _expression(text: str, policy: NamedPolicy, address: Address, rule: str) -> Iterator[Diagnostic]:
    try:
        names = names_in(text)
    except ExpressionError as error:
        yield Diagnostic(error.code, error.detail, hint=error.hint, address=address, path=(rule,))
        return
    known = NAMES[policy.over]
    for name in sorted(names - {*known}):
        detail = f"`{name}` is not known to a policy over `{policy.over}`; there are {', '.join(f'`{item}`' for item in known)}."
        hint = did_you_mean(name, known)
        yield Diagnostic("undefined-value", detail, hint=hint, address=address, path=(rule,), part=name)


def _no_such(name: str) -> Diagnostic:
    listed = ", ".join(f"`{known}`" for known in BUILT_IN)
    return Diagnostic(
        "unknown-reference",
        f"There is no built-in policy `{name}` to switch off; there are {listed}. One of the project's own has `enabled`.",
        hint=did_you_mean(name, BUILT_IN),
        path=("policy", "switched_off", name),
        on_key=True,
    )


def _taken(name: str, address: Address) -> Diagnostic:
    return Diagnostic(
        "duplicate-name",
        f"`{name}` is the name of a built-in policy, and whoever reads it in a plan would take the one for the other.",
        hint=f"choose another name; `policy: {{switched_off: {{{name}: WHY}}}}` in `audiform.yaml` takes the built-in one away",
        address=address,
        on_key=True,
    )


def _asks_nothing(address: Address) -> Diagnostic:
    listed = ", ".join(f"`{check}`" for check in _CHECKS)
    detail = f"`{address}` asks for nothing, so that it always holds. It needs one of {listed}."
    return Diagnostic("missing-field", detail, address=address, on_key=True)


def _not_of_a_plan(address: Address) -> Diagnostic:
    detail = (
        "A plan as a whole has no address and no labels, so `resources` and `labels` choose nothing of it. Look over "
        "`changes`, or take them out."
    )
    return Diagnostic("invalid-value", detail, address=address, path=("applies_to",), on_key=True)
