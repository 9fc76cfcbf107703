"""Where an `s3:` state is: from the project's URL to a bucket and the prefix of an environment.

    s3://BUCKET[/PREFIX][?region=NAME&endpoint_url=URL]

Credentials are never part of it: AWS's own client finds them in the environment, a profile, a web identity or the machine's role.
What leaves this machine is encrypted, so `endpoint_url` is https, except for a server on this machine itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.urls import PASSWORD_IN_URL, holds_password

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PARAMETERS = frozenset({"region", "endpoint_url"})
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class Place:
    """`prefix`: what the keys of all objects of the environment begin with, without the last slash."""

    bucket: str
    prefix: str
    region: str | None
    endpoint: str | None

    @property
    def shown(self) -> str:
        """The place for people."""
        return f"s3://{self.bucket}/{self.prefix}"

    def key(self, name: str) -> str:
        """Return the key of an object."""
        return f"{self.prefix}/{name}"


def place_of(url: str, project: str, environment: str) -> Place:
    """Return the place of an environment; without a prefix the project's name is one.

    Raises:
        DiagnosticError: the URL has credentials (`state-url-password`) or is none (`invalid-state-url`).
    """
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    endpoint = given.get("endpoint_url")
    if holds_password(url):
        raise DiagnosticError([PASSWORD_IN_URL])
    if unknown := sorted(given.keys() - _PARAMETERS):
        raise _invalid(f"has a parameter `{unknown[0]}`, and takes `region` and `endpoint_url` only")
    if not _BUCKET.fullmatch(parts.netloc):
        raise _invalid("names no bucket: small letters, digits, dots and hyphens")
    if endpoint and not _is_private(endpoint):
        raise _invalid(
            "has an `endpoint_url` that is not https, and what it carries could be read on the way"
        )
    prefix = "/".join(part for part in unquote(parts.path).split("/") if part) or project
    if not prefix:
        raise _invalid("names no prefix")
    return Place(parts.netloc, f"{prefix}/{environment}", given.get("region") or None, endpoint or None)


def _is_private(endpoint: str) -> bool:
    parts = urlsplit(endpoint)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _invalid(why: str) -> DiagnosticError:
    detail = f"The URL of the state {why}. A state in S3 is written `s3://BUCKET/PREFIX?region=NAME`."
    return DiagnosticError([Diagnostic("invalid-state-url", detail)])
