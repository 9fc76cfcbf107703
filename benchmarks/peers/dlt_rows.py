"""dlt with its own parts: the filesystem source, `add_map`, a custom destination that is given rows.

As its documentation shows them: https://dlthub.com/docs/dlt-ecosystem/destinations/destination and
https://dlthub.com/docs/dlt-ecosystem/verified-sources/filesystem. `dlt_rows.py URL FILE`.
"""

import hashlib
import sys
from pathlib import Path

import dlt
import requests
from dlt.sources.filesystem import filesystem, read_parquet

BATCH = 10_000
URL, FILE = sys.argv[1], Path(sys.argv[2])
SESSION = requests.Session()


@dlt.destination(name="ads", batch_size=BATCH)
def ads(items, table):
    """Post one batch."""
    payload = {"payload": {"schema": ["EMAIL"], "data": [[person["email"]] for person in items]}}
    SESSION.post(URL, json=payload, timeout=60).raise_for_status()


def hashed(person):
    """Return what the platform is to know of a person."""
    return {"email": hashlib.sha256(person["email"].strip().lower().encode()).hexdigest()}


people = filesystem(bucket_url=str(FILE.parent), file_glob=FILE.name) | read_parquet(chunksize=BATCH)
dlt.pipeline("people", destination=ads).run(people.add_map(hashed).with_name("people")).raise_on_failed_jobs()
