"""The signature of a plan file: who may apply it knows that nobody changed it on the way.

It is one more key of the file, `signature`, made over the canonical text without it. A signed file is canonical to the
last byte, so that there is no second text for the same plan. Keys come from the environment and never from the project:
whoever may edit the project must not choose whom an apply trusts.

    AUDIFORM_PLAN_KEY          a secret that plans and applies share (HMAC-SHA256)
    AUDIFORM_PLAN_PRIVATE_KEY  ed25519-private:BASE64, for who plans
    AUDIFORM_PLAN_PUBLIC_KEY   ed25519:BASE64, for who applies; several with spaces between, while keys are changed
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from audiform.connectors.signing import PRIVATE, PUBLIC, key_bytes, key_text
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.hashing import canonical, digest_text
from audiform.shapes import is_map

SHARED_KEY, PRIVATE_KEY, PUBLIC_KEY = (
    "AUDIFORM_PLAN_KEY",
    "AUDIFORM_PLAN_PRIVATE_KEY",
    "AUDIFORM_PLAN_PUBLIC_KEY",
)
_SHORTEST: Final = 32
_REMAKE = "Make a new one with `audiform plan --out FILE`, and have it read again."
SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "Made over the canonical JSON of the file without this key",
    "additionalProperties": False,
    "required": ["algorithm", "key", "value"],
    "properties": {
        "algorithm": {"enum": ["hmac-sha256", "ed25519"]},
        "key": {"type": "string", "description": "The public key, or the digest of the shared one"},
        "value": {"type": "string", "pattern": "^[0-9a-f]+$"},
    },
}


@dataclass(frozen=True, slots=True)
class Keys:
    """What plans are signed and verified with. Without any, plans are neither."""

    shared: str = field(default="", repr=False)
    private: str = field(default="", repr=False)
    public: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.shared or self.private or self.public)

    @property
    def signs(self) -> bool:
        """Whether a plan can be signed: with a public key it can only be verified."""
        return bool(self.shared or self.private)


def keys_of(environment: Mapping[str, str]) -> Keys:
    """Return the keys that the environment variables hold.

    Raises:
        DiagnosticError: a key is none, or is too short to be one (`invalid-plan-key`).
    """
    shared, private = environment.get(SHARED_KEY, ""), environment.get(PRIVATE_KEY, "").strip()
    public = tuple(environment.get(PUBLIC_KEY, "").split())
    if shared and len(shared) < _SHORTEST:
        raise _invalid_key(
            SHARED_KEY, f"is shorter than {_SHORTEST} characters: make one with `openssl rand -hex 32`"
        )
    for name, texts, prefix in (
        (PRIVATE_KEY, (private,) if private else (), PRIVATE),
        (PUBLIC_KEY, public, PUBLIC),
    ):
        for text in texts:
            _key(name, text, prefix)
    return Keys(shared, private, public)


def sealed(text: str, keys: Keys) -> str:
    """Return the canonical text of a plan with its signature; as it is where no key signs."""
    if not keys.signs:
        return text
    return canonical({**json.loads(text), "signature": _sign(text, keys)})


def opened(text: str, name: str, keys: Keys) -> str:
    """Return the text of the plan in a file, without its signature; it is verified where there is a key.

    Raises:
        DiagnosticError: `plan-unsigned`, `plan-of-another-key`, `plan-tampered`.
    """
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return text  # whoever reads it says that it is no plan
    if not is_map(data):
        return text
    seal, signed = data.get("signature"), canonical({key: data[key] for key in data if key != "signature"})
    if keys:
        _verify(seal, signed, name, keys)
        if text != canonical({**data, "signature": seal}) + "\n":
            raise _tampered(name)
    return text if seal is None else signed


def _sign(text: str, keys: Keys) -> dict[str, str]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not keys.private:
        return {"algorithm": "hmac-sha256", "key": _shared_id(keys.shared), "value": _mac(text, keys.shared)}
    key = Ed25519PrivateKey.from_private_bytes(_key(PRIVATE_KEY, keys.private, PRIVATE))
    return {"algorithm": "ed25519", "key": _public_of(keys.private), "value": key.sign(text.encode()).hex()}


def _verify(seal: Any, text: str, name: str, keys: Keys) -> None:
    if seal is None:
        raise _unsigned(name)
    match seal:
        case {"algorithm": "hmac-sha256", "key": str(key), "value": str(value)} if len(seal) == len(_PARTS):
            if not keys.shared or key != _shared_id(keys.shared):
                raise _foreign(name)
            good = hmac.compare_digest(value.encode(), _mac(text, keys.shared).encode())
        case {"algorithm": "ed25519", "key": str(key), "value": str(value)} if len(seal) == len(_PARTS):
            if key not in _trusted(keys):
                raise _foreign(name)
            good = _is_signature(text, key, value)
        case _:
            good = False
    if not good:
        raise _tampered(name)


_PARTS = ("algorithm", "key", "value")


def _is_signature(text: str, key: str, value: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        signature = bytes.fromhex(value)
        Ed25519PublicKey.from_public_bytes(_key(PUBLIC_KEY, key, PUBLIC)).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return signature.hex() == value


def _trusted(keys: Keys) -> tuple[str, ...]:
    """Return the public keys whose plans are applied; who signs trusts oneself."""
    return (*keys.public, _public_of(keys.private)) if keys.private else keys.public


def _public_of(private: str) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(_key(PRIVATE_KEY, private, PRIVATE))
    return PUBLIC + key_text(key.public_key().public_bytes_raw())


def _mac(text: str, key: str) -> str:
    return hmac.digest(key.encode(), f"audiform plan\n{text}".encode(errors="surrogatepass"), "sha256").hex()


def _shared_id(key: str) -> str:
    """Return what tells shared keys apart without giving one away."""
    return digest_text(f"audiform plan key\n{key}")[:16]


def _key(name: str, text: str, prefix: str) -> bytes:
    try:
        return key_bytes(text, prefix)
    except DiagnosticError:
        raise _invalid_key(
            name, f"is not `{prefix}BASE64`: `audiform connectors keygen FILE` makes one"
        ) from None


def _invalid_key(name: str, why: str) -> DiagnosticError:
    text = f"The environment variable {name} holds no key for plans: it {why}. No plan was written, and none applied."
    return DiagnosticError([Diagnostic("invalid-plan-key", text)])


def _unsigned(name: str) -> DiagnosticError:
    text = (
        f"{name} is not signed, and with a key for plans in the environment only signed ones are taken: nobody can tell "
        f"whether it is what was reviewed. {_REMAKE} It has to be made with {SHARED_KEY} or {PRIVATE_KEY}."
    )
    return DiagnosticError([Diagnostic("plan-unsigned", text)])


def _foreign(name: str) -> DiagnosticError:
    text = (
        f"{name} is signed with a key that is not trusted here. Plans are verified with {SHARED_KEY} or "
        f"{PUBLIC_KEY}; it was made by somebody who has another one, or a key was changed since. {_REMAKE}"
    )
    return DiagnosticError([Diagnostic("plan-of-another-key", text)])


def _tampered(name: str) -> DiagnosticError:
    text = f"{name} is not what was signed: it was changed afterwards, or damaged. Nothing of it was done. {_REMAKE}"
    return DiagnosticError([Diagnostic("plan-tampered", text)])
