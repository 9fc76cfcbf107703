"""The key of the ledger's identifiers that does not lie beside them: from the environment, and changed by a rekey.

    AUDIFORM_LEDGER_KEY      a secret of 32 characters or more: what is sent in clear is kept encrypted with it
    AUDIFORM_LEDGER_KEY_OLD  the one before, while `audiform state rekey` changes it

Without it the state's key encrypts. Only what is encrypted depends on it: keyed digests stay with the state's key,
because people could not be compared across a change. The state records which key it is, never the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.hashing import digest_text

CURRENT: Final = "AUDIFORM_LEDGER_KEY"
OLD: Final = "AUDIFORM_LEDGER_KEY_OLD"
_SHORTEST: Final = 32
_NOTHING: Final = "Nothing was read or sent."


@dataclass(frozen=True, slots=True)
class LedgerKeys:
    """What the environment holds; empty where it holds none."""

    current: str = field(default="", repr=False)
    old: str = field(default="", repr=False)


NO_KEYS: Final = LedgerKeys()
"""The state's key encrypts."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a state records of its ledger's key: the `key_id` of the one that everything is encrypted with.

    `next`: the one of a rekey that did not end, so that some of it is encrypted with that one already.
    """

    key: str = ""
    next: str | None = None


def ledger_keys(environment: Mapping[str, str]) -> LedgerKeys:
    """Return the keys that the environment variables hold.

    Raises:
        DiagnosticError: one is too short to be a key (`invalid-ledger-key`).
    """
    keys = LedgerKeys(environment.get(CURRENT, ""), environment.get(OLD, ""))
    for name, key in ((CURRENT, keys.current), (OLD, keys.old)):
        if key and len(key) < _SHORTEST:
            text = f"The environment variable {name} is shorter than {_SHORTEST} characters. {_NOTHING}"
            raise DiagnosticError([Diagnostic("invalid-ledger-key", text, hint="openssl rand -hex 32")])
    return keys


def key_id(key: str) -> str:
    """Return what tells keys apart without giving one away; empty for the state's own."""
    return digest_text(f"audiform ledger key\n{key}")[:16] if key else ""


def sealing_key(keys: LedgerKeys, recorded: Sealed, state_key: bytes) -> bytes:
    """Return the key that opens what is kept, and encrypts what is added.

    Raises:
        DiagnosticError: it is not what the environment holds (`ledger-key-missing`, `ledger-key-wrong`,
            `ledger-not-rekeyed`), or a change of keys did not end (`ledger-rekey-unfinished`).
    """
    if recorded.next is not None:
        raise _unfinished()
    if recorded.key != key_id(keys.current):
        raise _another(keys, recorded)
    return keys.current.encode() or state_key


def old_key(keys: LedgerKeys, recorded: Sealed, state_key: bytes) -> bytes:
    """Return the key that opens what a rekey finds, and see that the new one is what it was begun with.

    Raises:
        DiagnosticError: `ledger-key-missing`, `ledger-key-wrong`, `ledger-rekey-unfinished`.
    """
    if not keys.current:
        text = (
            f"{CURRENT} is not set, and a rekey encrypts the ledger with what it holds. Nothing was changed."
        )
        raise DiagnosticError([Diagnostic("ledger-key-missing", text, hint="openssl rand -hex 32")])
    if recorded.next not in (None, key_id(keys.current)):
        raise _unfinished()
    known = {key_id(key): key.encode() for key in (keys.current, keys.old) if key} | {"": state_key}
    if recorded.key not in known:
        text = (
            f"The ledger is encrypted with a key that {OLD} does not hold, and only with that one can it be encrypted anew. "
            f"Set {OLD} to the key of before. Nothing was changed."
        )
        raise DiagnosticError([Diagnostic("ledger-key-wrong" if keys.old else "ledger-key-missing", text)])
    return known[recorded.key]


def _another(keys: LedgerKeys, recorded: Sealed) -> DiagnosticError:
    if not recorded.key:
        text = (
            f"{CURRENT} is set, and the ledger is encrypted with the key that lies beside the state. Encrypt it anew once with "
            f"`audiform state rekey`. {_NOTHING}"
        )
        return DiagnosticError([Diagnostic("ledger-not-rekeyed", text)])
    if not keys.current:
        text = f"The ledger is encrypted with a key that {CURRENT} held, and it is not set here. {_NOTHING}"
        return DiagnosticError([Diagnostic("ledger-key-missing", text)])
    text = (
        f"{CURRENT} holds another key than the one that the ledger is encrypted with. Set the right one; to change it, run "
        f"`audiform state rekey` with the new one there and the old one in {OLD}. {_NOTHING}"
    )
    return DiagnosticError([Diagnostic("ledger-key-wrong", text)])


def _unfinished() -> DiagnosticError:
    text = (
        "A change of the ledger's key did not end: some of it is encrypted with the old key and some with the new one. "
        f"Run `audiform state rekey` again with the same {CURRENT} and {OLD}; it goes on where it was. {_NOTHING}"
    )
    return DiagnosticError([Diagnostic("ledger-rekey-unfinished", text)])
