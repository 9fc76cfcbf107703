"""Checks one connector: its type, its settings, its credentials and where it leads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from audiform.address import Address, Kind
from audiform.check.facts import Facts, facts_of
from audiform.check.schema import Subject, explain
from audiform.check.types import Opened, Types
from audiform.check.urls import check_urls
from audiform.config.event_kinds import EventConnector
from audiform.config.kinds import Connector, Policy
from audiform.connectors.auth import scheme_of
from audiform.connectors.catalog import ConnectorType
from audiform.connectors.manifest import FromSetting
from audiform.connectors.request import MissingReferenceError, base_url
from audiform.connectors.settings import with_defaults
from audiform.connectors.template import references
from audiform.diagnostics import Diagnostic, DiagnosticError, did_you_mean


def check_connector(
    name: str, connector: Connector, types: Types, policy: Policy
) -> tuple[Facts | None, list[Diagnostic]]:
    """Return what bindings may ask of the connector (None: not known, because it is broken), and its problems."""
    opened, configured, found = check_configured(Address(Kind.CONNECTOR, name), connector, types, policy)
    return (facts_of(opened, configured) if opened and configured else None), found


def check_configured(
    address: Address, connector: Connector | EventConnector, types: Types, policy: Policy
) -> tuple[Opened | None, ConnectorType | None, list[Diagnostic]]:
    """Return the connector's type, it with the settings filled in, and the problems; None for what is not known then."""
    opened, problems = types.open(connector.type)
    if opened is None:
        return None, None, [_at_type(item, address) for item in problems]
    wanted = "event" if address.kind is Kind.EVENT_CONNECTOR else "server_to_server"
    if opened.kind.manifest.kind != wanted:
        return opened, None, [_wrong_section(address, connector.type)]
    found: list[Diagnostic] = []
    valid = opened.settings_are_valid(connector.settings)
    if not valid:
        subject = Subject(address, "settings", "a setting", connector.type)
        found += explain(subject, opened.kind.manifest.settings, connector.settings)
    configured, more = _configured(address, connector, opened, valid=valid)
    found += more
    found += _credentials(address, connector, opened.kind, configured or opened.kind)
    urls = list(check_urls(address, connector, opened.kind, configured or opened.kind, policy.allowed_hosts))
    found += urls
    if configured is not None and valid and not urls:
        found += _host_parts(address, connector, configured)
    return opened, configured, found


def _wrong_section(address: Address, type_name: str) -> Diagnostic:
    if address.kind is Kind.CONNECTOR:
        text = f"`{type_name}` sends events as they happen, and no audience fills it."
        hint = "move it to the section `event_connectors`"
    else:
        text = f"`{type_name}` is filled by audiences, and takes no events."
        hint = "move it to the section `connectors`"
    return Diagnostic("wrong-section", text, hint=hint, address=address, path=("type",))


def _at_type(item: Diagnostic, address: Address) -> Diagnostic:
    """Return a problem of the type itself where it stands, any other where the connector names the type."""
    return item if item.location is not None else replace(item, address=address, path=("type",))


def _configured(
    address: Address, connector: Connector | EventConnector, opened: Opened, *, valid: bool
) -> tuple[ConnectorType | None, list[Diagnostic]]:
    """Return the type with the connector's settings in it. One that takes no parts from settings is as it is."""
    if not opened.generic:
        return opened.kind, []
    if not valid:
        return None, []
    try:
        return opened.kind.configured(connector.settings), []
    except DiagnosticError as error:
        return None, [replace(item, address=address) for item in error.diagnostics]


def _credentials(
    address: Address, connector: Connector | EventConnector, kind: ConnectorType, configured: ConnectorType
) -> Iterator[Diagnostic]:
    """Yield credentials that lack, and those that the type does not know.

    A type says itself which it requires, unless its authentication is a setting: that names them then.
    """
    schema = kind.manifest.credentials
    known = schema.get("properties", {})
    chosen = _signing(configured) if isinstance(kind.manifest.auth, FromSetting) else set[str]()
    needed = chosen | set(schema.get("required", ()))
    for name in sorted(needed - connector.credentials.keys()):
        about = str(known.get(name, {}).get("description", "")).rstrip(".")
        text = f"`{kind.name}` needs the credential `{name}`, and without it no request can be signed."
        text += f" {about}." if about else ""
        hint = f"credentials: {{{name}: {{from_env: {name.upper()}}}}}"
        yield Diagnostic("missing-credential", text, hint=hint, address=address, path=("credentials",))
    for name in connector.credentials:
        if name in known:
            continue
        names = ", ".join(f"`{item}`" for item in known)
        takes = f"it takes {names}" if names else "it takes none"
        yield Diagnostic(
            "unknown-field",
            f"`credentials.{name}` is not a credential of `{kind.name}`; {takes}.",
            hint=did_you_mean(name, known),
            address=address,
            path=("credentials", name),
            on_key=True,
        )


def _signing(kind: ConnectorType) -> set[str]:
    """Return the credentials that its authentication names, those that a scheme names by default included."""
    auth = kind.manifest.auth
    if isinstance(auth, FromSetting):
        return set()
    used = references(scheme_of(auth)[1].model_dump())
    return {name.removeprefix("credentials.") for name in used if name.startswith("credentials.")}


def _host_parts(
    address: Address, connector: Connector | EventConnector, kind: ConnectorType
) -> Iterator[Diagnostic]:
    """Yield a setting that would make another host of the manifest's."""
    scope = {"settings": with_defaults(kind.manifest.settings, connector.settings)}
    try:
        base_url(kind, scope, connector.endpoint)
    except MissingReferenceError as error:
        text = f"The URL of `{kind.name}` cannot be made: {error}."
        yield Diagnostic("invalid-value", text, address=address, path=("settings",))
