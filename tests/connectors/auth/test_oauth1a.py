"""OAuth 1.0a: held to the signatures that X has published, and to what they are made over."""

from __future__ import annotations

import re

import pytest

from audiform.connectors.auth import scheme_of
from audiform.connectors.auth.oauth1a import OAuth1a, signed
from audiform.connectors.auth.scheme import AuthError, Context, Session
from audiform.outcome import Category, Request
from audiform.wire import granted

NONCE = "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"
CREDENTIALS = {
    "consumer_key": "xvz1evFS4wEEPTGEFPHBog",
    "consumer_secret": "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
    "access_token": "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
    "access_token_secret": "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
}
FORM = ("content-type", "application/x-www-form-urlencoded")


def context(**credentials: str) -> Context:
    """Return what the scheme works with at the time of the published examples."""
    return Context({"credentials": credentials}, Session(), 1318622958.0)


def signature(request: Request, **more: str) -> str:
    """Return the signature that a request gets."""
    done = signed(request, OAuth1a(scheme="oauth1a"), context(**{**CREDENTIALS, **more}), NONCE)
    (found,) = re.findall('oauth_signature="([^"]+)"', dict(done.headers)["authorization"])
    return found


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1.1", "hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D"), ("1", "tnnArxj06cWHq44gCs1OSKk%2FjLY%3D")],
)
def test_a_signature_is_the_published_one(version: str, expected: str) -> None:
    """The examples of "Creating a signature", of both versions of the page: query and form are signed."""
    url = f"https://api.twitter.com/{version}/statuses/update.json?include_entities=true"
    body = b"status=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21"

    assert expected == signature(Request("POST", url, (FORM,), body))


def test_a_body_in_json_is_not_signed() -> None:
    """OAuth 1.0a knows of queries and forms only; method, URL, query and secrets change the signature."""
    plain = Request("POST", "https://ads-api.x.com/12/accounts/a?name=b", (), b'{"a": 1}')
    one = signature(plain)

    assert one == signature(Request("POST", plain.url, (), b'{"a": 2}'))
    assert one == signature(Request("POST", plain.url.replace("ads-api.x.com", "ADS-API.X.COM"), ()))
    others = {
        signature(Request("PUT", plain.url, ())),
        signature(Request("POST", plain.url + "c", ())),
        signature(plain, consumer_secret="other"),
        signature(plain, access_token_secret="other"),
    }
    assert 4 == len(others - {one})


def test_each_request_has_a_signature_of_its_own() -> None:
    """A nonce is used once, also where the same request is sent again."""
    scheme, config = scheme_of({"scheme": "oauth1a", "headers": {"x-extra": "1"}})
    with pytest.raises(StopIteration) as done:
        next(scheme.flow(config, context(**CREDENTIALS)))
    request = Request("GET", "https://ads-api.x.com/12/accounts/a")
    first, second = (dict(granted(request, done.value.value).headers) for _ in range(2))

    assert first["authorization"].startswith('OAuth oauth_consumer_key="xvz1evFS4wEEPTGEFPHBog"')
    assert first["authorization"] != second["authorization"]
    assert "1" == first["x-extra"]
    assert CREDENTIALS["consumer_secret"] not in repr(done.value.value)


@pytest.mark.parametrize("name", sorted(CREDENTIALS))
def test_a_secret_that_is_missing_is_said_before_anything_is_sent(name: str) -> None:
    """Half a signature is none."""
    scheme, config = scheme_of({"scheme": "oauth1a"})
    lacking = {key: value for key, value in CREDENTIALS.items() if key != name}
    with pytest.raises(AuthError) as refused:
        next(scheme.flow(config, context(**lacking)))

    assert Category.INVALID_CREDENTIALS is refused.value.outcome.category
    assert f"credentials.{name}" in refused.value.outcome.message
