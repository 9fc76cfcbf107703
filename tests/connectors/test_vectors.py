"""What platforms publish about normalising and hashing holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.connectors.identifiers import normalize, normalized
from audiform.connectors.vectors import check_vectors, read_vectors
from audiform.diagnostics import DiagnosticError

TYPES = [Catalog().get(name) for name in Catalog().names()]

SHARED = {
    "meta": (
        "meta_custom_audiences",
        {"em": "email", "ph": "phone", "fn": "first_name", "ct": "city", "st": "state", "zp": "postal_code"},
    ),
    "google_datamanager": ("google_data_manager", {"email_address": "email", "phone_number": "phone"}),
}
"""Platform of the shared vectors -> type, and its field -> identifier where they are not called the same."""

MANIFEST = """
manifest: 1
title: CRM
kind: server_to_server
category: crm
api_version: "1"
checked: 2026-01-01
documentation: https://crm.example.com
settings: {type: object}
credentials: {type: object}
base_url: https://crm.example.com
identity: email
identifiers: {email: {field: e, normalize: [trim, lower], hash: md5}}
destination: {attributes: {type: object}}
signals: {add: {request: {method: POST, path: /a, body: "{{ rows }}"}, row: {e: "{{ row.email }}"}}}
"""


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_the_vectors_of_a_type_hold(kind: ConnectorType) -> None:
    """Each published example is normalised and sent as the platform says."""
    assert () == check_vectors(kind.manifest, read_vectors(kind.folder, kind.name), kind.name)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_a_type_that_hashes_has_vectors(kind: ConnectorType) -> None:
    """Where a hash of another form would match nobody in silence, published examples are held."""
    hashes = any(identifier.hash != "none" for identifier in kind.manifest.identifiers.values())

    assert not hashes or read_vectors(kind.folder, kind.name)


def test_the_shared_vectors_hold(shared: Path) -> None:
    """The vectors that were collected for all platforms hold for those that there is a type for."""
    vectors = json.loads((shared / "normalisation_vectors.json").read_text(encoding="utf-8"))
    tried = 0
    for vector in vectors:
        name, identifiers = SHARED.get(vector["platform"], (None, {}))
        identifier_name = identifiers.get(vector["field"], vector["field"])
        manifest = Catalog().get(name).manifest if name else None
        if manifest is None or identifier_name not in manifest.identifiers:
            continue
        identifier = manifest.identifiers[identifier_name]
        region = "US" if "phone" in identifier_name else None
        sent = normalize(identifier, vector["input"], region=region, already_hashed=False)
        assert vector["normalised"] == normalized(identifier, vector["input"], region)
        assert (vector["sha256_hex"] if identifier.hash == "sha256" else vector["normalised"]) == sent
        tried += 1

    assert 13 == tried


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with a connector type of its own."""
    folder = tmp_path / "connectors" / "crm"
    folder.mkdir(parents=True)
    (folder / "manifest.yaml").write_text(MANIFEST)
    return tmp_path


def with_vector(project: Path, text: str) -> Catalog:
    """Return the catalogue of a project whose type has this vector."""
    (project / "connectors" / "crm" / "vectors.yaml").write_text(f"vectors: [{text}]")
    return Catalog(project)


def test_an_own_type_with_a_right_vector_loads(project: Path) -> None:
    """A vector that holds is no obstacle."""
    right = "{identifier: email, input: ' A@x.example', normalised: a@x.example, source: docs}"

    assert "crm" == with_vector(project, right).get("crm").name


@pytest.mark.parametrize(
    "vector",
    [
        "{identifier: email, input: ' A@x.example', normalised: A@x.example, source: docs}",
        "{identifier: email, input: a@x.example, normalised: a@x.example, sent: abc, source: docs}",
        "{identifier: emial, input: a@x.example, normalised: a@x.example, source: docs}",
        "{identifier: email, input: a@x.example}",
    ],
)
def test_an_own_type_with_a_wrong_vector_does_not_load(project: Path, vector: str, snapshot) -> None:
    """A type that would make other values than the platform is not used at all."""
    with pytest.raises(DiagnosticError) as caught:
        with_vector(project, vector).get("crm")

    assert snapshot == [f"{item.code}: {item.detail} [{item.hint}]" for item in caught.value.diagnostics]
