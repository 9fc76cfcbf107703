"""What a project may ask of a connector type, and what is said when it asks for more."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audiform.address import Address, Kind
from audiform.check import check
from audiform.check.trust import trust_of
from audiform.check.types import validator
from audiform.codes import CODES
from audiform.config.kinds import Audience, Binding, Connector, EnvironmentFile, Policy, State
from audiform.config.places import place_all
from audiform.config.project import Environment, Project
from audiform.connectors.catalog import Catalog
from audiform.diagnostics import Diagnostic, Severity

META: dict[str, Any] = {
    "type": "meta_custom_audiences",
    "settings": {"ad_account_id": "1"},
    "credentials": {"access_token": {"from_env": "TOKEN"}},
}
LISTS: dict[str, Any] = {"type": "klaviyo_lists", "credentials": {"private_key": {"from_env": "KEY"}}}
HTTP: dict[str, Any] = {
    "type": "http_audience",
    "settings": {
        "base_url": "https://crm.example.com",
        "identity": "email",
        "add": {"request": {"method": "POST", "path": "/a", "body": "${row}"}, "row": {"e": "${row.email}"}},
    },
}
AUDIENCE = {
    "source": "shop",
    "query": "SELECT 1",
    "profile_key": "id",
    "identifiers": {"email": "email", "phone": "phone"},
    "variables": {"value": "ltv"},
}
BINDING = {"audience": "buyers", "connector": "ads", "destination": {"name": "Buyers"}, "on_delete": "keep"}


def project(
    connector: dict[str, Any] | None = None,
    *,
    audience: dict[str, Any] | None = None,
    environment: dict[str, Any] | None = None,
    policy: dict[str, Any] | None = None,
    **bindings: dict[str, Any],
) -> Project:
    """Return a project with one connector, one audience, and a binding for each that is given."""
    allowed = {"allowed_hosts": ["crm.example.com"], **(policy or {})}
    return Project(
        root=Path(),
        name="shop",
        environment=Environment("live", EnvironmentFile.model_validate(environment or {})),
        state=State.model_validate({}),
        policy=Policy.model_validate(allowed),
        sources={},
        connectors={"ads": Connector.model_validate(connector or META)},
        audiences={"buyers": Audience.model_validate({**AUDIENCE, **(audience or {})})},
        bindings={name: Binding.model_validate({**BINDING, **body}) for name, body in bindings.items()},
        digests={},
    )


def found(wrong: Project, catalog: Catalog | None = None) -> list[str]:
    """Return each problem as one text: code, place, detail, hint."""
    return [_shown(item) for item in check(wrong, catalog or Catalog())]


def _shown(item: Diagnostic) -> str:
    place = item.address or (item.location and item.location.file)
    path = ".".join(map(str, item.path))
    hint = f" [{item.hint}]" if item.hint else ""
    return f"{item.code} {place}{' ' if path else ''}{path}: {item.detail}{hint}"


def codes(wrong: Project) -> list[tuple[str, tuple[str | int, ...]]]:
    """Return code and path of each problem."""
    return [(item.code, item.path) for item in check(wrong, Catalog())]


def changed(base: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a body with other fields."""
    return {**base, **more}


def test_a_sound_project_has_no_problems():
    """Every shipped type is content with what its documentation asks for."""
    assert [] == found(project(lapsed={}))
    assert [] == found(
        project(LISTS, lapsed={"signals": ["add", "remove", "modify"], "variables": ["value"]})
    )
    assert [] == found(project(HTTP, lapsed={"destination": {"external_id": "7"}}))


CONNECTORS: dict[str, dict[str, Any]] = {
    "type": changed(META, type="meta_custom_audience"),
    "setting_name": changed(META, settings={"ad_acount_id": "1"}),
    "setting_type": changed(META, settings={"ad_account_id": 1}),
    "setting_form": changed(META, settings={"ad_account_id": "act_1"}),
    "setting_choice": changed(META, settings={"ad_account_id": "1", "customer_file_source": "USER_PROVIDED"}),
    "setting_dependent": {
        "type": "google_data_manager",
        "settings": {
            "operating_account_id": "1",
            "customer_match_terms": "ACCEPTED",
            "login_account_id": "2",
        },
        "credentials": {name: {"from_env": "X"} for name in ("client_id", "client_secret", "refresh_token")},
    },
    "credential_missing": changed(META, credentials={}),
    "credential_unknown": changed(
        META, credentials={**META["credentials"], "acces_token": {"from_env": "X"}}
    ),
    "credential_of_auth": changed(HTTP, settings={**HTTP["settings"], "auth": {"scheme": "bearer"}}),
    "part": changed(HTTP, settings={**HTTP["settings"], "auth": {"scheme": "bearer", "tokn": "x"}}),
    "reference": changed(
        HTTP,
        settings={
            **HTTP["settings"],
            "add": {"request": {"method": "POST", "path": "/a"}, "row": {"e": "${row.emial}"}},
        },
    ),
    "host": changed(HTTP, settings={**HTTP["settings"], "base_url": "https://evil.example.net/x"}),
    "http": changed(HTTP, settings={**HTTP["settings"], "base_url": "http://crm.example.com"}),
    "no_url": changed(HTTP, settings={**HTTP["settings"], "base_url": "crm.example.com"}),
    "token_url": changed(
        HTTP,
        settings={
            **HTTP["settings"],
            "auth": {"scheme": "oauth2_client_credentials", "token_url": "https://id.example.net/token"},
        },
        credentials={"client_id": {"from_env": "X"}, "client_secret": {"from_env": "X"}},
    ),
    "endpoint": changed(META, endpoint="https://proxy.example.net"),
    "url_of_a_broken_one": changed(HTTP, settings={"base_url": "http://crm.example.com", "identity": "name"}),
    "several": changed(META, settings={"ad_acount_id": "1", "api_version": 25}, credentials={}),
}


