"""What changing a field means for people (design, rule 7): one table per kind, by the first key of the path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from audiform.address import Kind
from audiform.connectors.version import parts_of
from audiform.plan.plan import ChangeCategory, FieldChange


@dataclass(frozen=True, slots=True)
class Rule:
    """The category of a field, and what its change does, as a sentence without its full stop."""

    category: ChangeCategory
    reason: str


TYPE_PARTS: Mapping[str, Rule] = {
    "identifiers": Rule(
        ChangeCategory.REKEY,
        "the type normalises or hashes identifiers in another way: removed under the old, added under the new",
    ),
    "signals": Rule(
        ChangeCategory.DELTA, "the type writes people in another way from now on; only the difference is sent"
    ),
    "destination": Rule(
        ChangeCategory.METADATA, "the type creates and reads destinations in another way from now on"
    ),
    "access": Rule(
        ChangeCategory.METADATA,
        "requests go to the platform in another way from now on; nobody is sent again",
    ),
}
"""What another version of a connector type means, by part of its manifest."""

NOTES: Mapping[str, Rule] = {
    "description": Rule(ChangeCategory.METADATA, "a note for people who read the YAML"),
    "labels": Rule(
        ChangeCategory.METADATA, "decides what is chosen by label and which policies apply; never sent"
    ),
    "owner": Rule(ChangeCategory.METADATA, "says who answers for it; never sent"),
    "protected": Rule(
        ChangeCategory.METADATA, "decides whether it can be deleted, by its block or anything else"
    ),
}
"""What every resource has for its readers, and for those who choose."""
_JUDGED = Rule(ChangeCategory.METADATA, "this plan and all that come are judged by it as it is now")

RULES: Mapping[Kind, Mapping[str, Rule]] = {
    Kind.SOURCE: {
        "type": Rule(ChangeCategory.DELTA, "profiles are read from another kind of source"),
        "settings": Rule(
            ChangeCategory.DELTA, "profiles are read from elsewhere; only the difference is sent"
        ),
        "credentials": Rule(ChangeCategory.METADATA, "read from there from now on; nobody is sent again"),
        **NOTES,
    },
    Kind.CONNECTOR: {
        "type": Rule(ChangeCategory.REMOVE_ALL, "another platform: every binding on it is replaced"),
        "type_digest": Rule(
            ChangeCategory.DELTA, "the type's manifest changed; what it now sends differently is sent again"
        ),
        "settings": Rule(ChangeCategory.METADATA, "used from now on; nobody is sent again"),
        "endpoint": Rule(ChangeCategory.METADATA, "requests go there from now on"),
        "credentials": Rule(ChangeCategory.METADATA, "read from there from now on; nobody is sent again"),
        **NOTES,
    },
    Kind.AUDIENCE: {
        "source": Rule(
            ChangeCategory.DELTA, "profiles are read from another source; only the difference is sent"
        ),
        "query": Rule(
            ChangeCategory.DELTA, "other people may meet the definition; only the difference is sent"
        ),
        "profile_key": Rule(ChangeCategory.DELTA, "decides who represents people that share an identifier"),
        "identifiers": Rule(
            ChangeCategory.REKEY, "people are known by other keys: removed under the old, added under the new"
        ),
        "variables": Rule(
            ChangeCategory.RESEND, "every member's variables are sent again, where the type can modify"
        ),
        "consent": Rule(ChangeCategory.DELTA, "other people may be left out; only the difference is sent"),
        "watermark": Rule(
            ChangeCategory.METADATA, "decides what a sync reads; the next one reads everything"
        ),
        "member": Rule(
            ChangeCategory.DELTA, "other people may meet the definition; only the difference is sent"
        ),
        "deleted": Rule(ChangeCategory.DELTA, "other people may be gone; only the difference is sent"),
        "reconcile": Rule(ChangeCategory.METADATA, "decides how often a sync reads everything"),
        **NOTES,
    },
    Kind.BINDING: {
        "audience": Rule(
            ChangeCategory.DELTA, "who is not in the new audience is removed; only the difference is sent"
        ),
        "signals": Rule(ChangeCategory.DELTA, "from now on only these are sent"),
        "identifiers": Rule(
            ChangeCategory.REKEY, "people are known by other keys: removed under the old, added under the new"
        ),
        "variables": Rule(
            ChangeCategory.RESEND, "every member's variables are sent again, where the type can modify"
        ),
        "guards": Rule(
            ChangeCategory.METADATA, "limits for what comes; until it is applied the stricter of both holds"
        ),
        "schedule": Rule(ChangeCategory.METADATA, "decides when `audiform sync --watch` sends from now on"),
        "on_delete": Rule(ChangeCategory.METADATA, "decides what a later deletion does"),
        "environment": Rule(
            ChangeCategory.METADATA, "decides whether a later deletion needs `--approve-delete`"
        ),
        **NOTES,
    },
    Kind.POLICY: {
        **dict.fromkeys(
            ("effect", "applies_to", "allow", "require", "forbid", "guards", "deny", "warn", "over"), _JUDGED
        ),
        "message": Rule(ChangeCategory.METADATA, "what is said where it does not hold"),
        **NOTES,
    },
}

LOCATING = Rule(ChangeCategory.REMOVE_ALL, "destinations are elsewhere: every binding on it is replaced")
"""For a connector's setting that says where its destinations are."""

ROTATED = "rotated"
SENSITIVE = "(sensitive)"


def judged(kind: Kind, path: str, before: Any, after: Any) -> FieldChange:
    """Return the change of one field with its category and reason."""
    key = path.partition(".")[0]
    if key == "enabled":
        switched = _looked_at if kind is Kind.POLICY else _switched
        return FieldChange(path, before, after, *switched(after=bool(after)))
    rule = RULES[kind][key]
    return FieldChange(path, before, after, rule.category, rule.reason)


def upgraded(before: str, after: str) -> Iterator[FieldChange]:
    """Yield what changes with another version of a connector type: a line for each part of its manifest."""
    old, new = parts_of(before), parts_of(after)
    if not old or not new:
        yield judged(Kind.CONNECTOR, "type_digest", before, after)
        return
    for name, rule in TYPE_PARTS.items():
        if old.get(name) != new.get(name):
            yield FieldChange(f"type_digest.{name}", old.get(name), new.get(name), rule.category, rule.reason)


def rotated(credential: str) -> FieldChange:
    """Return the one line that says that a secret has another value; neither value nor digest is in it."""
    reason = "the secret has another value; nobody is sent again"
    path = credential if "." in credential else f"credentials.{credential}"
    return FieldChange(path, None, ROTATED, ChangeCategory.METADATA, reason)


def short(kind: Kind, path: str, value: Any) -> Any:
    """Return what a reader needs of a value: of an identifier its column alone where nothing else is said of it."""
    if kind is not Kind.AUDIENCE or not path.startswith("identifiers.") or not isinstance(value, dict):
        return value
    said = {name: item for name, item in cast("dict[str, Any]", value).items() if item not in (None, False)}
    return said["column"] if len(said) == 1 else said


def _switched(*, after: bool) -> tuple[ChangeCategory, str]:
    if after:
        return ChangeCategory.DELTA, "sending goes on from what the ledger says was sent"
    return ChangeCategory.METADATA, "sending stops at once; members stay and are remembered"


def _looked_at(*, after: bool) -> tuple[ChangeCategory, str]:
    if after:
        return _JUDGED.category, _JUDGED.reason
    return ChangeCategory.METADATA, "nothing is judged by it any more, this plan included"
