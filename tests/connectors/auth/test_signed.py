"""Schemes that sign: held to the vectors that their makers have published."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

from audiform.cases.secrets import sample_secret
from audiform.connectors.auth import scheme_of
from audiform.connectors.auth.aws_sigv4 import AwsSigV4, signed
from audiform.connectors.auth.sas_token import sas_token
from audiform.connectors.auth.scheme import AuthError, Context, Session
from audiform.connectors.auth.service_account import rs256
from audiform.connectors.catalog import Catalog
from audiform.outcome import Category, Request, Response
from audiform.wire import granted

NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
OPENSSL_SIGNATURE = "LvBTQnZq/j4YBn10pqWh20lEoQXrdEMFUnXnw8UHVYI="
# The key and the token of RFC 7515, appendix A.2.
RFC_7515_N = (
    "204467029167446545625963433887588058600652096399601735050374533312702705187322450897737230"
    "120432032360970956234020446901157553773452546964487596057077889658488895017468362112062706"
    "438336639499925362469853626937363871851454247879222415857219929240456752293486555956264343"
    "900430028215127656303977230280237925779351081858227536925742215669309378050311558200971468"
    "199649202700088113270362867863927935931217624250488602118597634417704467037220158572506211"
    "078553986931332640811506974231887514824184653084703139582507577585471556997491579859553793"
    "81294962058862159085915015369381046959790476428631998204940879604226680285601"
)
RFC_7515_D = (
    "235831098993961951017998626234993688292465202356621376511860643195556670050653891135693687"
    "913750359738251591951563324248264331442319270412829659367296606181014931632061789402182278"
    "402640746140338406535182197235078430096761014345948432406842767463968840591797744247280494"
    "307543919202610731953211755754507908653798298798252239662669005735571815740349321655325526"
    "085777796562752916919582762213977238976013057175483467867984218114225248961766503010944557"
    "397801270779301059273764049922001508339242591487784784045727824640276095588337699995119982"
    "7706285383471150643561410605789710883438795588594095047409018233862167884701"
)
RFC_7515_TOKEN = (
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlL"
    "mNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7"
    "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWz"
    "O75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZES"
    "c6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlU"
    "PQGe77Rw"
)
CONFIG = AwsSigV4(scheme="aws_sigv4", service="service")


def context(**credentials: str) -> Context:
    """Return what a scheme works with at the time of the published vectors."""
    scope = {"settings": {"region": "us-east-1", "key_name": "send"}, "credentials": credentials}
    return Context(scope, Session(), NOW.timestamp())


def permanent(**more: str) -> Context:
    """Return the published vectors' credentials."""
    return context(access_key_id=KEY_ID, secret_access_key=SECRET, **more)


def authorization(request: Request) -> str:
    """Return the Authorization header."""
    return dict(request.headers)["authorization"]


def finished(auth: dict[str, Any], given: Context) -> Request:
    """Return a request that a scheme has let through."""
    scheme, config = scheme_of(auth)
    flow = scheme.flow(config, given)
    with pytest.raises(StopIteration) as done:
        next(flow)
    return granted(Request("POST", "https://example.com/a", body=b"{}"), done.value.value)


@pytest.mark.parametrize(
    ("method", "url", "signature"),
    [
        ("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ],
)
def test_signature_version_4_is_what_its_test_suite_says(method, url, signature):
    """get-vanilla, post-vanilla and get-vanilla-query-order-key-case of AWS's aws-sig-v4-test-suite."""
    request = signed(Request(method, f"https://example.amazonaws.com{url}"), CONFIG, permanent())

    expected = (
        f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={signature}"
    )
    assert expected == authorization(request)


@given(
    body=st.binary(max_size=20),
    query=st.dictionaries(st.text("aB1 &é~/", min_size=1, max_size=4), st.text("aB1 &é~/", max_size=4)),
    target=st.text("abc  ", max_size=6).filter(lambda text: text.strip()),
    token=st.none() | st.just("session"),
)
def test_signature_version_4_is_what_botocore_makes(body, query, target, token):
    """Any body, query and headers are signed as AWS's own library signs them."""
    headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target), ("accept", "*/*")]
    theirs = AWSRequest("POST", "https://host.example:8443/", dict(headers[:2]), body, query)
    theirs.context["timestamp"] = NOW.strftime("%Y%m%dT%H%M%SZ")
    signer = SigV4Auth(Credentials(KEY_ID, SECRET, token), "service", "us-east-1")
    signer._modify_request_before_signing(theirs)
    canonical = signer.canonical_request(theirs)
    signature = signer.signature(signer.string_to_sign(theirs, canonical), theirs)
    url = theirs.prepare().url

    more = {} if token is None else {"session_token": token}
    ours = signed(Request("POST", url, tuple(headers), body), CONFIG, permanent(**more))
    assert authorization(ours).endswith(f"Signature={signature}")


