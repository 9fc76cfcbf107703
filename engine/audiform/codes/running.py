"""Codes of plan, apply, sync and the commands around them."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "secret-unavailable": Code(
        "Secret not available",
        "A request needs a credential, and the place that its reference names does not hold it.",
        "Set the environment variable, or mend the file or the command that the message names.",
    ),
    "secret-exposed": Code(
        "Secret that others can read",
        "The file of a secret can be read by every user of this machine.",
        "Take that right away with `chmod 600`.",
    ),
    "file-exists": Code(
        "File is already there",
        "A command that makes files found one with that name, and it never overwrites what you wrote.",
        "Choose another folder, or move the file away.",
    ),
    "not-applied": Code(
        "Changed since the last apply",
        "The project differs from what was applied. A sync sends only what a plan showed and an apply recorded.",
        "Read `audiform plan`, then run `audiform apply`.",
    ),
}
