"""What policies ask of the configuration alone, resource by resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from audiform.config.event_kinds import EventConnector, EventSource
from audiform.config.secret_references import FromCommand
from audiform.connectors.catalog import Catalog
from audiform.policies.judge import judge_project
from plan.world import AUDIENCE, BINDING, SOURCE, Bodies, project

CATALOG = Catalog()
ADS: Mapping[str, Any] = {
    "type": "meta_custom_audiences",
    "settings": {"ad_account_id": "1"},
    "credentials": {"access_token": {"from_env": "TOKEN"}},
}


def found(policy: Mapping[str, Any], **parts: Any) -> list[str]:
    """Return what one policy finds in a project of one connector, audience and binding, as `effect detail path`."""
    resources: dict[str, Bodies] = {
        "sources": {"shop": SOURCE},
        "connectors": {"ads": ADS},
        "audiences": {"buyers": {**AUDIENCE, "identifiers": {"email": "email", "phone": "phone"}}},
        "bindings": {"buyers_on_ads": {**BINDING, "destination": {"name": "Buyers"}}},
    }
    for section, body in parts.items():
        if section in resources:
            resources[section] = {name: {**each, **body} for name, each in resources[section].items()}
    rule = {"message": "Because", **policy}
    desired = project(**resources, policies={"rule": rule}, environment=parts.get("environment"))
    return [
        f"{item.effect} {item.detail} {'.'.join(map(str, item.path))}".rstrip()
        for item in judge_project(desired, CATALOG)
        if item.policy == "rule"
    ]


HOLDS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "a type that is allowed": ({"allow": {"connector_types": ["meta_*"]}}, {}),
    "a setting that is allowed": ({"allow": {"settings": {"ad_account_id": ["2", "1"]}}}, {}),
    "a setting that it does not have": ({"allow": {"settings": {"region": ["eu"]}}}, {}),
    "owners": (
        {"require": {"owner": True}, "applies_to": {"resources": ["binding.*"]}},
        {"bindings": {"owner": "CRM"}},
    ),
    "labels": (
        {"require": {"labels": {"team": ["crm", "growth"]}}, "applies_to": {"resources": ["binding.*"]}},
        {"bindings": {"labels": {"team": "growth"}}},
    ),
    "consent": ({"require": {"consent": True}}, {}),
    "a required signal by default": ({"require": {"signals": ["remove"]}}, {}),
    "a required signal that the type has not": (
        {"require": {"signals": ["modify"]}},
        {"bindings": {"signals": ["add"]}},
    ),
    "a forbidden signal that is not sent": (
        {"forbid": {"signals": ["remove"]}},
        {"bindings": {"signals": ["add"]}},
    ),
    "a forbidden identifier that is not sent": (
        {"forbid": {"identifiers": ["phone"]}},
        {"bindings": {"identifiers": ["email"]}},
    ),
    "a secret from elsewhere": ({"forbid": {"secret_sources": ["from_command"]}}, {}),
    "guards of the environment": (
        {"guards": {"max_added": 50}},
        {"environment": {"guards": {"max_added": 20}}},
    ),
    "the default guard": ({"guards": {"max_removed": "20%", "allow_empty": False}}, {}),
    "another environment": (
        {"require": {"owner": True}, "applies_to": {"environments": ["staging", "test_*"]}},
        {},
    ),
    "an environment that is not protected": (
        {"require": {"owner": True}, "applies_to": {"protected": True}},
        {},
    ),
    "other labels": (
        {"require": {"owner": True}, "applies_to": {"labels": {"team": ["crm"]}}},
        {"bindings": {"labels": {"team": "growth"}}},
    ),
    "resources that are switched off": (
        {"require": {"owner": True}, "applies_to": {"resources": ["binding.*"]}},
        {"bindings": {"enabled": False}},
    ),
    "a policy that is switched off": ({"require": {"owner": True}, "enabled": False}, {}),
    "an expression that is false": ({"over": "resources", "deny": 'resource.kind == "person"'}, {}),
}


@pytest.mark.parametrize("case", HOLDS)
def test_what_holds_is_not_said(case):
    """A policy that holds, or is about something else, finds nothing."""
    policy, parts = HOLDS[case]

    assert [] == found(policy, **parts)


BROKEN: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any], list[str]]] = {
    "type": (
        {"allow": {"connector_types": ["klaviyo_*", "webhook"]}},
        {},
        [
            "deny connector.ads: the connector type `meta_custom_audiences` is none of `klaviyo_*`, `webhook` type"
        ],
    ),
    "setting": (
        {"allow": {"settings": {"ad_account_id": ["9*"]}}, "effect": "warn"},
        {},
        ["warn connector.ads: the setting `ad_account_id` is none of `9*` settings.ad_account_id"],
    ),
    "owner of those with a label": (
        {"require": {"owner": True}, "applies_to": {"labels": {"team": ["crm"]}}},
        {"bindings": {"labels": {"team": "crm"}}},
        ["deny binding.buyers_on_ads: nobody is named as `owner`"],
    ),
    "labels": (
        {"require": {"labels": {"team": ["crm"], "tier": ["*"]}}, "applies_to": {"resources": ["binding.*"]}},
        {"bindings": {"labels": {"team": "growth"}}},
        [
            "deny binding.buyers_on_ads: the label `team` is none of `crm` labels.team",
            "deny binding.buyers_on_ads: the label `tier` is missing",
        ],
    ),
    "consent": (
        {"require": {"consent": True}},
        {"audiences": {"consent": None}},
        ["deny audience.buyers: it has no `consent`, so that everybody whom its query returns is sent"],
    ),
    "signal that is not sent": (
        {"require": {"signals": ["remove"]}},
        {"bindings": {"signals": ["add"]}},
        [
            "deny binding.buyers_on_ads: the binding does not send the signal `remove`, and its connector type can signals"
        ],
    ),
    "signal and identifier by default": (
        {"forbid": {"signals": ["add"], "identifiers": ["phone", "external_id"]}},
        {},
        [
            "deny binding.buyers_on_ads: the binding sends the signal `add` signals",
            "deny binding.buyers_on_ads: the binding sends the identifier `phone` identifiers",
        ],
    ),
    "secret": (
        {"forbid": {"secret_sources": ["from_command", "from_file"]}},
        {"connectors": {"credentials": {"access_token": {"from_command": ["pass", "hunter2"]}}}},
        ["deny connector.ads: the secret `access_token` comes from `from_command` credentials.access_token"],
    ),
    "secret of what is switched off": (
        {"forbid": {"secret_sources": ["from_env"]}, "allow": {"connector_types": ["webhook"]}},
        {"connectors": {"enabled": False}},
        ["deny connector.ads: the secret `access_token` comes from `from_env` credentials.access_token"],
    ),
    "guards": (
        {
            "guards": {
                "max_removed": "10%",
                "max_added": 1000,
                "min_members": 100,
                "allow_empty": False,
                "max_source_age": "24h",
            }
        },
        {
            "bindings": {
                "guards": {"max_added": "50%", "min_members": 5, "allow_empty": True, "max_source_age": "2d"}
            }
        },
        [
            "deny binding.buyers_on_ads: the guard `max_removed` is 20%, and it has to be at most 10% guards.max_removed",
            (
                "deny binding.buyers_on_ads: the guard `max_added` is 50%, and it has to be a number of people of at most 1000 "
                "guards.max_added"
            ),
            "deny binding.buyers_on_ads: the guard `min_members` is 5, and it has to be at least 100 guards.min_members",
            "deny binding.buyers_on_ads: the guard `allow_empty` is true, and it may not be guards.allow_empty",
            "deny binding.buyers_on_ads: the guard `max_source_age` is 2d, and it has to be at most 24h guards.max_source_age",
        ],
    ),
    "guards that are not set": (
        {"guards": {"max_removed": 50, "max_added": "50%", "max_source_age": "24h", "min_members": 1}},
        {},
        [
            (
                "deny binding.buyers_on_ads: the guard `max_removed` is 20%, and it has to be a number of people of at most 50 "
                "guards.max_removed"
            ),
            "deny binding.buyers_on_ads: the guard `max_added` is not set, and it has to be at most 50% guards.max_added",
            "deny binding.buyers_on_ads: the guard `min_members` is not set, and it has to be at least 1 guards.min_members",
            (
                "deny binding.buyers_on_ads: the guard `max_source_age` is not set, and it has to be at most 24h "
                "guards.max_source_age"
            ),
        ],
    ),
    "an expression over what a binding names": (
        {
            "over": "resources",
            "deny": 'resource.kind == "binding" and connector.type is string and "phone" in audience.identifiers',
            "warn": 'resource.kind == "source" and source.owner is none',
        },
        {},
        [
            'warn `resource.kind == "source" and source.owner is none` is true of source.shop',
            (
                'deny `resource.kind == "binding" and connector.type is string and "phone" in audience.identifiers` is true of '
                "binding.buyers_on_ads"
            ),
        ],
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_does_not_hold_is_said(case):
    """Each finding says what is so, of which resource, and where that stands in it; no secret and no setting's value."""
    policy, parts, expected = BROKEN[case]

    assert expected == found(policy, **parts)


