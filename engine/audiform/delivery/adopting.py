"""Members of an imported object: counted against the audience, and written to the ledger as added by the binding."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audiform.audiences.desired import named_sql
from audiform.audiences.selection import Column, Selection, form_of
from audiform.connectors.manifest import Manifest
from audiform.runtime import Runtime
from audiform.state.ledger import Form, LedgerSession, Part, destination_key
from audiform.state.store import Record, Run

_GIVEN = "adopted_members"
_TABLE = "audiform.adopted"


@dataclass(frozen=True, slots=True)
class Listed:
    """Who is in an object: values as sent of the identifier that names a member. `unreadable`: entries without one."""

    values: tuple[str, ...] = field(repr=False)
    unreadable: int = 0


def adopted(session: LedgerSession, manifest: Manifest, listed: Listed) -> str:
    """Make the table of the listed members as the ledger knows members, and return its name."""
    import pyarrow as pa

    arrow: Any = pa
    key = manifest.identity
    session.connection.register(
        _GIVEN, arrow.table({f"id:{key}": arrow.array(listed.values, arrow.string())})
    )
    query = named_sql(_alone(manifest), f"SELECT * FROM {_GIVEN}", session.digest)
    session.connection.execute(f"CREATE OR REPLACE TABLE {_TABLE} AS {query}")
    session.connection.unregister(_GIVEN)
    return _TABLE


def adopt(runtime: Runtime, record: Record, manifest: Manifest, listed: Listed) -> int:
    """Write the members of a binding's object as added by it; return how many. Done again, it is the same."""
    key = destination_key(record.body["connector"], record.body["destination_id"])
    session = runtime.ledger.open(write=True)
    try:
        # What an interrupted import has left: who is there now counts, and whose members they are nobody knows.
        runtime.store.drop_watermark(record.address.name)
        session.drop(key, record.address.name)
        if not listed.values:
            return 0
        run = Run(uuid.uuid4().hex, record.address.name, key, {}, runtime.clock())
        forms: Mapping[str, Form] = {manifest.identity: form_of(manifest, manifest.identity)}
        count = session.stage(run, Part.CLAIM, f"SELECT * FROM {adopted(session, manifest, listed)}", forms)
        runtime.store.begin_run(run)
        session.fold(run, [])
        runtime.store.end_run(run.id)
        return count
    finally:
        session.close()


def _alone(manifest: Manifest) -> Selection:
    """Return a selection of nothing but what names a member."""
    key = manifest.identity
    return Selection("", manifest, "", None, {key: Column(column=key, region=None)}, {}, {}, {})
