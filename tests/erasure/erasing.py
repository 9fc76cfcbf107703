"""A shop in which somebody is forgotten, in this process or in one that is killed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from apply.killing import Deadly
from audiform.connectors.catalog import Catalog
from audiform.erasure.erase import erase
from audiform.erasure.forms import forms_of
from audiform.erasure.report import Erased
from audiform.erasure.request import read_request
from audiform.erasure.search import search
from audiform.runtime import Runtime
from audiform.state.open import open_ledger, open_store
from audiform.transport import HttpTransport
from audiform.wire import Timing
from delivery.deliveries import Shop, at_once


def forgotten(shop: Shop, text: str, point: int | None = None) -> Erased:
    """Forget whom the request names; killed at a point of the journal, if one is given."""
    store: Any = open_store("file:.audiform", shop.root, "test")
    ledger = open_ledger("file:.audiform", shop.root, "test")
    living = store if point is None else Deadly(store, point)
    runtime = Runtime(
        shop.project(), Catalog(), living, ledger, HttpTransport(), timing=Timing(sleep=at_once)
    )

    async def work() -> Erased:
        forms = forms_of(runtime, read_request(text))
        try:
            return await erase(runtime, forms, search(runtime, forms.keys))
        finally:
            await runtime.transport.close()

    try:
        return asyncio.run(work())
    finally:
        store.close()


def forget_and_die(root: Path, kind: str, endpoint: str, text: str, point: int) -> None:
    """Forget in a process of its own that is killed at a point."""
    forgotten(Shop(root, kind, endpoint, None), text, point)  # type: ignore[arg-type] # not asked there


def traces(shop: Shop, text: str) -> int:
    """Return in how many rows the ledger still has the person."""
    store = open_store("file:.audiform", shop.root, "test")
    ledger = open_ledger("file:.audiform", shop.root, "test")
    runtime = Runtime(shop.project(), Catalog(), store, ledger, HttpTransport())
    keys = forms_of(runtime, read_request(text)).keys
    session = ledger.open(write=False)
    try:
        return sum(session.traces(key, keys) for key in ledger.destinations())
    finally:
        session.close()
        store.close()
