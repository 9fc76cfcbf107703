"""The README of each connector type says what a user needs, and its example is right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml12

from audiform.check import check
from audiform.config.event_kinds import EventConnector, EventSource
from audiform.config.kinds import Audience, Binding, Connector, EnvironmentFile, Policy, State
from audiform.config.project import Environment, Project
from audiform.connectors.catalog import Catalog, ConnectorType

TYPES = [Catalog().get(name) for name in Catalog().names()]
SECTIONS = [
    "Settings",
    "Credentials, and how to get them",
    "Example",
    "Limits",
    "Errors, and what to do",
    "What cannot be done there",
    "Verified",
]
HOST = re.compile(r"[\w.-]+\.example\.com|(?<=s3://)[\w.-]+")
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)


def text_of(kind: ConnectorType) -> str:
    """Return the README of a type."""
    return (kind.folder / "README.md").read_text(encoding="utf-8")


def project_of(data: dict[str, Any]) -> Project:
    """Return a project with what a README's example has, and an audience that knows everything of its people."""
    identifiers = {"email", "phone", "external_id", "mobile_advertising_id"}
    bindings = {name: Binding.model_validate(body) for name, body in data.get("bindings", {}).items()}
    variables = {name for binding in bindings.values() for name in binding.variables or ()}
    audience = Audience(
        source="shop",
        query="SELECT 1",
        profile_key="id",
        identifiers={name: name for name in identifiers},
        variables={name: name for name in variables},
    )
    return Project(
        root=Path(),
        name="shop",
        environment=Environment("live", EnvironmentFile()),
        state=State.model_validate({}),
        policy=Policy(allowed_hosts=tuple(set(HOST.findall(str(data))))),
        sources={},
        connectors={
            name: Connector.model_validate(body) for name, body in data.get("connectors", {}).items()
        },
        audiences={binding.audience: audience for binding in bindings.values()},
        bindings=bindings,
        digests={},
        event_sources={
            name: EventSource.model_validate(body) for name, body in data.get("event_sources", {}).items()
        },
        event_connectors={
            name: EventConnector.model_validate(body)
            for name, body in data.get("event_connectors", {}).items()
        },
    )


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_it_has_every_section(kind: ConnectorType) -> None:
    """Each README has the same sections in the same order, and may have more between them."""
    found = re.findall(r"^## (.*)$", text_of(kind), re.MULTILINE)

    assert SECTIONS == [section for section in found if section in SECTIONS]


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_its_example_validates(kind: ConnectorType) -> None:
    """What a user copies is accepted, and it is about the type."""
    blocks = BLOCK.findall(text_of(kind))
    example: Any = yaml12.parse_yaml(blocks[0])

    section = "event_connectors" if kind.manifest.kind == "event" else "connectors"
    assert {kind.name} == {connector["type"] for connector in example[section].values()}
    assert example["event_sources" if kind.manifest.kind == "event" else "bindings"]
    assert [] == [item.detail for item in check(project_of(example), Catalog())]


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_it_names_every_setting_and_credential(kind: ConnectorType) -> None:
    """Nothing that can be configured is left to be guessed."""
    names = {*kind.manifest.settings.get("properties", {}), *kind.manifest.credentials.get("properties", {})}
    text = text_of(kind)

    assert set() == {name for name in names if f"`{name}`" not in text}
