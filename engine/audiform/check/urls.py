"""Where a connector's settings may lead: over encrypted ways only, and to hosts that the project allows.

The hosts of a shipped type stand in its manifest. What a setting or an `endpoint` names is checked, because
a changed URL in a pull request would send people to somebody else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from audiform.address import Address
from audiform.config.event_kinds import EventConnector
from audiform.config.kinds import Connector
from audiform.connectors.catalog import ConnectorType
from audiform.connectors.manifest import FromSetting
from audiform.connectors.template import MISSING, lookup, render
from audiform.connectors.ways import ENCRYPTED, hosts_of, is_local
from audiform.diagnostics import Diagnostic

Path = tuple[str | int, ...]
_URL_FORMATS = frozenset({"uri", "url"})


def check_urls(
    address: Address,
    connector: Connector | EventConnector,
    kind: ConnectorType,
    configured: ConnectorType,
    allowed: Collection[str],
) -> Iterator[Diagnostic]:
    """Yield the problems of every URL that the connector names."""
    for path, url in _urls(connector, kind, configured):
        found = url_problem(path, url, allowed)
        if found is not None:
            code, text, hint = found
            yield Diagnostic(code, text, hint=hint, address=address, path=path)


def _urls(
    connector: Connector | EventConnector, kind: ConnectorType, configured: ConnectorType
) -> Iterator[tuple[Path, str]]:
    if connector.endpoint is not None:
        yield ("endpoint",), connector.endpoint
    for path in _url_settings(kind.manifest.settings):
        value = lookup(connector.settings, ".".join(path))
        if isinstance(value, str):
            yield ("settings", *path), value
    auth, plain = kind.manifest.auth, configured.manifest.auth
    if isinstance(auth, FromSetting) and isinstance(plain, Mapping) and "token_url" in plain:
        url = render(plain["token_url"], {"settings": connector.settings})
        text = "" if url is MISSING else str(url)
        yield ("settings", *auth.from_setting.split("."), "token_url"), text


def _url_settings(schema: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of the settings that are URLs."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    for name, body in properties.items():
        if body is True or body is False:
            continue
        if body.get("format") in _URL_FORMATS:
            yield (name,)
        for inner in _url_settings(body):
            yield (name, *inner)


def url_problem(path: Path, url: str, allowed: Collection[str]) -> tuple[str, str, str | None] | None:
    """Return code, detail and hint of what is wrong with the URL at `path`, or None."""
    where = "`" + ".".join(map(str, path)) + "`"
    hosts, scheme = _hosts(url)
    if not hosts or scheme not in ("http", "file", *ENCRYPTED):
        return "invalid-value", f"{where} is not a URL such as `https://api.example.com`.", None
    if is_local(url):
        return None
    host = next((host for host in hosts if host not in allowed), hosts[0])
    if scheme == "http":
        text = f"{where} begins with `http://`: people and secrets would go to `{host}` in clear. Nothing is sent like that."
        return "insecure-url", text, "write https://"
    if host in allowed:
        return None
    known = ", ".join(f"`{item}`" for item in sorted(allowed)) or "none"
    text = (
        f"{where} leads to `{host}`, and the project allows {known}. Whoever can change a URL can send the project's "
        "people anywhere, so hosts are allowed in one place, by an owner of the project."
    )
    return "host-not-allowed", text, f"add `{host}` to `policy.allowed_hosts` in audiform.yaml"


def _hosts(url: str) -> tuple[tuple[str, ...], str]:
    try:
        return hosts_of(url), urlsplit(url).scheme
    except ValueError:
        return (), ""
