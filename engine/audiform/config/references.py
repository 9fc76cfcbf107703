"""Resources that name others: each must be declared."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from audiform.address import Address, Kind
from audiform.config.event_kinds import EventConnector
from audiform.config.kinds import Audience, Binding
from audiform.diagnostics import Diagnostic, did_you_mean


@dataclass(frozen=True, slots=True)
class Names:
    """The names that are declared, and those of resources that are wrong by themselves: a reference to one is right."""

    declared: Mapping[Kind, Collection[str]]
    spoiled: Mapping[Kind, Collection[str]]

    def has(self, kind: Kind, name: str) -> bool:
        """Return whether a reference to `name` leads anywhere."""
        return name in self.declared[kind] or name.partition(".")[0] in self.spoiled[kind]


def unknown_references(
    audiences: Mapping[str, Audience], bindings: Mapping[str, Binding], names: Names
) -> Iterator[Diagnostic]:
    """Yield a problem for each reference to a resource that is not among `names`."""
    for name, audience in audiences.items():
        if not names.has(Kind.SOURCE, audience.source):
            yield _unknown(Address(Kind.AUDIENCE, name), Kind.SOURCE, audience.source, names)
    for name, binding in bindings.items():
        if not names.has(Kind.AUDIENCE, binding.audience):
            yield _unknown(Address(Kind.BINDING, name), Kind.AUDIENCE, binding.audience, names)
        if not names.has(Kind.CONNECTOR, binding.connector):
            yield _unknown(Address(Kind.BINDING, name), Kind.CONNECTOR, binding.connector, names)


def unknown_event_sources(connectors: Mapping[str, EventConnector], names: Names) -> Iterator[Diagnostic]:
    """Yield a problem for each event source that a connector takes from and that there is not."""
    for name, connector in connectors.items():
        for number, source in enumerate(connector.events.sources or ()):
            if not names.has(Kind.EVENT_SOURCE, source):
                address = Address(Kind.EVENT_CONNECTOR, name)
                found = _unknown(address, Kind.EVENT_SOURCE, source, names)
                yield replace(found, path=("events", "sources", number))


def _unknown(address: Address, kind: Kind, wanted: str, names: Names) -> Diagnostic:
    known, word = names.declared[kind], kind.value.replace("_", " ")
    detail = f"No file declares {word} `{wanted}`."
    repetitions = [name for name in known if name.startswith(f"{wanted}.")]
    hint = did_you_mean(wanted, known)
    if repetitions:
        detail = (
            f"{word.capitalize()} `{wanted}` is repeated by `for_each`, so there are several of that name."
        )
        hint = f"name one of them, such as `{repetitions[0]}`"
    elif not known:
        detail += f" The project declares none; {word}s stand in the section `{kind.section}`."
    return Diagnostic("unknown-reference", detail, hint=hint, address=address, path=(kind.value,))