@pytest.mark.parametrize(
    "text", ["resource.nme == 1", "audience.name == 'x'", "resource.name > 1", "resource.name", "1 + 1"]
)
def test_what_cannot_be_evaluated_is_no_pass(text):
    """A misspelt field, a field of nothing, a comparison of what cannot be compared, and no answer at all."""
    connector_only = {"over": "resources", "applies_to": {"resources": ["connector.*"]}}

    assert ["error"] == [item.split()[0] for item in found({**connector_only, "deny": text})]


def test_the_built_in_policies_are_for_protected_environments():
    """They are looked at there only, and one that is switched off is not."""
    ads = {**ADS, "credentials": {"access_token": {"from_command": ["pass"]}}}
    parts: dict[str, Any] = {
        "connectors": {"ads": ads},
        "audiences": {"buyers": {**AUDIENCE, "consent": None}},
        "bindings": {"buyers_on_ads": {**BINDING, "signals": ["add"]}},
    }
    protected = {"environment": {"protected": True}}

    def policies(**more: Any) -> list[tuple[str, str]]:
        return [(item.policy, item.effect) for item in judge_project(project(**parts, **more), CATALOG)]

    assert [] == policies()
    assert [
        ("no_secret_commands", "warn"),
        ("consent_required", "deny"),
        ("removals_sent", "warn"),
    ] == policies(**protected)
    assert [("no_secret_commands", "warn"), ("removals_sent", "warn")] == policies(
        **protected, switched_off={"consent_required": "All of them agreed"}
    )
    assert () == judge_project(project(environment={"protected": True}), CATALOG), (
        "no type is opened for nothing"
    )


def test_event_connectors_and_their_sources():
    """What is said of owners, types, consent and secrets holds for events as well."""
    policy = {
        "message": "Because",
        "require": {"consent": True},
        "allow": {"connector_types": ["meta_*"]},
        "forbid": {"secret_sources": ["from_command"]},
        "applies_to": {"resources": ["event_*"]},
    }
    secret = FromCommand(from_command=("pass",))
    desired = replace(
        project(policies={"rule": policy}),
        event_sources={"web": EventSource(type="http", write_keys={"site": secret})},
        event_connectors={"hook": EventConnector(type="http_event", credentials={"token": secret})},
    )

    assert [
        ("event_source.web: the secret `site` comes from `from_command`", ("write_keys", "site")),
        ("event_connector.hook: the connector type `http_event` is none of `meta_*`", ("type",)),
        ("event_connector.hook: it has no `consent`, so that every event that it selects is sent", ()),
        ("event_connector.hook: the secret `token` comes from `from_command`", ("credentials", "token")),
    ] == [(item.detail, item.path) for item in judge_project(desired, CATALOG)]
