"""The published schemas: up to date, valid by themselves, and of one mind with `validate` about real projects."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml12

from audiform.bundled import bundled
from audiform.schemas.published import NAMES, file_name, schema, text, write_all

CORPUS = Path(__file__).parent.parent / "config" / "corpus"
EXAMPLES = sorted(
    file for file in bundled().joinpath("examples").rglob("*.yaml") if "connectors" not in file.parts[-4:-1]
)
MANIFESTS = sorted(
    [
        *bundled().joinpath("connectors").glob("*/manifest.yaml"),
        *bundled().joinpath("examples").glob("*/connectors/*/manifest.yaml"),
    ]
)
WRONG = {
    "resources": [
        "unknown_fields/bindings.yaml",
        "secrets_in_clear/connectors.yaml",
        "wrong_types/bindings.yaml",
    ],
    "environment": ["environment_broken/environments/test.yaml"],
    "project": ["project_file_broken/audiform.yaml"],
}


def problems(name: str, file: Path) -> list[str]:
    """Return what a schema says against a YAML file."""
    validator = jsonschema.Draft202012Validator(schema(name))
    data = yaml12.parse_yaml(file.read_text(encoding="utf-8"))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(data)]


def schema_of(file: Path) -> str:
    """Return the name of the schema of a project's file."""
    if file.name == "audiform.yaml":
        return "project"
    return "environment" if file.parent.name == "environments" else "resources"


@pytest.mark.parametrize("name", NAMES)
def test_committed_schemas_are_up_to_date(name):
    """The files under schemas/ are what the models and manifests say now; `make schemas` writes them."""
    committed = bundled() / "schemas" / file_name(name)

    assert text(name) == committed.read_text(encoding="utf-8"), "run `make schemas` and commit the result"


def test_nothing_else_is_published():
    """A schema that is no longer made does not stay behind."""
    kept = {file.name for file in bundled().joinpath("schemas").iterdir()}

    assert {file_name(name) for name in NAMES} == kept


@pytest.mark.parametrize("name", NAMES)
def test_schemas_are_schemas(name):
    """Each is a valid JSON Schema, says what it is, and is laid out without a loss."""
    made = schema(name)
    jsonschema.Draft202012Validator.check_schema(made)

    assert made == json.loads(text(name))
    assert made["title"].startswith("Audiform")


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: "/".join(file.parts[-3:]))
def test_examples_fit(file):
    """An editor shows no problem in a file of an example that `validate` takes."""
    assert [] == problems(schema_of(file), file)


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.parent.name)
def test_manifests_fit(file):
    """An editor shows no problem in a shipped manifest."""
    assert [] == problems("connector-manifest", file)


@pytest.mark.parametrize(
    ("name", "file"), [(name, file) for name, files in WRONG.items() for file in files], ids=str
)
def test_mistakes_are_shown(name, file):
    """An editor shows what `validate` refuses."""
    assert [] != problems(name, CORPUS / file)


@pytest.mark.parametrize(
    ("connector", "allowed"),
    [
        ({"settings": {"ad_account_id": "1"}}, True),
        ({"settings": {"ad_account_id": "{{ values.account }}"}}, True),
        ({"settings": "{{ values.settings }}"}, False),
        ({"settings": {"ad_acount_id": "1"}}, False),
        ({"settings": {"ad_account_id": "act_1"}}, False),
        ({"settings": {"ad_account_id": "1"}, "enabled": "{{ values.on }}"}, True),
        ({"settings": {"ad_account_id": "1"}, "enabled": "yes"}, False),
        ({"settings": {"ad_account_id": "1"}, "credentials": {"access_token": "secret"}}, False),
        ({"settings": {"ad_account_id": "1"}, "credentials": {"token": {"from_env": "X"}}}, False),
        ({"settings": {"ad_account_id": "1"}, "for_each": ["de", "fr"]}, True),
        ({}, False),
        ({"type": "their_own", "settings": {"anything": 1}}, True),
    ],
)
def test_the_type_decides_what_a_connector_takes(connector, allowed):
    """Settings and credentials are those of the type's manifest; a type of the project's own takes any."""
    body = {"type": "meta_custom_audiences", "credentials": {"access_token": {"from_env": "X"}}, **connector}
    validator = jsonschema.Draft202012Validator(schema("resources"))

    assert allowed is validator.is_valid({"connectors": {"ads_eu": body}})


def test_all_are_written(tmp_path):
    """`make schemas` writes each schema to its file."""
    written = write_all(tmp_path / "schemas")

    assert [file_name(name) for name in NAMES] == [file.name for file in written]