@pytest.mark.parametrize("name", CONNECTORS)
def test_a_wrong_connector(name, snapshot):
    """What is wrong with a connector is said with its place, what it takes and what is near."""
    assert snapshot == found(project(CONNECTORS[name]))


def test_this_machine_may_be_reached_in_clear():
    """A sandbox on this machine needs no TLS and no permission."""
    assert [] == found(project(changed(META, endpoint="http://127.0.0.1:8484/ads")))


BINDINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "attribute_name": (META, {"destination": {"nam": "Buyers"}}),
    "attribute_type": (META, {"destination": {"name": 7}}),
    "modify": (META, {"signals": ["add", "modify"]}),
    "remove": (HTTP, {"signals": ["add", "remove"], "destination": {"external_id": "7"}}),
    "remove_members": (HTTP, {"on_delete": "remove_members", "destination": {"external_id": "7"}}),
    "delete_destination": (HTTP, {"on_delete": "delete_destination", "destination": {"external_id": "7"}}),
    "variables": (META, {"variables": ["value"]}),
    "variable_name": (LISTS, {"variables": ["valeu"]}),
    "identifier_of_type": (META, {"identifiers": ["email", "emial"]}),
    "identifier_of_audience": (META, {"identifiers": ["email", "first_name"]}),
    "no_identity": (LISTS, {"identifiers": ["phone"]}),
}


@pytest.mark.parametrize("name", BINDINGS)
def test_a_wrong_binding(name, snapshot):
    """What a binding cannot have is said with what could be done instead."""
    connector, body = BINDINGS[name]

    assert snapshot == found(project(connector, lapsed=body))


def test_an_audience_known_by_nothing_that_the_type_takes(snapshot):
    """People that nobody could find are an error, and not an empty list."""
    assert snapshot == found(project(audience={"identifiers": {"first_name": "name"}}, lapsed={}))


def test_hashes_are_of_no_use_to_a_type_that_takes_values_in_clear(snapshot):
    """An already hashed identifier cannot be sent in clear."""
    hashed = {"identifiers": {"email": {"column": "email", "already_hashed": True}}}

    assert [] == found(project(audience=hashed, lapsed={}))
    assert snapshot == found(project(LISTS, audience=hashed, lapsed={}))
    assert snapshot == found(project(LISTS, audience=hashed, lapsed={"identifiers": ["email"]}))


def test_a_type_that_takes_one_kind_of_identifier_gets_one(snapshot):
    """A binding names one kind where the platform takes lists of one kind, and is told when it sends two."""
    account = {"ad_account_id": "8adc3db7-8148-4fbf-999c-8d2266369d74"}
    credentials = {name: {"from_env": "X"} for name in ("client_id", "client_secret", "refresh_token")}
    one_kind = {"type": "snapchat_audiences", "settings": account, "credentials": credentials}

    assert [] == found(project(one_kind, lapsed={"identifiers": ["email"]}))
    assert snapshot == found(project(one_kind, lapsed={}))


def test_two_bindings_may_share_a_destination_but_not_disagree(snapshot):
    """Where objects are found by their name, two bindings of one name fill one object."""
    one = {"destination": {"name": "A", "opt_in_process": "single_opt_in"}}
    other = {"destination": {"name": "A", "opt_in_process": "double_opt_in"}}

    assert [] == found(project(LISTS, one=one, two=one))
    assert snapshot == found(project(LISTS, one=one, two=other))


def test_guards_that_guard_nothing_in_a_protected_environment(snapshot):
    """They are warnings there, and left alone elsewhere."""
    weak: dict[str, Any] = {"guards": {"max_removed": "100%", "allow_empty": True, "min_members": 0}}

    assert [] == found(project(environment=weak, lapsed=weak))
    wrong = project(environment={"protected": True, **weak}, lapsed=weak)
    assert snapshot == found(wrong)
    assert {Severity.WARNING} == {item.severity for item in check(wrong, Catalog())}


