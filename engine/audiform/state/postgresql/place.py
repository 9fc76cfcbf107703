"""Where a `postgresql:` state is: from the project's URL to how libpq connects, and the schema of an environment.

    postgresql://[USER@]HOST[:PORT]/DATABASE[?schema=NAME&sslmode=...]

Every parameter but `schema` is libpq's own. The password is never part of it: libpq finds it in PGPASSWORD, a password file
(`passfile`, PGPASSFILE, ~/.pgpass) or a service (`service`). The connection is encrypted and the server verified, except to
this machine itself or where `sslmode` says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.hashing import digest_text
from audiform.urls import PASSWORD_IN_URL, holds_password

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_LONGEST_NAME = 63
"""Bytes of a name; the server cuts longer ones, and two environments could become one."""

_DEFAULTS: Mapping[str, str] = {
    "application_name": "audiform",
    "connect_timeout": "10",
    # A peer that vanished is noticed within a minute, here as there (see `locks.py`).
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}


@dataclass(frozen=True, slots=True)
class Place:
    """`conninfo`: how libpq connects, without a password; `schema`: where the tables are; `shown`: for people."""

    conninfo: str
    schema: str
    shown: str


def place_of(url: str, project: str, environment: str, variables: Mapping[str, str]) -> Place:
    """Return the place of an environment; `variables` are those of the process, which libpq reads as well.

    Raises:
        DiagnosticError: the URL has a password (`state-url-password`) or is none (`invalid-state-url`).
    """
    if holds_password(url):
        raise DiagnosticError([PASSWORD_IN_URL])
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    prefix = given.pop("schema", f"audiform_{project}")
    if not prefix or not (parts.path.strip("/") or given.keys() & {"dbname", "service"}):
        detail = (
            f"`{url}` names no {'database' if prefix else 'schema'}. A state in PostgreSQL is written "
            "`postgresql://HOST/DATABASE`, with `?schema=NAME` where the schema shall not be named after the project."
        )
        raise DiagnosticError([Diagnostic("invalid-state-url", detail)])
    query = {**_DEFAULTS, **_security(parts.hostname, given, variables), **given}
    # Always with `//`: without a host `urlunsplit` leaves it out, and libpq needs it. Nor does libpq read `+` as a space.
    conninfo = f"postgresql://{parts.netloc}{parts.path}?{urlencode(query, quote_via=quote)}"
    schema = _name(prefix, environment)
    at = parts.netloc.rpartition("@")[2] or given.get("host") or given.get("service", "")
    return Place(conninfo, schema, f"{at}{parts.path.rstrip('/')}, schema {schema}")


def _security(host: str | None, given: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """Return what makes the connection private, where nobody has decided otherwise."""
    # A parameter wins over what stands before the path, for the client library as well.
    asked = given.get("hostaddr") or given.get("host") or unquote(host or "")
    host = asked or variables.get("PGHOSTADDR") or variables.get("PGHOST") or "localhost"
    decided = {"sslmode", "service"} & given.keys() or {"PGSSLMODE", "PGSERVICE"} & variables.keys()
    if decided or host in _LOOPBACK or host.startswith("/"):
        return {}
    found = {"sslmode": "verify-full"}
    if "sslrootcert" not in given and "PGSSLROOTCERT" not in variables:
        found["sslrootcert"] = "system"
    return found


def _name(prefix: str, environment: str) -> str:
    name = f"{prefix}_{environment}"
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    cut = name.encode()[: _LONGEST_NAME - 9].decode(errors="ignore")
    return f"{cut}_{digest_text(name)[:8]}"
