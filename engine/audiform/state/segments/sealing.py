"""Encrypts what is sent in clear, for the ledger: AES-SIV (RFC 5297), a batch of Arrow columns at a time.

SIV and not GCM: the same value gives the same bytes, so that kept values can be compared without being opened,
and no nonce can be used twice. All that it tells is that two values are equal, which their identity tells as well.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

_PURPOSE = b"audiform ledger: identifiers at rest"


class Sealer:
    """Seals and opens with a key derived from the ledger's: the state's, or the one of the environment."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        self._cipher = AESSIV(hmac.digest(key, _PURPOSE, "sha512"))

    def sealed(self, reader: Any, columns: Mapping[str, str]) -> Any:
        """Return an Arrow reader of the same rows with `columns` (old name -> new name) encrypted."""
        return _mapped(reader, columns, "binary", self.seal)

    def opened(self, reader: Any, columns: Mapping[str, str]) -> Any:
        """Return an Arrow reader of the same rows with `columns` (old name -> new name) decrypted."""
        return _mapped(reader, columns, "string", self._open)

    def seal(self, value: str) -> bytes:
        """Return one value encrypted, as its columns are."""
        return self._cipher.encrypt(value.encode(), None)

    def _open(self, value: bytes) -> str:
        return self._cipher.decrypt(value, None).decode()


def _mapped(
    reader: Any, columns: Mapping[str, str], kind: Literal["binary", "string"], change: Callable[[Any], Any]
) -> Any:
    """Return a reader of the same rows; only the values of `columns` become Python objects, batch by batch."""
    import pyarrow as pa

    arrow: Any = pa
    changed = arrow.binary() if kind == "binary" else arrow.string()
    fields = [
        arrow.field(columns[field.name], changed) if field.name in columns else field
        for field in reader.schema
    ]
    schema = arrow.schema(fields)

    def batches() -> Iterator[Any]:
        for batch in reader:
            arrays = [
                arrow.array(
                    [None if value is None else change(value) for value in array.to_pylist()], changed
                )
                if name in columns
                else array
                for name, array in zip(batch.schema.names, batch.columns, strict=True)
            ]
            yield arrow.record_batch(arrays, schema=schema)

    return arrow.RecordBatchReader.from_batches(schema, batches())