def test_a_request_is_signed_with_all_that_goes_out():
    """The signature is made last, over what the scheme itself adds, and a session token goes along."""
    request = finished(
        {"scheme": "aws_sigv4", "service": "service", "headers": {"x-amz-extra": "1"}},
        permanent(session_token="session"),
    )

    assert "SignedHeaders=host;x-amz-date;x-amz-extra;x-amz-security-token," in authorization(request)
    assert "session" == dict(request.headers)["x-amz-security-token"]


@pytest.mark.parametrize(
    "scheme",
    [
        {"scheme": "aws_sigv4", "service": "service"},
        {"scheme": "sas_token", "resource": "https://a.example/b"},
    ],
)
def test_a_missing_secret_is_said_before_anything_is_sent(scheme):
    """Without its key nothing is signed, and the message names the credential."""
    with pytest.raises(AuthError, match=r"credentials\.") as error:
        finished(scheme, context())

    assert Category.INVALID_CREDENTIALS is error.value.outcome.category


def test_a_web_token_is_what_rfc_7515_says():
    """The example of RFC 7515, appendix A.2, which RSA makes the same each time."""
    modulus = int(RFC_7515_N)
    d = int(RFC_7515_D)
    p, q = rsa.rsa_recover_prime_factors(modulus, 65537, d)
    public = rsa.RSAPublicNumbers(65537, modulus)
    key = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    ).private_key()
    claims = b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'

    assert RFC_7515_TOKEN == rs256(key, b'{"alg":"RS256"}', claims)


def test_a_service_account_asks_with_a_signed_token():
    """Who asks, for what and until when is signed with the account's key, and the answer's token is used."""
    manifest = Catalog().get("google_pubsub_audience").manifest
    secret = sample_secret(manifest, "service_account_key", "key-1")
    auth = {"scheme": "service_account", "token_url": "https://token.example/t", "scopes": ["a", "b"]}
    scheme, config = scheme_of(auth)
    flow = scheme.flow(config, context(service_account_key=secret))
    asked = next(flow)
    form = dict(parse_qsl((asked.body or b"").decode()))
    header, claims, signature = form["assertion"].split(".")
    key = load_pem_private_key(json.loads(secret)["private_key"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    key.public_key().verify(
        urlsafe_b64decode(signature + "=="), f"{header}.{claims}".encode(), PKCS1v15(), SHA256()
    )

    assert "https://token.example/t" == asked.url
    assert {"alg": "RS256", "typ": "JWT", "kid": "key-1"} == json.loads(urlsafe_b64decode(header + "=="))
    assert {
        "iss": "audiform@example.com",
        "scope": "a b",
        "aud": "https://token.example/t",
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 3600,
    } == json.loads(urlsafe_b64decode(claims + "=="))
    with pytest.raises(StopIteration) as done:
        flow.send(Response(200, body=b'{"access_token": "t1", "expires_in": 3599}'))
    assert (("authorization", "Bearer t1"),) == done.value.value.headers


@pytest.mark.parametrize("secret", ["expired", "{}", '{"client_email": "a", "private_key": "no key"}'])
def test_what_is_no_key_file_is_said(secret):
    """A credential that is not the account's key file is a matter of credentials, and is not repeated."""
    auth = {"scheme": "service_account", "token_url": "https://token.example/t"}
    with pytest.raises(AuthError, match="service account's key") as error:
        finished(auth, context(service_account_key=secret))

    assert Category.INVALID_CREDENTIALS is error.value.outcome.category
    assert secret not in error.value.outcome.message


def test_a_shared_access_signature_is_what_the_documentation_makes():
    r"""The documented form: the quoted resource and the expiry, signed; checked with OpenSSL's HMAC.

    printf 'https%3A%2F%2Fns.servicebus.example%2Fhub\n1440941760' | openssl dgst -sha256 -hmac 'key/1=' -binary | base64
    """
    token = sas_token("https://ns.servicebus.example/hub", "send", "key/1=", 1440941760)

    scheme, _, fields = token.partition(" ")
    assert "SharedAccessSignature" == scheme
    assert {
        "sr": ["https://ns.servicebus.example/hub"],
        "sig": [OPENSSL_SIGNATURE],
        "se": ["1440941760"],
        "skn": ["send"],
    } == parse_qs(fields)
