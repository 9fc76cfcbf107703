"""Signatures of custom connector types: who made what, so that nobody else changes where people are sent.

`signature.yaml` in the type's folder names each file with its digest, the key, and the signature (Ed25519) over the
type's name and those digests. A file that was changed, added or taken away is told apart from a wrong signature.
Keys are texts: `ed25519:BASE64` is the public one, which a project trusts; `ed25519-private:BASE64` signs.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from audiform.connectors.aliases import parse
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.hashing import canonical

FILE = "signature.yaml"
PUBLIC, PRIVATE = "ed25519:", "ed25519-private:"
_HEAD = "# Written by `audiform connectors sign`. A changed file makes it void: sign again.\n"


class Signature(BaseModel):
    """`signature.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    files: Mapping[str, str]
    signature: str


def new_key() -> tuple[str, str]:
    """Return a new private key and its public one."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    return PRIVATE + key_text(key.private_bytes_raw()), PUBLIC + key_text(public)


def sign(folder: Path, private: str) -> str:
    """Write the signature of the type in `folder`; return the public key that it is verified with.

    Raises:
        DiagnosticError: `private` is no private key, or the folder holds a link.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(key_bytes(private.strip(), PRIVATE))
    public, files = PUBLIC + key_text(key.public_key().public_bytes_raw()), _files(folder)
    made = key_text(key.sign(_message(folder.name, files)))
    lines = [f"key: {public}", "files:", *(f"  {name!r}: {value}" for name, value in files.items())]
    text = _HEAD + "\n".join([*lines, f"signature: {made}"]) + "\n"
    (folder / FILE).write_text(text, encoding="utf-8", newline="\n")
    return public


def problem_of(folder: Path, trusted: Collection[str]) -> Diagnostic | None:
    """Return why the type in `folder` is not what an owner of one of the `trusted` keys has signed, or None."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    signature, name = _read(folder), folder.name
    if isinstance(signature, Diagnostic):
        return signature
    if signature.key not in trusted:
        return _untrusted(name, signature.key, trusted)
    try:
        key = Ed25519PublicKey.from_public_bytes(key_bytes(signature.key, PUBLIC))
        key.verify(base64.b64decode(signature.signature), _message(name, signature.files))
    except (InvalidSignature, binascii.Error, DiagnosticError):
        return _void(name, f"{FILE} was not made with its key, or for another type")
    try:
        changed = list(_changed(signature.files, _files(folder)))
    except DiagnosticError as error:
        return error.diagnostics[0]
    return _void(name, ", ".join(changed)) if changed else None


def _read(folder: Path) -> Signature | Diagnostic:
    path, name = folder / FILE, folder.name
    if not path.is_file():
        text = (
            f"The project's own connector type `{name}` has no signature, and only signed ones are used here. A type says "
            "what is sent, and where to, so only its owners may change it."
        )
        return Diagnostic(
            "custom-connector-unsigned", text, hint=f"audiform connectors sign {name} --key FILE"
        )
    try:
        return Signature.model_validate(parse(path.read_text(encoding="utf-8")))
    except (ValidationError, ValueError):
        return _void(name, f"{FILE} is not what `audiform connectors sign` writes")


def _changed(signed: Mapping[str, str], there: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(signed.keys() | there.keys()):
        if name not in there:
            yield f"`{name}` was taken away"
        elif name not in signed:
            yield f"`{name}` was added"
        elif signed[name] != there[name]:
            yield f"`{name}` was changed"


def _files(folder: Path) -> dict[str, str]:
    """Return path -> digest of each file of the type, the signature and hidden files left out."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise DiagnosticError(
                [_void(folder.name, f"`{name}` is a link: what it leads to cannot be signed")]
            )
        hidden = any(part.startswith(".") for part in Path(name).parts)
        if path.is_file() and name != FILE and not hidden:
            found[name] = sha256(path.read_bytes()).hexdigest()
    return found


def _message(name: str, files: Mapping[str, str]) -> bytes:
    return canonical({"audiform": "connector type", "type": name, "files": dict(files)}).encode()


def _void(name: str, why: str) -> Diagnostic:
    text = (
        f"The connector type `{name}` is not what was signed: {why}. It is not used, because nobody who may has agreed to "
        "what it sends now."
    )
    hint = f"look at the change; then: audiform connectors sign {name} --key FILE"
    return Diagnostic("custom-connector-changed", text, hint=hint)


def _untrusted(name: str, key: str, trusted: Collection[str]) -> Diagnostic:
    known = ", ".join(f"`{item}`" for item in sorted(trusted)) or "none"
    text = f"The connector type `{name}` is signed by `{key}`, and `policy.trusted_keys` in audiform.yaml names {known}."
    return Diagnostic(
        "custom-connector-untrusted", text, hint="let an owner of the project add the key, if it is theirs"
    )


def key_text(data: bytes) -> str:
    """Return bytes as a key or a signature is written, without its prefix."""
    return base64.b64encode(data).decode()


def key_bytes(text: str, prefix: str) -> bytes:
    """Return the bytes of a key with this prefix.

    Raises:
        DiagnosticError: it is none (`invalid-key`).
    """
    try:
        data = base64.b64decode(text.removeprefix(prefix), validate=True) if text.startswith(prefix) else b""
    except binascii.Error:
        data = b""
    if len(data) != 32:  # noqa: PLR2004 - what an Ed25519 key has
        what = f"This is no key such as `{prefix}BASE64`: `audiform connectors keygen FILE` makes one."
        raise DiagnosticError([Diagnostic("invalid-key", what)])
    return data
