"""Checks that the connector types in use are those that `audiform.lock` pins, where the project has one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from audiform.address import Address, Kind
from audiform.check.types import Types
from audiform.config.project import Project
from audiform.connectors.catalog import ConnectorType
from audiform.connectors.pins import Pin, read_pins
from audiform.connectors.version import parts_of
from audiform.diagnostics import Diagnostic, DiagnosticError, Severity


def check_pins(project: Project, types: Types) -> Iterator[Diagnostic]:
    """Yield each type that is another than the pinned one, and each that is not pinned: once, at its first connector."""
    try:
        pins = read_pins(project.root)
    except DiagnosticError as error:
        yield from error.diagnostics
        return
    if pins is None:
        return
    used = [
        *((Address(Kind.CONNECTOR, name), item.type) for name, item in project.connectors.items()),
        *(
            (Address(Kind.EVENT_CONNECTOR, name), item.type)
            for name, item in project.event_connectors.items()
        ),
    ]
    first = {type_name: address for address, type_name in reversed(used)}
    for name in sorted(first):
        opened = types.known(name)
        if opened is not None:
            yield from _problem(first[name], opened.kind, pins)


def _problem(address: Address, kind: ConnectorType, pins: Mapping[str, Pin]) -> Iterator[Diagnostic]:
    pin = pins.get(kind.name)
    if pin is None:
        text = f"audiform.lock does not pin `{kind.name}`, so another version of it would come unseen."
        hint, severity = "audiform connectors lock", Severity.WARNING
        yield Diagnostic("type-not-pinned", text, severity, hint, address=address, path=("type",))
    elif pin.digest != kind.digest:
        text = (
            f"`{kind.name}` is not the one that audiform.lock pins: its {_differing(pin, kind)} changed "
            f"({_versions(pin, kind)}), and what is sent with it. Take the new one, and let a plan say what it does to people."
        )
        hint = "audiform connectors lock"
        yield Diagnostic("type-changed", text, hint=hint, address=address, path=("type",))


def _differing(pin: Pin, kind: ConnectorType) -> str:
    before, now = parts_of(pin.digest), parts_of(kind.digest)
    return ", ".join(name for name in now if before.get(name) != now[name]) or "manifest"


def _versions(pin: Pin, kind: ConnectorType) -> str:
    now = kind.manifest.api_version
    return f"API version {now}" if pin.version == now else f"API version {pin.version} -> {now}"
