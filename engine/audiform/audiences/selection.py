"""What a binding sends of an audience to a connector type: identifiers, variables and signals in use."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from audiform.audiences.watermarks import Tracked, tracked
from audiform.config.kinds import Audience, Binding, IdentifierColumn
from audiform.connectors.manifest import Manifest, SignalOperation
from audiform.outcome import Signal
from audiform.state.ledger import PROFILE, Form

Column = IdentifierColumn


@dataclass(frozen=True, slots=True)
class Selection:
    """One binding's audience as its connector type takes it. `manifest` is the configured one.

    `identifiers`, in the manifest's order, are those that audience, type and binding have in common;
    `variables`: name -> column. `not_sent`: signal -> why. `watched`: identifiers of the audience, sent or not, of
    which somebody asked to be forgotten. `tracked`: what the audience says of its rows' changes, where it does.
    """

    binding: str
    manifest: Manifest
    profile_key: str
    consent: str | None
    identifiers: Mapping[str, Column]
    variables: Mapping[str, str]
    signals: Mapping[Signal, SignalOperation]
    not_sent: Mapping[str, str]
    watched: Mapping[str, Column] = field(default_factory=dict[str, Column])
    tracked: Tracked | None = None

    @property
    def matches_keys(self) -> bool:
        """Whether every identifying value is a key by itself at the platform."""
        return self.manifest.identity == "each"

    @property
    def identifying(self) -> tuple[str, ...]:
        """The identifiers in use that name a member: the one, or each of them."""
        if not self.matches_keys:
            return tuple(name for name in self.identifiers if name == self.manifest.identity)
        return tuple(name for name in self.identifiers if self.manifest.identifiers[name].identifies)

    @property
    def accompanying(self) -> tuple[str, ...]:
        """The identifiers in use that a member has beside its identity, and that may change."""
        return () if self.matches_keys else tuple(n for n in self.identifiers if n != self.manifest.identity)

    @property
    def forms(self) -> Mapping[str, Form]:
        """How each identifier in use is kept in the ledger, and whose member it is where changes are told by that."""
        own = {PROFILE: Form.HEX} if self.tracked is not None else {}
        return {name: form_of(self.manifest, name) for name in self.identifiers} | own

    @property
    def is_clear(self) -> bool:
        """Whether more than digests is at hand of the people while they are compared."""
        columns = {column.column for column in self.identifiers.values()}
        if self.watched:
            return True
        return bool(self.variables) or Form.SEALED in self.forms.values() or self.profile_key in columns

    @property
    def columns(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """The columns of the audience's query that are needed, each after its place in the audience."""
        yield ("profile_key",), self.profile_key
        if self.consent is not None:
            yield ("consent",), self.consent
        for name, identifier in self.identifiers.items():
            yield ("identifiers", name), identifier.column
        for name, identifier in self.watched.items():
            if name in self.identifiers:
                continue
            yield ("identifiers", name), identifier.column
        for name, column in self.variables.items():
            yield ("variables", name), column
        if self.tracked is not None:
            yield from self.tracked.columns


def select(name: str, binding: Binding, audience: Audience, manifest: Manifest) -> Selection:
    """Return what the binding `name` sends; what does not fit together is an error of `check`, not of this."""
    identifiers = {
        identifier: _column(audience.identifiers[identifier])
        for identifier in manifest.identifiers
        if identifier in audience.identifiers
        and (binding.identifiers is None or identifier in binding.identifiers)
    }
    variables = {
        variable: column
        for variable, column in audience.variables.items()
        if _takes(manifest, variable) and (binding.variables is None or variable in binding.variables)
    }
    able = {
        Signal(signal): operation
        for signal, operation in manifest.signals.items()
        if isinstance(operation, SignalOperation)
    }
    signals = {
        signal: able[signal]
        for signal in Signal
        if signal in able and (binding.signals is None or signal in binding.signals)
    }
    has_more = bool(variables) or (manifest.identity != "each" and len(identifiers) > 1)
    not_sent = {
        signal.value: _why_not(signal, able, manifest)
        for signal in Signal
        if signal not in signals and (signal is not Signal.MODIFY or has_more)
    }
    return Selection(
        name,
        manifest,
        audience.profile_key,
        audience.consent,
        identifiers,
        variables,
        signals,
        not_sent,
        tracked=tracked(audience),
    )


def watching(selection: Selection, audience: Audience, identifiers: Collection[str]) -> Selection:
    """Return the selection that watches these identifiers, as far as the audience has them."""
    watched = {name: _column(column) for name, column in audience.identifiers.items() if name in identifiers}
    return replace(selection, watched=watched)


def form_of(manifest: Manifest, identifier: str) -> Form:
    """Return how an identifier is kept: a digest as its bytes, what is sent in clear encrypted."""
    known = manifest.identifiers[identifier]
    if known.hash == "none":
        return Form.SEALED
    return Form.HEX if known.encoding == "hex" else Form.BASE64


def _column(column: str | IdentifierColumn) -> IdentifierColumn:
    return IdentifierColumn(column=column, region=None) if isinstance(column, str) else column


def _takes(manifest: Manifest, variable: str) -> bool:
    match manifest.variables.allowed:
        case "none":
            return False
        case "fixed":
            return variable in manifest.variables.names
        case "free":
            return True


def _why_not(signal: Signal, able: Mapping[Signal, SignalOperation], manifest: Manifest) -> str:
    if signal in able:
        return "the binding's `signals` leave it out"
    return f"{manifest.title} has no way to do it"