def test_what_depends_on_a_broken_connector_is_not_reported():
    """Only the cause is told."""
    wrong = project(changed(META, type="nonsense"), lapsed={"signals": ["modify"]})

    assert [("unknown-connector-type", ("type",))] == codes(wrong)


@pytest.fixture
def custom(tmp_path) -> Path:
    """Return a project's folder with a connector type of its own, `crm`."""
    folder = tmp_path / "connectors" / "crm"
    folder.mkdir(parents=True)
    (folder / "manifest.yaml").write_text(
        "manifest: 1\ntitle: CRM\nkind: server_to_server\ncategory: crm\napi_version: '1'\nchecked: 2026-01-01\n"
        "documentation: https://crm.example.com\nsettings: {type: object}\ncredentials: {type: object}\n"
        "base_url: https://crm.example.com\nidentity: email\nidentifiers: {email: {field: e, normalize: [trim, lower]}}\n"
        "destination: {attributes: {type: object}}\n"
        "signals: {add: {request: {method: POST, path: /a, body: '{{ rows }}'}, row: {e: '{{ row.email }}'}}}\n"
    )
    return tmp_path


def test_own_types_can_be_forbidden(custom, snapshot):
    """A project's own type is used unless the policy forbids it."""
    own = project({"type": "crm"}, lapsed={})

    assert [] == found(own, Catalog(custom))
    forbidding = replace(own, policy=Policy.model_validate({"custom_connectors": "forbidden"}))
    assert snapshot == found(forbidding, Catalog(custom, trust_of(forbidding)))


def test_a_broken_own_type_is_reported_once(custom):
    """A manifest with a problem has its place in the manifest, however many connectors use it."""
    path = custom / "connectors" / "crm" / "manifest.yaml"
    path.write_text(path.read_text().replace("manifest: 1", "manifest: 2"))
    wrong = project({"type": "crm"}, lapsed={})
    wrong = replace(wrong, connectors={"ads": wrong.connectors["ads"], "more": wrong.connectors["ads"]})

    (only,) = check(wrong, Catalog(custom))
    assert ("invalid-manifest", "connectors/crm/manifest.yaml") == (
        only.code,
        only.location and only.location.file,
    )


@pytest.mark.parametrize(
    "schema",
    [
        "{type: objekt}",
        "{type: object, properties: {a: {pattern: '('}}}",
        "{type: object, properties: {a: {$ref: 'https://example.com/schema.json'}}}",
    ],
)
def test_an_own_type_whose_schema_is_none(custom, schema, snapshot):
    """It is said of the manifest, and no document is fetched from anywhere."""
    path = custom / "connectors" / "crm" / "manifest.yaml"
    path.write_text(path.read_text().replace("settings: {type: object}", f"settings: {schema}"))

    assert snapshot == found(project({"type": "crm"}, lapsed={}), Catalog(custom))


def test_places_are_made_concrete(tmp_path):
    """What the check finds can be shown at its line."""
    (tmp_path / "audiform.yaml").write_text("project: shop\n")
    (tmp_path / "connectors.yaml").write_text(
        "connectors:\n  ads:\n    type: meta_custom_audiences\n    settings: {ad_acount_id: '1'}\n"
    )
    wrong = project(changed(META, settings={"ad_acount_id": "1"}))

    placed = place_all(tmp_path, None, check(wrong, Catalog()))
    assert [("unknown-field", 4), ("missing-field", 4)] == [
        (item.code, item.location and item.location.line) for item in placed
    ]
    assert [Address(Kind.CONNECTOR, "ads")] * 2 == [item.address for item in placed]


def test_every_code_is_described():
    """Each code that the check uses has a section in the documentation."""
    used = {item.code for connector in CONNECTORS.values() for item in check(project(connector), Catalog())}
    used |= {
        item.code
        for connector, body in BINDINGS.values()
        for item in check(project(connector, lapsed=body), Catalog())
    }

    assert set() == used - CODES.keys()


def test_ten_thousand_resources_take_little_time():
    """A binding costs microseconds, and nothing slow is imported where there is no problem."""
    known = project(lapsed={"signals": ["add", "remove"]})
    bindings = {f"b{number}": known.bindings["lapsed"] for number in range(10_000)}
    large = replace(known, bindings=bindings)
    catalog = Catalog()
    check(known, catalog)
    before = set(sys.modules)

    started = time.process_time()
    assert () == check(large, catalog)
    assert 0.1 > time.process_time() - started
    assert "jsonschema" not in set(sys.modules) - before


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"ad_account_id": "1"},
        {"ad_account_id": 1},
        {"ad_account_id": "1", "x": 1},
        {"ad_account_id": "é"},
    ],
)
def test_both_validators_agree(settings):
    """What the fast validator refuses, the one that explains can explain."""
    decides = validator(Catalog().get("meta_custom_audiences").manifest.settings)
    texts = found(project(changed(META, settings=settings)))

    assert decides(settings) is (texts == [])
    assert not any("bug" in text for text in texts)
