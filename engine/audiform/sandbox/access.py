"""Authentication backwards: whether a request carries what the type's scheme would have sent.

Any secret is good, so that a developer needs none, except one named `expired`.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from audiform.connectors.auth import scheme_of
from audiform.connectors.auth.api_key import ApiKey
from audiform.connectors.auth.aws_sigv4 import AwsSigV4
from audiform.connectors.auth.basic import Basic
from audiform.connectors.auth.bearer import Bearer
from audiform.connectors.auth.oauth1a import OAuth1a
from audiform.connectors.auth.sas_token import SasToken, sas_token
from audiform.connectors.auth.scheme import Auth
from audiform.connectors.auth.service_account import GRANT
from audiform.connectors.auth.token import TokenAuth
from audiform.connectors.manifest import Manifest
from audiform.connectors.template import Bindings, unify, unify_texts
from audiform.sandbox.asked import Asked
from audiform.sandbox.wire import Answer, Call, answer_json
from audiform.sandbox.world import Account

EXPIRED = "expired"
_LIFE = 3600


def refusal(manifest: Manifest, call: Call, account: Account) -> str | None:
    """Return why the request is not let in, or None."""
    if not isinstance(manifest.auth, Mapping):
        return None
    config = scheme_of(manifest.auth)[1]
    match config:
        case Bearer():
            found = _header(call, "authorization", f"Bearer {config.token}")
        case ApiKey():
            found = _api_key(config, call)
        case Basic():
            found = _basic(config, call)
        case OAuth1a():
            found = _oauth1a(config, call)
        case AwsSigV4():
            found = _signature(config, call)
        case SasToken():
            found = _sas_token(call)
        case TokenAuth():
            return _refused_token(call, account)
        case _:
            found = {}
    if found is None:
        return f"the request is not signed as `{config.scheme}` says"
    return _refused_values(found) or _refused_headers(config, call)


def token_answer(asked: Asked) -> Answer:
    """Answer a token request: a new token for any client, refused for what is named `expired`."""
    form = _form_of(asked.call)
    needed = _secrets_of(asked, form)
    lacking = [name for name, value in needed.items() if not value]
    if lacking:
        return answer_json(
            400, {"error": "invalid_request", "error_description": f"missing {', '.join(lacking)}"}
        )
    if EXPIRED in needed.values():
        return answer_json(
            400, {"error": "invalid_grant", "error_description": "token has been expired or revoked"}
        )
    asked.account.made += 1
    token = f"sandbox-{asked.account.made}"
    asked.account.tokens.add(token)
    return answer_json(200, {"access_token": token, "expires_in": _LIFE, "token_type": "Bearer"})


def _form_of(call: Call) -> Mapping[str, str]:
    """Return the parameters of a token request, which is a form or JSON."""
    text = call.body.decode(errors="replace")
    if call.headers.get("content-type") != "application/json":
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        return {name: str(value) for name, value in json.loads(text).items()}
    except (AttributeError, ValueError):
        return {}


def _secrets_of(asked: Asked, form: Mapping[str, str]) -> dict[str, str]:
    """Return what a token request must carry, with what it does carry."""
    if form.get("grant_type") == GRANT:
        return {"assertion": form.get("assertion", "")}
    username, password = _credentials(asked.call)
    needed = {
        "grant_type": form.get("grant_type", ""),
        "client_id": form.get("client_id") or username,
        "client_secret": form.get("client_secret") or password,
    }
    if form.get("grant_type") == "refresh_token":
        needed["refresh_token"] = form.get("refresh_token", "")
    return needed


def _refused_token(call: Call, account: Account) -> str | None:
    found = _header(call, "authorization", "Bearer {{ token }}")
    if found is None:
        return "the request has no bearer token"
    return None if found["token"] in account.tokens else "the access token is unknown or has expired"


def _header(call: Call, name: str, template: str) -> Bindings | None:
    return unify(template, call.headers.get(name.lower(), ""))


def _api_key(config: ApiKey, call: Call) -> Bindings | None:
    if config.place == "header":
        return _header(call, config.name, config.prefix + config.value)
    return unify(config.prefix + config.value, call.query.get(config.name, ""))


def _basic(config: Basic, call: Call) -> Bindings | None:
    if config.optional and "authorization" not in call.headers:
        return {}
    username, password = _credentials(call)
    first, second = unify(config.username, username), unify(config.password, password)
    return None if first is None or second is None else {**first, **second}


def _oauth1a(config: OAuth1a, call: Call) -> Bindings | None:
    """Read a signature's header. Whether it is right cannot be told: any secret is good here."""
    scheme, _, text = call.headers.get("authorization", "").partition(" ")
    said = {
        name: unquote(value.strip('"'))
        for name, _, value in (part.partition("=") for part in text.split(", "))
    }
    if scheme != "OAuth" or not all(
        said.get(f"oauth_{name}") for name in ("nonce", "signature", "timestamp")
    ):
        return None
    key = unify(config.consumer_key, said.get("oauth_consumer_key", ""))
    token = unify(config.access_token, said.get("oauth_token", ""))
    return None if key is None or token is None else {**key, **token}


def _signature(config: AwsSigV4, call: Call) -> Bindings | None:
    """Read a signature's header. Whether it is right cannot be told: any secret is good here."""
    place = f"{{{{ date }}}}/{config.region}/{config.service}/aws4_request"
    found = _header(
        call,
        "authorization",
        f"AWS4-HMAC-SHA256 Credential={config.access_key_id}/{place}, "
        "SignedHeaders={{ names }}, Signature={{ signature }}",
    )
    covered = str(found["names"]).split(";") if found else []
    return found if {"host", "x-amz-date"} <= {*covered} and "x-amz-date" in call.headers else None


def _sas_token(call: Call) -> Bindings | None:
    """Read a shared access signature; one that was made with the key `expired` says that it has."""
    found = _header(
        call,
        "authorization",
        "SharedAccessSignature sr={{ resource }}&sig={{ signature }}&se={{ expires }}&skn={{ name }}",
    )
    if found is None:
        return None
    given = (unquote(found["resource"]), unquote(found["name"]), EXPIRED, int(found["expires"]))
    expired = sas_token(*given) == call.headers["authorization"]
    return {"credentials.key": EXPIRED if expired else found["signature"]}


def _credentials(call: Call) -> tuple[str, str]:
    """Return user name and password of the Authorization header, empty where there are none."""
    scheme, _, text = call.headers.get("authorization", "").partition(" ")
    try:
        plain = b64decode(text, validate=True).decode() if scheme == "Basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        plain = ""
    username, _, password = plain.partition(":")
    return username, password


def _refused_values(found: Mapping[str, Any]) -> str | None:
    secrets = {name: value for name, value in found.items() if name.startswith("credentials.")}
    if EXPIRED in secrets.values():
        return "the credentials have expired"
    return None if all(secrets.values()) else "a credential is empty"


def _refused_headers(config: Auth, call: Call) -> str | None:
    wanted = {name.lower(): text for name, text in config.headers.items()}
    return (
        None
        if unify_texts(wanted, call.headers) is not None
        else f"a header is missing of {', '.join(wanted)}"
    )
