"""Resources that name others: each must be declared."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from audiform.address import Address, Kind
from audiform.config.kinds import Audience, Binding
from audiform.diagnostics import Diagnostic, did_you_mean

Names = Mapping[Kind, Collection[str]]


def unknown_references(
    audiences: Mapping[str, Audience], bindings: Mapping[str, Binding], names: Names
) -> Iterator[Diagnostic]:
    """Yield a problem for each reference to a resource that is not among `names`.

    `names` also has resources that are wrong by themselves: a reference to one of them is right.
    """
    sources, connectors = names[Kind.SOURCE], names[Kind.CONNECTOR]
    for name, audience in audiences.items():
        if audience.source not in sources:
            yield _unknown(Address(Kind.AUDIENCE, name), Kind.SOURCE, audience.source, sources)
    known = names[Kind.AUDIENCE]
    for name, binding in bindings.items():
        if binding.audience not in known:
            yield _unknown(Address(Kind.BINDING, name), Kind.AUDIENCE, binding.audience, known)
        if binding.connector not in connectors:
            yield _unknown(Address(Kind.BINDING, name), Kind.CONNECTOR, binding.connector, connectors)


def _unknown(address: Address, kind: Kind, wanted: str, known: Collection[str]) -> Diagnostic:
    detail = f"No file declares {kind.value} `{wanted}`."
    repetitions = [name for name in known if name.startswith(f"{wanted}.")]
    hint = did_you_mean(wanted, known)
    if repetitions:
        detail = f"{kind.value.capitalize()} `{wanted}` is repeated by `for_each`, so there are several of that name."
        hint = f"name one of them, such as `{repetitions[0]}`"
    elif not known:
        detail += f" The project declares none; {kind.section} stand in the section `{kind.section}`."
    return Diagnostic("unknown-reference", detail, hint=hint, address=address, path=(kind.value,))
