"""A small shop's project in a folder, its platforms in a sandbox, and a way to run commands as a user does."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from audiform.cli.main import run
from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.sandbox.serve import Sandbox
from audiform.state.local.store import local_store
from audiform.state.tables.store import TableStore
from whole.shop import hurried_type

CONNECTORS: Mapping[str, Mapping[str, Any]] = {
    "ads": {
        "type": "meta_custom_audiences",
        "settings": {"ad_account_id": "1"},
        "credentials": "access_token",
    },
    "mail": {"type": "klaviyo_lists", "settings": {}, "credentials": "private_key"},
}
QUERY = "SELECT number, email, consent::BOOLEAN AS consent, score::INTEGER AS score FROM people"
_FILTERS = (
    (re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?(\+00:00|Z)?"), "<moment>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<sandbox>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"#[0-9a-f]{8}\b"), "#<lineage>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<digest>"),
    (re.compile(r"audiform \d+\.\d+[^\s\"]*"), "audiform <version>"),
    (re.compile(r"\(pid \d+\)"), "(pid <pid>)"),
)


@dataclass(frozen=True)
class Said:
    """What a command ended with, and what it said where."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit code {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"

    @property
    def data(self) -> Any:
        """What it printed as JSON."""
        return json.loads(self.out)


@dataclass
class Shell:
    """A project's folder and its platforms. Run commands with `shell("plan", "--json")`."""

    root: Path
    sandbox: Sandbox
    capture: pytest.CaptureFixture[str]
    bindings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __call__(self, *arguments: str) -> Said:
        """Run one command in the project and return what a user sees, times and paths filtered."""
        self.capture.readouterr()
        code = run(["-C", str(self.root), *arguments])
        found = self.capture.readouterr()
        return Said(int(code), self._filtered(found.out), self._filtered(found.err))

    def people(self, *scores: int, without_consent: Iterable[int] = ()) -> None:
        """Write the people of the source: one for each score, numbered from 1."""
        out = set(without_consent)
        rows = [
            (number, f"person{number}@example.com", number not in out, score)
            for number, score in enumerate(scores, 1)
        ]
        with (self.root / "people.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("number", "email", "consent", "score"), *rows])

    def bind(self, name: str, connector: str = "ads", **body: Any) -> None:
        """Write a binding of the audience `buyers`, beside those that there are."""
        destination = {"name": name.replace("_", " ").capitalize()}
        given = {"audience": "buyers", "connector": connector, "destination": destination}
        self.bindings[name] = {**given, "on_delete": "remove_members", **body}
        self.write(bindings=self.bindings)

    def unbind(self, name: str) -> None:
        """Take a binding out of the YAML."""
        del self.bindings[name]
        self.write(bindings=self.bindings)

    def write(self, **sections: Any) -> None:
        """Write sections, each in a file of its own."""
        for name, body in sections.items():
            (self.root / f"{name}.yaml").write_text(json.dumps({name: body}, indent=1), encoding="utf-8")

    def store(self) -> TableStore:
        """Return the project's state; who opens it closes it."""
        return local_store(self.root / ".audiform" / "default", "audiform -e default state unlock")

    def members(self, connector: str, name: str) -> Any:
        """Return who is in the only object of this name."""
        return self.sandbox.members(connector, name)

    def objects(self, connector: str) -> list[str]:
        """Return the names of what a platform has."""
        return [one.attributes["name"] for one in self.sandbox.destinations(connector)]

    def _filtered(self, text: str) -> str:
        text = text.replace(str(self.root), "<project>")
        for pattern, name in _FILTERS:
            text = pattern.sub(name, text)
        return text


def make_project(root: Path, sandbox: Sandbox) -> None:
    """Write a project without bindings whose connectors lead to the sandbox."""
    (root / "audiform.yaml").write_text("project: shop\n", encoding="utf-8")
    (root / "secret.txt").write_text("any-secret-will-do", encoding="utf-8")
    (root / "secret.txt").chmod(0o600)
    connectors = {
        name: {
            "type": hurried_type(root, body["type"]),
            "settings": body["settings"],
            "credentials": {body["credentials"]: {"from_file": "secret.txt"}},
            "endpoint": sandbox.endpoint(name),
        }
        for name, body in CONNECTORS.items()
    }
    audience = {
        "source": "shop",
        "query": QUERY,
        "profile_key": "number",
        "identifiers": {"email": "email"},
        "variables": {"score": "score"},
        "consent": "consent",
    }
    sections = {
        "sources": {"shop": {"type": "duckdb", "settings": {"tables": {"people": "people.csv"}}}},
        "connectors": connectors,
        "audiences": {"buyers": audience},
    }
    for name, body in sections.items():
        (root / f"{name}.yaml").write_text(json.dumps({name: body}, indent=1), encoding="utf-8")


def services() -> dict[str, ConnectorType]:
    """Return what the sandbox serves: each connector's type under the connector's name."""
    return {
        name: Catalog().get(body["type"]).configured(body["settings"]) for name, body in CONNECTORS.items()
    }
