"""Codes of policies."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "policy-denied": Code(
        "Denied by a policy",
        "A policy of the project, or a built-in one of protected environments, does not let this pass. Nothing was sent; the exit "
        "code is 3. There is no option that lets a denial pass.",
        "Do what the policy's message says. If the policy is wrong, change it (or switch a built-in one off, with the reason, in "
        "`policy.switched_off` of `audiform.yaml`) and have that reviewed.",
        "policies:\n  no_phones:\n    message: Phone numbers stay with us\n    forbid: {identifiers: [phone]}",
    ),
    "policy-warned": Code(
        "Warned of by a policy",
        "A policy whose `effect` is `warn` does not hold, or its `warn` expression is true. Nothing is stopped by it.",
        "Read the policy's message, and decide.",
    ),
    "policy-failed": Code(
        "Policy cannot be evaluated",
        "An expression of a policy looks up something that is not there, compares what cannot be compared, or gives neither true nor "
        "false. That is no pass: the plan is stopped as by a denial.",
        "Mend the expression. A figure of people that is not known has its name in `unknown`; ask for that first.",
        "deny: '\"removes\" in change.unknown or change.removes > 1000'",
    ),
}
