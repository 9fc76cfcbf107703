"""Codes of how a project evolves: what is moved, removed and imported, and which part of a plan is asked for."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "not-a-list": Code(
        "Must be a list",
        "The sections `imports`, `moved` and `removed` are lists: each entry is a small map behind a hyphen.",
        "Put a hyphen in front of each entry.",
        "moved:\n  - {from: binding.lapsed, to: binding.lapsed_on_ads}",
    ),
    "invalid-moved": Code(
        "Move that cannot be done",
        "An entry of `moved` contradicts the project, or another entry: the old name is still declared, the new one is not, both are "
        "of different kinds, or the moves lead in a ring. Nobody could tell which people belong to which binding.",
        "Mend the entry, or the name of the resource, as the message says.",
        "moved:\n  - {from: binding.lapsed, to: audience.lapsed}    # of different kinds",
    ),
    "moved-target-exists": Code(
        "Move onto something that exists",
        "The state has both addresses of a move. A move never overwrites: the people of one of the two would be forgotten.",
        "If the resource was applied under its new name already, end the old one: replace the entry by one of `removed`. Else "
        "choose another name.",
    ),
    "invalid-removed": Code(
        "Removal that cannot be done",
        "An entry of `removed` contradicts the project, or says too little: the resource is still declared, or it is a binding and "
        "what becomes of its people is not said.",
        "Delete the block of the resource, and write `on_delete` for a binding.",
        "removed:\n  - {from: binding.lapsed_on_ads, on_delete: keep}",
    ),
    "invalid-import": Code(
        "Import that cannot be done",
        "An entry of `imports` names something that has no object at a platform, or the same binding as another entry.",
        "Name a declared binding, once.",
        "imports:\n  - {to: binding.lapsed_on_ads, id: Lapsed buyers}",
    ),
    "import-conflict": Code(
        "Import that does not fit what is there",
        "The binding has a destination already, another binding fills the object, the object differs from the YAML in what cannot be "
        "changed, or nobody could look. An import never takes a destination away, and never makes another object in its place.",
        "Do what the message says: end the binding first with an entry of `removed`, or write what the object has.",
    ),
    "already-done": Code(
        "Entry that has been done",
        "The state is as an entry of `imports`, `moved` or `removed` says. The entry does nothing any more.",
        "Take it out when every environment has been applied.",
    ),
    "unknown-target": Code(
        "Pattern that matches nothing",
        "A pattern of `--target` or `--exclude` matches no address and no label, of the project or of the state. It is refused and not "
        "ignored, because a misspelt exclusion would exclude nothing.",
        "Mend it; `audiform graph` lists the project's addresses, `audiform state list` those that are recorded.",
        "audiform plan --target 'binding.lapsed_*' --target label:team=crm",
    ),
}
