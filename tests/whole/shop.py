"""A project in a folder whose rows and bindings change, and what its platforms hold, in the words of the model."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Mapping
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import yaml

from audiform.bundled import bundled
from audiform.config.load import load
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.sandbox.serve import Sandbox
from audiform.sandbox.world import Destination, Keys
from whole.model import EXTERNAL, NAMED_BY, Binding, Members, Model, Profile

SECRET = "any-secret-will-do"
_MEMBERS = "/lists/${destination.id}/members"
_IN_BATCHES = {"row": {"email": "${row.email}", "phone": "${row.phone}"}, "rows_per_request": 2}
_USER = "/tags/${destination.id}/users/${row.external_id}"
_BY_ITSELF = {"row": {"id": "${row.external_id}", "traits": "${row.variables}"}}
CONNECTORS: Mapping[str, Mapping[str, Any]] = {
    "ads": {
        "type": "meta_custom_audiences",
        "settings": {"ad_account_id": "1"},
        "credentials": ["access_token"],
    },
    "match": {
        "type": "google_data_manager",
        "settings": {"operating_account_id": "1", "customer_match_terms": "ACCEPTED"},
        "credentials": ["client_id", "client_secret", "refresh_token"],
    },
    "mail": {"type": "klaviyo_lists", "settings": {}, "credentials": ["private_key"]},
    "crm": {  # match keys, batches of two, and rejected records named by their place
        "type": "http_audience",
        "settings": {
            "base_url": "https://crm.example.com/api",
            "identity": "each",
            "hash": {"email": "sha256"},
            "errors": {"record_path": "failed", "record_index": "index", "record_message": "why"},
            "add": {
                "request": {"method": "POST", "path": _MEMBERS, "body": {"add": "${rows}"}},
                **_IN_BATCHES,
            },
            "remove": {
                "request": {"method": "POST", "path": _MEMBERS, "body": {"remove": "${rows}"}},
                **_IN_BATCHES,
            },
        },
        "credentials": [],
    },
    "app": {  # our own ids, one person to a request, variables
        "type": "http_audience",
        "settings": {
            "base_url": "https://app.example.com",
            "identity": "external_id",
            "auth": {
                "scheme": "oauth2_client_credentials",
                "token_url": "https://app.example.com/token",
                "client_id": "${credentials.client_id}",
                "client_secret": "${credentials.client_secret}",
            },
            "add": {"request": {"method": "PUT", "path": _USER, "body": "${row}"}, **_BY_ITSELF},
            "modify": {"request": {"method": "PATCH", "path": _USER, "body": "${row}"}, **_BY_ITSELF},
            "remove": {"request": {"method": "DELETE", "path": _USER}, "row": {"id": "${row.external_id}"}},
        },
        "credentials": ["client_id", "client_secret"],
    },
}
_QUERY = """
SELECT number, email::VARCHAR AS email, phone::VARCHAR AS phone, consent::BOOLEAN AS consent, score::INTEGER AS score
FROM people WHERE contains(audiences::VARCHAR, '{name}')
"""


HURRIED = {
    "spark.sql.shuffle.partitions": 2,
    "spark.sql.adaptive.enabled": False,
    "spark.sql.codegen.wholeStage": False,
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.memory": "600m",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
"""For a few hundred people: what Spark does to be fast with millions takes it most of the time here."""
ON_SPARK: Mapping[str, Any] = {"type": "spark", "master": "local[2,2]", "settings": HURRIED}
ON_ENGINE: Mapping[str, Mapping[str, Any]] = {"spark": {"engine": ON_SPARK}}
"""`AUDIFORM_ENGINE=spark` lets every sequence and every fault happen on executors."""


def write_project(
    root: Path, url: str | None = None, *, hurried: bool = False, state: str | None = None
) -> None:
    """Write a project without bindings and rows.

    `url`: the sandbox that stands in for the platforms. `hurried`: types of the project's own, like the shipped
    ones but for the time that they take. `state`: the URL of where it is kept, if that is not a folder.
    """
    (root / "secret.txt").write_text(SECRET, encoding="utf-8")
    (root / "secret.txt").chmod(0o600)
    hosts = ["crm.example.com", "app.example.com"]
    kept = {
        **({"state": {"url": state}} if state else {}),
        **ON_ENGINE.get(os.environ.get("AUDIFORM_ENGINE", ""), {}),
    }
    _write(root / "audiform.yaml", {"project": "whole", "policy": {"allowed_hosts": hosts}, **kept})
    connectors = {name: _connector(name, url) for name in CONNECTORS}
    if hurried:
        for body in connectors.values():
            body["type"] = hurried_type(root, body["type"])
    _write(root / "connectors.yaml", {"connectors": connectors})
    _write(root / "audiences.yaml", {"audiences": {name: _audience(name) for name in "ab"}})
    write_bindings(root, {})
    write_people(root, {}, parquet=True)


def _connector(name: str, url: str | None) -> dict[str, Any]:
    body = CONNECTORS[name]
    secrets = {each: {"from_file": "secret.txt"} for each in body["credentials"]}
    return {**body, "credentials": secrets, **({"endpoint": f"{url}/{name}"} if url else {})}


def hurried_type(root: Path, shipped: str) -> str:
    """Make a type of the project's own that waits for nothing; return its name."""
    text = (bundled() / "connectors" / shipped / "manifest.yaml").read_text(encoding="utf-8")
    text = re.sub(r"interval_seconds: [\d.]+", "interval_seconds: 0.01", text)
    text = re.sub(r"requests_per_second: [\d.]+", "requests_per_second: 1000", text)
    folder = root / "connectors" / f"hurried_{shipped}"
    folder.mkdir(parents=True, exist_ok=True)
    # As JSON, which is YAML without aliases: those take the longest to read.
    _write(folder / "manifest.yaml", yaml.safe_load(text))
    return folder.name


