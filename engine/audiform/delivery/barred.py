"""Who is not sent although the definition names them: rejected before as they are, or forgotten because they asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audiform.runtime import Runtime
from audiform.state.store import Tombstone


@dataclass(frozen=True, slots=True)
class Barred:
    """`letters`: signal and content of what this binding's platform rejected before. `tombstones`: of all who asked to be forgotten."""

    letters: Sequence[tuple[str, str]] = ()
    tombstones: Sequence[Tombstone] = ()


def barred(runtime: Runtime, binding: str, *, retry_rejected: bool = False) -> Barred:
    """Return who is not sent by a binding; `retry_rejected`: rejected records get another chance."""
    store = runtime.store
    letters = () if retry_rejected else store.rejected(binding)
    return Barred(letters, store.tombstones())
