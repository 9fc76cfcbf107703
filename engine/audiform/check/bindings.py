"""Checks what each binding asks of its audience and its connector."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from audiform.address import Address, Kind
from audiform.check.facts import Facts
from audiform.check.schema import Subject, explain
from audiform.config.kinds import ADOPT, Audience, Binding, IdentifierColumn
from audiform.config.project import Project
from audiform.diagnostics import Diagnostic, did_you_mean
from audiform.hashing import canonical
from audiform.outcome import Signal


@dataclass(frozen=True, slots=True)
class _Case:
    """One binding with what it joins."""

    name: str
    binding: Binding
    audience: Audience
    facts: Facts

    def problem(
        self, code: str, text: str, *path: str | int, hint: str | None = None, on_key: bool = False
    ) -> Diagnostic:
        address = Address(Kind.BINDING, self.name)
        return Diagnostic(code, text, hint=hint, address=address, path=path, on_key=on_key)


def check_bindings(project: Project, facts: dict[str, Facts]) -> Iterator[Diagnostic]:
    """Yield the problems of every binding whose connector is known; `facts` is by connector."""
    filled: dict[tuple[str, str], tuple[str, Binding]] = {}
    for name, binding in project.bindings.items():
        known, audience = facts.get(binding.connector), project.audiences.get(binding.audience)
        if known is None or audience is None:
            continue
        case = _Case(name, binding, audience, known)
        adopts = ADOPT in binding.destination
        yield from _adoption(case) if adopts else _destination(case)
        if binding.signals is not None or not known.sends:
            yield from _signals(case)
        yield from _deletion(case)
        yield from _identifiers(case)
        if binding.variables is not None or known.most_variables is not None:
            yield from _variables(case)
        if known.shared_by is not None and not adopts:
            yield from _conflict(case, known.shared_by, filled)


def _destination(case: _Case) -> Iterator[Diagnostic]:
    if not case.facts.attributes_are_valid(case.binding.destination):
        subject = Subject(
            Address(Kind.BINDING, case.name), "destination", "an attribute of a destination", case.facts.type
        )
        yield from explain(subject, case.facts.attributes, case.binding.destination)


def _adoption(case: _Case) -> Iterator[Diagnostic]:
    """Yield what speaks against taking over an existing object: it is not ours, so it is filled and left as it is."""
    wanted, rest = case.binding.destination[ADOPT], case.binding.destination.keys() - {ADOPT}
    if not case.facts.adopts:
        own = case.facts.shared_by
        instead = f"Name it by `{own}`" if own and own != "name" else "Let Audiform create one"
        text = f"An object of `{case.facts.type}` cannot be looked up, so an existing one cannot be taken over. {instead}."
        yield case.problem("unsupported-adoption", text, "destination", ADOPT, on_key=True)
    elif not isinstance(wanted, str) or not wanted:
        text = f"`destination.{ADOPT}` is the name or the id of an existing object, as text."
        yield case.problem("wrong-type", text, "destination", ADOPT, hint="put it in quotes")
    for name in sorted(rest):
        text = (
            f"`destination.{name}` cannot stand beside `{ADOPT}`: an object that is taken over stays as it is, and only its "
            "members change."
        )
        yield case.problem("unsupported-adoption", text, "destination", name, on_key=True)
    if case.binding.on_delete == "delete_destination":
        text = (
            f"`on_delete: delete_destination` would delete an object that Audiform did not make (`{ADOPT}`), with people whom it "
            "did not add. It can `keep`, `freeze`, `remove_members`."
        )
        yield case.problem("unsupported-deletion", text, "on_delete")


def _signals(case: _Case) -> Iterator[Diagnostic]:
    sends = case.facts.sends
    if not sends:
        text = f"`{case.binding.connector}` has no signal configured, so nothing could ever be sent. Add `add` to its settings."
        yield case.problem("unsupported-signal", text, "connector")
        return
    for index, signal in enumerate(case.binding.signals or ()):
        if signal not in sends:
            text = f"`{case.facts.type}` cannot send `{signal}`; it sends {_names(sorted(sends))}. {_instead(case, signal)}"
            yield case.problem("unsupported-signal", text, "signals", index)


def _instead(case: _Case, signal: Signal) -> str:
    if case.facts.generic:
        return f"Configure `{signal}` in the settings of the connector `{case.binding.connector}`, or leave it out here."
    match signal:
        case Signal.MODIFY if case.facts.variables != "none":
            return "Leave it out: variables are sent when somebody is added, and not changed later."
        case Signal.MODIFY:
            return "Leave it out: the platform stores no variables with a member."
        case Signal.REMOVE:
            return "Leave it out: who leaves the audience stays there, and the plan says how many."
        case _:
            return "Leave it out, or use another connector."


def _deletion(case: _Case) -> Iterator[Diagnostic]:
    match case.binding.on_delete:
        case "remove_members" if Signal.REMOVE not in case.facts.sends:
            text = f"`on_delete: remove_members` needs the signal `remove`, which `{case.facts.type}` cannot send. "
        case "delete_destination" if not case.facts.deletes:
            text = f"`{case.facts.type}` cannot delete a destination. "
        case _:
            return
    can = [
        name
        for name, able in (
            ("keep", True),
            ("freeze", True),
            ("remove_members", Signal.REMOVE in case.facts.sends),
            ("delete_destination", case.facts.deletes),
        )
        if able
    ]
    yield case.problem("unsupported-deletion", f"{text}It can {_names(can)}.", "on_delete")


def _identifiers(case: _Case) -> Iterator[Diagnostic]:
    """Yield identifiers that one of both sides lacks; then whether those that are left can find anybody."""
    given, taken, chosen = case.audience.identifiers, case.facts.hashes, case.binding.identifiers
    wrong = False
    for index, name in enumerate(chosen or ()):
        if name not in taken:
            wrong = True
            text = f"`{case.facts.type}` does not take the identifier `{name}`; it takes {_names(taken)}."
            hint = did_you_mean(name, taken)
            yield case.problem("unsupported-identifier", text, "identifiers", index, hint=hint)
        elif name not in given:
            wrong = True
            text = f"The audience `{case.binding.audience}` does not have the identifier `{name}`; it has {_names(given)}."
            hint = did_you_mean(name, given)
            yield case.problem("unknown-identifier", text, "identifiers", index, hint=hint)
        elif _hashed_in_vain(case, name):
            wrong = True
            yield case.problem("unsupported-identifier", _in_clear(case, name), "identifiers", index)
    usable = frozenset(name for name in chosen or given if name in taken and name in given)
    if not wrong and not case.facts.is_enough(
        frozenset(name for name in usable if not _hashed_in_vain(case, name))
    ):
        yield _nobody(case, usable)
    if case.facts.kinds is not None and len(usable) > case.facts.kinds:
        yield _too_many_kinds(case, usable)


def _nobody(case: _Case, usable: Collection[str]) -> Diagnostic:
    facts = case.facts
    needs = (
        f"needs {_names(sorted(facts.needed))}"
        if facts.needed
        else f"finds people by {_names([name for name in facts.hashes if name in facts.identifying])}"
    )
    text = (
        f"`{facts.type}` {needs}, and the binding sends {_names(usable) if usable else 'nothing that it takes'}: "
        f"nobody would be found. Add one to the `identifiers` of `{case.binding.audience}`"
        f"{' and of this binding' if case.binding.identifiers is not None else ''}."
    )
    in_vain = [_in_clear(case, name) for name in usable if _hashed_in_vain(case, name)]
    key = "audience" if case.binding.identifiers is None else "identifiers"
    return case.problem("no-usable-identifier", " ".join([text, *in_vain]), key)


def _too_many_kinds(case: _Case, usable: Collection[str]) -> Diagnostic:
    names = [name for name in case.facts.hashes if name in usable]
    text = (
        f"`{case.facts.type}` takes {case.facts.kinds} kind of identifier in a request, and the binding sends "
        f"{_names(names)}. Name {case.facts.kinds} in its `identifiers`, and make a binding of its own for each other."
    )
    key = "audience" if case.binding.identifiers is None else "identifiers"
    return case.problem("too-many-identifiers", text, key, hint=f"identifiers: [{names[0]}]")


def _hashed_in_vain(case: _Case, name: str) -> bool:
    column = case.audience.identifiers[name]
    return (
        isinstance(column, IdentifierColumn) and column.already_hashed and case.facts.hashes[name] == "none"
    )


def _in_clear(case: _Case, name: str) -> str:
    return (
        f"The audience's `{name}` is `already_hashed`, and `{case.facts.type}` takes it in clear: a hash cannot be turned "
        "back, so nobody would be found by it."
    )


def _variables(case: _Case) -> Iterator[Diagnostic]:
    given, facts = case.audience.variables, case.facts
    for index, name in enumerate(case.binding.variables or ()):
        if facts.variables == "none":
            text = f"`{facts.type}` stores no variables with a member. Leave `{name}` out, or use a type that does."
            yield case.problem("unsupported-variables", text, "variables", index)
        elif facts.variables == "fixed" and name not in facts.variable_names:
            text = f"`{facts.type}` does not take the variable `{name}`; it takes {_names(sorted(facts.variable_names))}."
            hint = did_you_mean(name, facts.variable_names)
            yield case.problem("unsupported-variables", text, "variables", index, hint=hint)
        elif name not in given:
            has = f"it has {_names(given)}" if given else "it has none"
            text = f"The audience `{case.binding.audience}` does not have the variable `{name}`; {has}."
            hint = did_you_mean(name, given)
            yield case.problem("unknown-variable", text, "variables", index, hint=hint)
    yield from _too_many(case)


def _too_many(case: _Case) -> Iterator[Diagnostic]:
    most = case.facts.most_variables
    if most is None or case.facts.variables == "none":
        return
    sent = case.binding.variables
    if sent is None:
        known = case.facts.variable_names
        sent = tuple(name for name in case.audience.variables if not known or name in known)
    if len(sent) > most:
        text = f"The binding sends {len(sent)} variables, and `{case.facts.type}` takes {most}. Name the ones that matter in `variables`."
        key = "audience" if case.binding.variables is None else "variables"
        yield case.problem("unsupported-variables", text, key)


def _conflict(
    case: _Case, key: str, filled: dict[tuple[str, str], tuple[str, Binding]]
) -> Iterator[Diagnostic]:
    """Two bindings may fill one destination together; they may not disagree about what it is."""
    place = (case.binding.connector, str(case.binding.destination.get(key)))
    first, other = filled.setdefault(place, (case.name, case.binding))
    if other is case.binding or canonical(other.destination) == canonical(case.binding.destination):
        return
    mine, theirs = case.binding.destination, other.destination
    differing = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
    text = (
        f"`binding.{first}` fills the same destination of `{case.binding.connector}` (its `{key}` is the same) and says something "
        f"else about {_names(differing)}. Each apply would overwrite the other's. Say the same, or give it another `{key}`."
    )
    yield case.problem("conflicting-destination", text, "destination")


def _names(names: Collection[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
