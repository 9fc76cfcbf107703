"""Secrets to try a type with: any text is good, except where the scheme needs a key that it can sign with."""

from __future__ import annotations

import json
from functools import cache

from audiform.connectors.manifest import Manifest

_KEY_FILE = "service-account-key"


def sample_secret(manifest: Manifest, name: str, text: str) -> str:
    """Return a secret for the credential `name`: `text`, or a key file with it where the manifest wants one."""
    schema = manifest.credentials.get("properties", {}).get(name, {})
    if schema.get("format") != _KEY_FILE:
        return text
    return json.dumps(
        {
            "type": "service_account",
            "client_email": "audiform@example.com",
            "private_key_id": text,
            "private_key": _private_key(),
        }
    )


@cache
def _private_key() -> str:
    """Return a key that was made just now and opens nothing."""
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