def write_bindings(root: Path, bindings: Mapping[str, Binding]) -> None:
    """Write what is defined now."""
    _write(root / "bindings.yaml", {"bindings": {name: _binding(one) for name, one in bindings.items()}})


def write_people(root: Path, people: Mapping[int, Profile], *, parquet: bool) -> None:
    """Write the rows anew, in a file of either kind."""
    names = ["number", *(one.name for one in fields(Profile))]
    rows = [[number, *astuple(profile)] for number, profile in sorted(people.items())]
    file = root / ("people.parquet" if parquet else "people.csv")
    if parquet:
        _write_parquet(file, names, rows)
    else:
        with file.open("w", encoding="utf-8", newline="") as text:
            csv.writer(text).writerows([names, *rows])
    _write(
        root / "sources.yaml",
        {"sources": {"shop": {"type": "duckdb", "settings": {"tables": {"people": file.name}}}}},
    )


def loaded(root: Path) -> tuple[Project, Catalog]:
    """Return the project, which must have no problem."""
    project, diagnostics = load(root, None)
    assert [] == [f"{one.code}: {one.detail}" for one in diagnostics]
    assert project is not None
    return project, Catalog(root)


def services(root: Path) -> dict[str, ConnectorType]:
    """Return what a sandbox must serve: each connector's type under the connector's name."""
    project, catalog = loaded(root)
    return {name: catalog.get(one.type).configured(one.settings) for name, one in project.connectors.items()}


def differences(model: Model, sandbox: Sandbox) -> list[str]:
    """Return in words where the platforms hold something else than the model says."""
    found: list[str] = []
    for connector in CONNECTORS:
        wanted = sorted(expected(connector, model), key=str)
        there = sorted(objects(connector, sandbox, model), key=str)
        for one in [*wanted]:
            if one in there:
                wanted.remove(one)
                there.remove(one)
        found += [f"{connector} should have {title!r} with {members}" for title, members in wanted]
        found += [f"{connector} has {title!r} with {members}" for title, members in there]
    return found


def expected(connector: str, model: Model) -> list[tuple[str, Members]]:
    """Return title and members of each object; an external one without members is none."""
    remotes = [one for one in model.remotes if one.connector == connector]
    found = [
        (one.title, {key: score for key, score in one.members.items() if key not in one.doubtful})
        for one in remotes
    ]
    return [(title, members) for title, members in found if members or connector not in EXTERNAL]


def objects(connector: str, sandbox: Sandbox, model: Model) -> list[tuple[str, Members]]:
    """Return title and members of each object that the platform has; an external one without members is none."""
    found = sandbox.destinations(connector)
    if connector in EXTERNAL:
        doubtful = {one.title: one.doubtful for one in model.remotes if one.connector == connector}
        certain = [
            (
                one.id,
                {
                    key: score
                    for key, score in members_of(connector, one).items()
                    if key not in doubtful.get(one.id, ())
                },
            )
            for one in found
        ]
        return [(title, members) for title, members in certain if members]
    return [described(connector, one) for one in found]


def described(connector: str, destination: Destination) -> tuple[str, Members]:
    """Return title and members of an object."""
    return destination.attributes["name"], members_of(connector, destination)


def members_of(connector: str, destination: Destination) -> Members:
    """Return the members of an object."""
    members = destination.members
    if isinstance(members, Keys):
        return {(name, value): None for name, values in members.values.items() for value in values}
    people: Mapping[str, Any] = members.as_json()
    return {(NAMED_BY[connector], key): one["variables"].get("score") for key, one in people.items()}


def _audience(name: str) -> dict[str, Any]:
    return {
        "source": "shop",
        "query": _QUERY.format(name=name),
        "profile_key": "number",
        "identifiers": {
            "email": "email",
            "phone": {"column": "phone", "region": "US"},
            "external_id": "number",
        },
        "variables": {"score": "score"},
        "consent": "consent",
    }


def _binding(binding: Binding) -> dict[str, Any]:
    title = "external_id" if binding.connector in EXTERNAL else "name"
    return {
        "audience": binding.audience,
        "connector": binding.connector,
        "destination": {title: binding.title},
        "on_delete": binding.on_delete,
        "enabled": binding.enabled,
        "guards": {"allow_empty": True},
    }


def _write(file: Path, value: Any) -> None:
    """Write YAML, of which JSON is a part; a date is a text there."""
    file.write_text(json.dumps(value, indent=1, default=str), encoding="utf-8")


def _write_parquet(file: Path, names: list[str], rows: list[list[Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = [pa.int64(), pa.string(), pa.string(), pa.bool_(), pa.int64(), pa.string()]
    columns = [pa.array([row[place] for row in rows], kind) for place, kind in enumerate(types)]
    pq.write_table(pa.table(columns, names=names), file)
