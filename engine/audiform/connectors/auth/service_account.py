"""A service account: a JSON Web Token that is signed with its private key, exchanged for an access token (RFC 7523)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from audiform.connectors.auth.scheme import AuthError, Context, Flow, Scheme, fill
from audiform.connectors.auth.token import TokenAuth, asked_with, kept_token
from audiform.outcome import Category, Outcome, OutcomeKind
from audiform.shapes import is_map

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE = 3600


class ServiceAccount(TokenAuth):
    """Settings of `service_account`. `key`: the JSON of the account's key file."""

    key: str = "{{ credentials.service_account_key }}"


def rs256(private_key: Any, header: bytes, claims: bytes) -> str:
    """Return a JSON Web Token whose parts are `header` and `claims`, signed by an RSA key."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    text = f"{_base64(header)}.{_base64(claims)}"
    return f"{text}.{_base64(private_key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def _flow(config: ServiceAccount, context: Context) -> Flow:
    return (yield from kept_token(config, context, lambda: _parameters(config, context)))


def _parameters(config: ServiceAccount, context: Context) -> Mapping[str, str]:
    account = _account(fill(config.key, context))
    now = int(context.now)
    claims = {
        "iss": account["client_email"],
        "scope": " ".join(config.scopes),
        "aud": fill(config.token_url, context),
        "iat": now,
        "exp": now + _LIFE,
    }
    header = {"alg": "RS256", "typ": "JWT", "kid": account.get("private_key_id", "")}
    token = rs256(_private_key(account["private_key"]), _json(header), _json(claims))
    return {"grant_type": GRANT, "assertion": token, **asked_with(config, context)}


def _account(text: str) -> Mapping[str, Any]:
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = None
    if is_map(found) and {"client_email", "private_key"} <= found.keys():
        return found
    raise _unusable("is not the JSON of a service account's key file, with `client_email` and `private_key`")


def _private_key(text: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(str(text).encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise _unusable("holds no RSA key in PEM form as its `private_key`")
    return key


def _unusable(what: str) -> AuthError:
    message = f"the service account's key {what}, so no request can be signed with it"
    remedy = "Make a new key of the account, in JSON form, and let the credential refer to the whole file"
    return AuthError(Outcome(OutcomeKind.FAILED, Category.INVALID_CREDENTIALS, message, remedy=remedy))


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


SCHEME = Scheme(ServiceAccount, _flow, refreshable=True)
