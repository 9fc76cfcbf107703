from __future__ import annotations

from typing import Any

from audiform.audiences.selection import Selection, form_of, select
from audiform.config.kinds import Audience, Binding
from audiform.connectors.catalog import Catalog
from audiform.outcome import Signal
from audiform.state.ledger import Form

KEYS = Catalog().get("meta_custom_audiences").manifest
NAMED = Catalog().get("klaviyo_lists").manifest


def selection(manifest: Any, audience: dict[str, Any] | None = None, **binding: Any) -> Selection:
    """Return what a binding with sane contents sends."""
    given = {
        "source": "shop",
        "query": "SELECT 1",
        "profile_key": "id",
        "identifiers": {"phone": "tel", "email": "mail", "external_id": "id"},
        "variables": {"value": "ltv", "tier": "plan"},
        **(audience or {}),
    }
    body = {"audience": "a", "connector": "c", "destination": {}, "on_delete": "keep", **binding}
    return select("b", Binding.model_validate(body), Audience.model_validate(given), manifest)


def test_identifiers_are_those_that_all_have_in_common():
    """Of audience, type and binding, in the order of the type, which is that of its rows."""
    assert ["email", "phone"] == list(selection(KEYS).identifiers)
    assert ["email", "phone", "external_id"] == list(selection(NAMED).identifiers)
    assert ["phone"] == list(selection(KEYS, identifiers=["phone"]).identifiers)


def test_variables_go_only_where_they_are_taken():
    """A type without variables gets none, a binding may choose."""
    assert {} == selection(KEYS).variables
    assert {"value": "ltv", "tier": "plan"} == selection(NAMED).variables
    assert {"tier": "plan"} == selection(NAMED, variables=["tier"]).variables


def test_what_names_a_member_and_what_goes_along():
    """Each key names a member by itself, or one identifier does and the others may change."""
    keys, named = selection(KEYS), selection(NAMED)

    assert (("email", "phone"), ()) == (keys.identifying, keys.accompanying)
    assert (("email",), ("phone", "external_id")) == (named.identifying, named.accompanying)


def test_signals_that_are_not_sent_have_a_reason():
    """The type cannot, or the binding does not want to; a modification only where something may change."""
    assert {} == selection(KEYS).not_sent
    assert {} == selection(NAMED).not_sent
    left = selection(NAMED, signals=["add"]).not_sent
    assert {"remove", "modify"} == left.keys()
    assert all("`signals`" in why for why in left.values())
    assert [Signal.ADD] == list(selection(NAMED, signals=["add"]).signals)


def test_what_is_hashed_is_kept_as_bytes_and_what_is_clear_encrypted():
    """The form follows from how an identifier is sent."""
    assert [Form.HEX, Form.SEALED] == [form_of(KEYS, name) for name in ("email", "mobile_advertising_id")]
    assert Form.SEALED == form_of(NAMED, "email")


def test_the_columns_that_are_needed_have_their_place():
    """Each column is named with where the audience names it, for the message when it is missing."""
    needed = list(selection(NAMED, {"consent": "ok"}, identifiers=["email"], variables=["tier"]).columns)

    assert [
        (("profile_key",), "id"),
        (("consent",), "ok"),
        (("identifiers", "email"), "mail"),
        (("variables", "tier"), "plan"),
    ] == needed


def test_people_are_clear_where_more_than_digests_is_at_hand():
    """An identifier in clear, a variable, or a profile key that is an identifier."""
    hashed = {"identifiers": {"email": "mail"}}

    assert not selection(KEYS, hashed).is_clear
    assert selection(KEYS, {**hashed, "profile_key": "mail"}).is_clear
    assert selection(KEYS, {"identifiers": {"mobile_advertising_id": "device"}}).is_clear
    assert selection(NAMED, hashed).is_clear
