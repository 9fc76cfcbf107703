"""Authentication schemes by name. What YAML cannot say is one of these, and a manifest names it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from audiform.connectors.auth.scheme import Auth, Scheme
from audiform.connectors.manifest import FromSetting
from audiform.connectors.template import problems, references
from audiform.connectors.wording import in_words
from audiform.lazily import load
from audiform.shapes import is_map

SCHEMES = (
    "none",
    "bearer",
    "api_key",
    "basic",
    "oauth1a",
    "oauth2_refresh",
    "oauth2_client_credentials",
    "service_account",
    "aws_sigv4",
    "sas_token",
)
"""Each is a module beside this one, imported when a manifest names it: most runs need one or two."""


def _scheme(name: str) -> Scheme:
    found: Scheme = load(f"{__name__}.{name}:SCHEME")
    return found


def scheme_of(auth: FromSetting | Mapping[str, Any]) -> tuple[Scheme, Auth]:
    """Return the scheme that the `auth` of a checked and configured manifest names, and its settings."""
    if isinstance(auth, FromSetting):
        raise TypeError(
            f"`{auth.from_setting}` says how requests are signed: the manifest is not configured yet"
        )
    scheme = _scheme(auth["scheme"])
    return scheme, scheme.config.model_validate(auth)


def problems_of_auth(auth: Any, credentials: Collection[str]) -> list[tuple[tuple[str | int, ...], str]]:
    """Return (path, text) for each thing that is wrong with `auth`; `credentials` are the names of the type's."""
    if not is_map(auth) or auth.get("scheme") not in SCHEMES:
        return [(("scheme",), f"an authentication scheme is one of {', '.join(SCHEMES)}")]
    scheme = _scheme(auth["scheme"])
    try:
        config = scheme.config.model_validate(auth)
    except ValidationError as error:
        return [(tuple(item["loc"]), in_words(item)) for item in error.errors(include_input=False)]
    values = config.model_dump()
    braces = [((), f"`{text}` has braces that are no reference") for text in problems(values)]
    unknown = sorted(name for name in references(values) if not _known(name, credentials))
    return [
        *braces,
        *(((), f"`{name}` is no setting and none of the type's credentials") for name in unknown),
    ]


def _known(reference: str, credentials: Collection[str]) -> bool:
    root, _, name = reference.partition(".")
    return root == "settings" or (root == "credentials" and name in credentials)
