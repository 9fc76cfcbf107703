"""HashiCorp Vault, by `hvac`. Its address and who asks come from the environment, as for Vault's own command.

An address in a project would send the runner's token to whoever the author of the YAML likes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from audiform.config.secret_references import VaultSecret
from audiform.config.secrets import unavailable
from audiform.secret_stores.content import refused
from audiform.secret_stores.library import Library

LIBRARY: Final = Library("hvac", "hvac", "vault")
SECONDS = 10
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def connect() -> Any:
    """Return a client.

    Raises:
        DiagnosticError: the library, the address or the token is missing (`secret-unavailable`).
    """
    hvac = LIBRARY.load()
    address = os.environ.get("VAULT_ADDR")
    if not address:
        raise unavailable("A secret is in Vault, and VAULT_ADDR is not set. Set it to Vault's address.")
    where = urlsplit(address)
    if where.scheme != "https" and where.hostname not in _HERE:
        raise unavailable(
            "VAULT_ADDR is not an https address, and the token and the secrets would travel in clear."
        )
    # A redirect would take the token along, to wherever it leads.
    client = hvac.Client(
        url=address, timeout=SECONDS, allow_redirects=False, namespace=os.environ.get("VAULT_NAMESPACE")
    )
    if not client.token:
        raise unavailable(
            "A secret is in Vault, and there is no token to ask with. Set VAULT_TOKEN, or run `vault login`."
        )
    return client


def read(client: Any, secret: VaultSecret) -> Mapping[str, Any]:
    """Return all fields of a secret.

    Raises:
        DiagnosticError: it is not there, may not be read, or Vault does not answer (`secret-unavailable`).
    """
    errors = LIBRARY.load("hvac.exceptions")
    requests = LIBRARY.load("requests")
    name = shown(secret)
    try:
        answer = _ask(client, secret)
        data = answer["data"]["data"] if secret.kv == 2 else answer["data"]  # noqa: PLR2004 - the engine's version
    except errors.InvalidPath:
        raise refused(
            name, "it, or this version of it, does not exist", "Mend `path`, `mount` or `version`."
        ) from None
    except (errors.Forbidden, errors.Unauthorized):
        raise refused(
            name, "the token may not read it, or has expired", "Renew it, or have its policy extended."
        ) from None
    except errors.VaultDown:
        raise refused(name, "Vault is sealed or in maintenance", "Try again when it is not.") from None
    except (errors.VaultError, requests.RequestException) as error:
        raise refused(
            name, f"Vault does not answer as it should ({type(error).__name__})", "Look at VAULT_ADDR."
        ) from None
    except (KeyError, TypeError):
        raise refused(name, "the answer is none of this engine", "Look at `mount` and `kv`.") from None
    return dict(data)


def shown(secret: VaultSecret) -> str:
    """Return what a message calls the secret."""
    version = "" if secret.version is None else f", version {secret.version}"
    return f"the secret `{secret.path}` of Vault (mount `{secret.mount}`{version})"


def _ask(client: Any, secret: VaultSecret) -> Any:
    engines = client.secrets.kv
    if secret.kv == 1:
        return engines.v1.read_secret(path=secret.path, mount_point=secret.mount)
    return engines.v2.read_secret_version(
        path=secret.path, version=secret.version, mount_point=secret.mount, raise_on_deleted_version=True
    )
