"""A project whose audience goes to a table, a topic, a stream and files at once, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from adbc_driver_postgresql import dbapi
from confluent_kafka import Producer

from audiform.connectors.auth.basic import basic_header
from audiform.outcome import Request
from audiform.transports.postgresql import _asked, _place
from servers import Database, ObjectStorage

SECRETS = {"username": {"from_env": "DATABASE_USER"}, "password": {"from_env": "DATABASE_PASSWORD"}}
KEYS = {
    "access_key_id": {"from_env": "DATABASE_USER"},
    "secret_access_key": {"from_env": "DATABASE_PASSWORD"},
}


@dataclass
class Project:
    """A project in a folder, and the secrets that its connectors refer to."""

    root: Path
    secrets: Mapping[str, str] = field(repr=False)

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        (self.root / name).write_text(text)

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run a command; return its exit code and what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "audiform", "-C", str(self.root), *arguments],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, **self.secrets},
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path, database: Database, storage: ObjectStorage):
    """Yield a project with 30 people and four connectors."""
    mock = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock", "log_level": 0})
    mock.produce("audience-changes", b"first")
    assert mock.flush(10) == 0
    brokers = ",".join(f"{one.host}:{one.port}" for one in mock.list_topics(timeout=10).brokers.values())
    made = Project(tmp_path, {"DATABASE_USER": database.user, "DATABASE_PASSWORD": database.password})
    rows = "".join(f"c{number},p{number}@example.com,{number}.5\n" for number in range(30))
    made.write("people.csv", f"customer_id,email,ltv\n{rows}")
    made.write("audiform.yaml", 'project: shop\nrequires: ">=0.1"\nstate: {url: "file:.audiform"}\n')
    made.write("buyers.sql", "SELECT * FROM people WHERE ltv < 20")
    people = {"type": "duckdb", "settings": {"tables": {"people": "people.csv"}}}
    connectors: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
        "table": ("postgresql_audience", {"database": database.url}, {"credentials": SECRETS}),
        "topic": ("kafka_audience", {"brokers": f"kafka://{brokers}"}, {}),
        "stream": (
            "amazon_kinesis_audience",
            {"region": storage.region},
            {"credentials": KEYS, "endpoint": storage.url},
        ),
        "files": ("files_audience", {"place": f"{tmp_path.as_uri()}/out", "format": "jsonl"}, {}),
    }
    destinations = {
        "table": {"name": "whole", "description": "Buyers", "columns": {"ltv": "numeric"}},
        "topic": {"topic": "audience-changes"},
        "stream": {"stream": "audience-changes"},
        "files": {"folder": "buyers"},
    }
    body = {
        "sources": {"shop": people},
        "connectors": {
            name: {"type": kind, "settings": settings, **more}
            for name, (kind, settings, more) in connectors.items()
        },
        "audiences": {
            "buyers": {
                "source": "shop",
                "query": {"file": "buyers.sql"},
                "profile_key": "customer_id",
                "identifiers": {"external_id": "customer_id", "email": "email"},
                "variables": {"ltv": "ltv"},
            }
        },
        "bindings": {
            f"by_{name}": {
                "audience": "buyers",
                "connector": name,
                "destination": destination,
                "variables": ["ltv"],
                "on_delete": "delete_destination" if name == "table" else "keep",
            }
            for name, destination in destinations.items()
        },
    }
    made.write("all.yaml", json.dumps(body))
    yield made
    mock.purge()


def test_every_way_at_once_converges(project: Project, database: Database) -> None:
    """What is applied is everywhere, the next plan is empty, and only what changed is sent later."""
    assert 0 == project.run("apply", "--auto-approve")[0]
    assert 0 == project.run("plan", "--detailed-exitcode")[0]
    assert [(20, "0.5", "19.5")] == table(database)

    project.write("buyers.sql", "SELECT * FROM people WHERE ltv BETWEEN 3 AND 25")
    code, said = project.run("apply", "--auto-approve")
    assert (0, True) == (code, "People: +20 -12 ~0." in said), said
    assert 0 == project.run("plan", "--detailed-exitcode")[0]
    assert [(22, "3.5", "24.5")] == table(database)
    files = sorted(project.root.glob("out/buyers/*/*.jsonl"), key=lambda file: file.stat().st_mtime)
    changes = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert (25, 3) == tuple(sum(one["signal"] == signal for one in changes) for signal in ("add", "remove"))
    assert {"shop"} == {one["project"] for one in changes}
    assert {"by_files"} == {one["binding"] for one in changes}


def table(database: Database) -> list[tuple[object, ...]]:
    """Return how many are in the table, and the ends of a computed column."""
    request = Request("GET", f"{database.url}/tables", (basic_header(database.user, database.password),))
    with dbapi.connect(_place(request, _asked(request))) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*), min(ltv)::text, max(ltv)::text FROM whole")
        return cursor.fetchall()
