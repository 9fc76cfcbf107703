"""Every request that a shipped type makes is one that its vendor's own specification describes, and says nothing else.

The requests are those of the type's cases (each operation, with full and with empty optional fields), which
another test holds to what really goes out, and a full batch of each signal.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import pytest

from audiform.cases.clock import still_clock
from audiform.cases.events import send_events
from audiform.cases.model import Case, read_cases
from audiform.cases.people import batch_of, columns_of
from audiform.client import ConnectorClient, PlatformError, Rows
from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.connectors.manifest import ResponseTemplate, SignalOperation
from audiform.connectors.multipart import read
from audiform.connectors.response import classify
from audiform.outcome import Request, Response
from audiform.transport import FakeTransport
from audiform.wire import RetryPolicy
from connectors.specification import Specification

DOCUMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "meta_custom_audiences": (
        "meta/meta-audiences-capi.openapi.json",
        {
            "common": frozenset({"fields", "limit", "after"}),
            "prefix": "/v25.0",
            "without": frozenset({"/{pixel_id}"}),
        },
    ),
    "google_data_manager": ("google_datamanager/google-datamanager-v1.json", {}),
    "google_data_manager_events": ("google_datamanager/google-datamanager-v1.json", {}),
    "google_ads_customer_match": (
        "google_ads/google-ads-v25-customer-match.json",
        # Made from protos, which do not speak of headers.
        {"headers": frozenset({"developer-token", "login-customer-id"})},
    ),
    "klaviyo_lists": ("klaviyo/klaviyo-2026-07-15.json", {}),
    "klaviyo_events": ("klaviyo/klaviyo-2026-07-15.json", {}),
    "microsoft_customer_match": (
        "microsoft_ads/microsoft-ads-audiences.json",
        # A set of flags in the client that the document was made from, written as their names.
        {"replaced": {"AudienceType": {"enum": ["CustomerList"]}}},
    ),
    "thetradedesk_first_party": ("thetradedesk/ttd-data-api.json", {}),
    "mailchimp_segments": ("mailchimp/mailchimp-marketing-3.0.55.json", {"prefix": "/3.0"}),
    "sendgrid_lists": ("sendgrid/sendgrid-marketing.json", {"free": frozenset({"custom_fields"})}),
    "intercom_tags": ("intercom/intercom-2.14.json", {}),
    "tiktok_file_audiences": (
        "tiktok/tiktok-business-audience.json",
        # The document has the token in the query, where no client of TikTok's puts it.
        # What is in `data` of an answer it leaves to its pages.
        {
            "prefix": "/open_api/v1.3",
            "in_header": frozenset({"Access-Token"}),
            "free": frozenset({"data"}),
        },
    ),
    # Its bodies are untyped: `test_recorded.py` holds them to Braze's own words.
    "braze_users": ("braze/braze-community.json", {}),
    "braze_events": ("braze/braze-community.json", {}),
}
"""Type -> its document in the shared data, and what the document leaves to a reader's common sense."""

KINDS = [Catalog().get(name) for name in DOCUMENTS]
OF_AUDIENCES = [kind.name for kind in KINDS if kind.manifest.kind == "server_to_server"]
SCHEMAS = Path(__file__).parent / "schemas"


@dataclass(frozen=True)
class Made:
    """One request as it went out, and the answer that it got."""

    request: Request
    response: Response

    @property
    def headers(self) -> dict[str, str]:
        """Header names in lower case."""
        return {name.lower(): text for name, text in self.request.headers}

    @property
    def body(self) -> Any:
        """The body as JSON data; of a multipart body its texts and files."""
        form = read(self.headers.get("content-type", ""), self.request.body or b"")
        if form is not None:
            return {**form.texts, **{name: content.decode() for name, content in form.files.items()}}
        return json.loads(self.request.body) if self.request.body else None


def made_by(kind: ConnectorType, case: Case, rows: Rows | None = None) -> list[Made]:
    """Return the requests of a case, without those for a token; answers beyond the case's are never reached."""
    made: list[Made] = []
    answers = [exchange.response for exchange in case.exchanges]

    def answer(request: Request) -> Response:
        given = answers[len(made)] if len(made) < len(answers) else answers[-1]
        content = json.dumps(given.body).encode() if given.body is not None else b""
        response = Response(given.status, {}, content, given.error)
        made.append(Made(request, response))
        return response

    if kind.manifest.kind == "event" and case.do == "add":
        asyncio.run(send_events(case, kind, FakeTransport(answer), []))
        return _without_tokens(made)
    configured = kind.configured(case.settings)
    client = ConnectorClient(
        configured,
        case.settings,
        lambda name: f"test-{name}",
        FakeTransport(answer),
        timing=still_clock(),
        policy=RetryPolicy(attempts=case.attempts),
    )
    asyncio.run(act(client, configured, case, rows))
    return _without_tokens(made)


def _without_tokens(made: list[Made]) -> list[Made]:
    return [one for one in made if not urlsplit(one.request.url).path.endswith("/token")]


async def act(client: ConnectorClient, kind: ConnectorType, case: Case, rows: Rows | None) -> None:
    """Do what a case does."""
    manifest = kind.manifest
    scope: dict[str, Any] = {"destination": dict(case.destination)}
    signal = manifest.signals.get(case.do) if case.do in ("add", "remove", "modify") else None
    if case.do == "erase":
        signal = manifest.erase
    if isinstance(signal, SignalOperation):
        columns = columns_of(case, manifest)
        scope["identifiers"] = [manifest.identifiers[name].field for name in columns]
        await client.send_batch(signal, scope, rows or batch_of(signal, manifest, case, columns)[0])
    elif case.do == "find" and manifest.destination.find is not None:
        with suppress(PlatformError):
            async for _ in client.listing(manifest.destination.find, scope):
                pass
    else:
        operation = manifest.check if case.do == "check" else getattr(manifest.destination, case.do)
        assert operation is not None
        await client.call(operation, scope)


def cases_of(kind: ConnectorType) -> Iterator[Case]:
    """Yield the cases of a type, those about tokens left out: they are no matter of the document."""
    return (case for file, case in read_cases(kind.folder) if file != "token.yaml")


def specification(kind: ConnectorType, shared: Path) -> Specification:
    """Return the vendor's document."""
    file, details = DOCUMENTS[kind.name]
    return Specification.read(shared / "specs" / file, **details)


def most_rows(kind: ConnectorType, signal: SignalOperation) -> int:
    """Return how many rows or events a request has at most."""
    return signal.rows_per_request or kind.manifest.limits.rows_per_request


def problems(specified: Specification, one: Made) -> list[str]:
    """Return what a request says that its vendor does not know or allow."""
    # A version of the API in the path is a matter of the settings.
    url = one.request.url.replace("/v24.0/", "/v25.0/")
    return list(specified.problems(one.request.method, url, one.headers, one.body))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_request_is_described(kind: ConnectorType, shared: Path) -> None:
    """Path, method, parameters, headers and body are those of the document, and nothing else is said."""
    specified = specification(kind, shared)
    found = {
        f"{case.case}: {problem}"
        for case in cases_of(kind)
        for one in made_by(kind, case)
        for problem in problems(specified, one)
    }

    assert set() == found


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_full_batch_is_described(kind: ConnectorType, shared: Path) -> None:
    """As many rows as the type ever sends at once are as many as the vendor takes."""
    specified = specification(kind, shared)
    for name, signal in kind.manifest.signals.items():
        case = next(case for case in cases_of(kind) if case.do == name and len(case.exchanges) > 0)
        assert isinstance(signal, SignalOperation)
        if kind.manifest.kind == "event":
            full = case.model_copy(update={"events": case.events[:1] * most_rows(kind, signal)})
            (request, *_) = made_by(kind, full)
            assert [] == problems(specified, request)
            continue
        columns = columns_of(case, kind.manifest)
        few = batch_of(signal, kind.manifest, case, columns)[0]
        most = most_rows(kind, signal)
        if few.records is not None:
            continue  # looked up by ids: the document says nothing about how many
        one = json.dumps(json.loads(b"[%b]" % few.text)[0]).encode()
        (request, *_) = made_by(kind, case, Rows(b",".join([one] * most), most))
        assert [] == problems(specified, request)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_answers_of_the_cases_are_described(kind: ConnectorType, shared: Path) -> None:
    """What a case lets the platform say on a good day has no key that the vendor does not know."""
    specified = specification(kind, shared)
    found = {
        f"{case.case}: {problem}"
        for case in cases_of(kind)
        for exchange in case.exchanges
        if exchange.response.status < 300
        for problem in specified.unknown_in_answer(
            exchange.request.method, exchange.request.url, exchange.response.status, exchange.response.body
        )
    }

    assert set() == found


def test_uploads_to_meta_have_the_documented_form() -> None:
    """The part that Meta's specification leaves open is what its guide describes; each row has a value per key."""
    schema = json.loads((SCHEMAS / "meta_users.schema.json").read_text(encoding="utf-8"))
    kind = Catalog().get("meta_custom_audiences")
    uploads = [
        one.body for case in cases_of(kind) if case.do in ("add", "remove") for one in made_by(kind, case)
    ]

    assert len(uploads) > 10
    for body in uploads:
        jsonschema.validate(body, schema)
        keys = body["payload"]["schema"]
        assert {len(keys)} == {len(row) for row in body["payload"]["data"]}
        assert all(any(row) for row in body["payload"]["data"])


def test_conversions_to_meta_name_what_is_described(shared: Path) -> None:
    """Path and parameters are those of Meta's specification, which leaves the events themselves to its guide."""
    document = json.loads(
        (shared / "specs/meta/meta-audiences-capi.openapi.json").read_text(encoding="utf-8")
    )
    (path,) = (name for name in document["paths"] if name.endswith("/events"))
    body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema = json.loads((SCHEMAS / "meta_event.schema.json").read_text(encoding="utf-8"))
    kind = Catalog().get("meta_conversions")
    sent = [one for case in cases_of(kind) if case.do == "add" for one in made_by(kind, case)]

    assert len(sent) > 5
    for one in sent:
        assert urlsplit(one.request.url).path.endswith("/events")
        assert set(body["required"]) <= one.body.keys() <= body["properties"].keys()
        for event in one.body["data"]:
            jsonschema.validate(event, schema)


def test_analytics_takes_what_is_measured(shared: Path) -> None:
    """Bodies are those of Google's own schemas; what these do not know yet stands on its pages only."""
    schema = json.loads((shared / "specs/ga4/ga4-mp.schema.json").read_text(encoding="utf-8"))
    kind = Catalog().get("google_analytics_4")
    sent = [one.body for case in cases_of(kind) if case.do == "add" for one in made_by(kind, case)]

    assert len(sent) > 3
    for body in sent:
        known = {key: value for key, value in body.items() if key not in ("consent", "user_data")}
        jsonschema.validate(known, schema)


def test_meta_knows_the_fields_that_are_asked_for(shared: Path) -> None:
    """`fields` of a reading names what a custom audience has."""
    kind = Catalog().get("meta_custom_audiences")
    raw = json.loads((shared / "specs/meta/meta-api-specs-raw.json").read_text(encoding="utf-8"))
    known = {field["name"] for field in raw["fields"]["CustomAudience"]}
    asked = {
        name
        for case in cases_of(kind)
        for one in made_by(kind, case)
        for name in dict(parse_qsl(urlsplit(one.request.url).query)).get("fields", "").split(",")
        if name
    }

    assert set() == asked - known


def test_a_request_that_is_not_described_is_found(shared: Path) -> None:
    """The check itself: a wrong path, method, parameter, header, type and key are each seen."""
    specified = specification(Catalog().get("klaviyo_lists"), shared)
    headers = {"revision": "2026-07-15", "content-type": "application/vnd.api+json"}
    body: Any = {"data": {"type": "list", "attributes": {"name": "A"}}}
    url = "https://a.klaviyo.com/api/lists"

    assert [] == list(specified.problems("POST", url, headers, body))
    assert list(specified.problems("PUT", url, headers, body))
    assert list(specified.problems("POST", f"{url}s", headers, body))
    assert list(specified.problems("POST", f"{url}?a=1", headers, body))
    assert list(specified.problems("POST", url, {**headers, "x": "y"}, body))
    assert list(specified.problems("POST", url, {"content-type": headers["content-type"]}, body))
    wrong = ({"name": 1}, {"name": "A", "opt_in": "single"}, {"nam": "A"})
    for attributes in wrong:
        changed = {"data": {"type": "list", "attributes": attributes}}
        assert list(specified.problems("POST", url, headers, changed))


def test_recorded_answers_are_understood(shared: Path, snapshot) -> None:
    """What Meta really answered some years ago is read as what it was."""
    recorded = json.loads((shared / "recorded" / "facebook.json").read_text(encoding="utf-8"))
    kind = Catalog().get("meta_custom_audiences")
    read: Mapping[str, str] = {
        f"{number:02} {exchange['method']} {_shape(exchange['url'])}": _meaning(kind, exchange)
        for number, exchange in enumerate(recorded["exchanges"])
    }

    assert snapshot == read


def _shape(url: str) -> str:
    """Return a path without its ids."""
    parts = urlsplit(url).path.strip("/").split("/")[1:]
    return "/".join("act" if part.startswith("act_") else "id" if part.isdigit() else part for part in parts)


def _meaning(kind: ConnectorType, exchange: Mapping[str, Any]) -> str:
    """Return what the classifier makes of a recorded answer, with the template of what was asked."""
    response = Response(exchange["status"], {}, json.dumps(exchange["response"]).encode())
    outcome = classify(kind, _template(kind, exchange), response)
    names = sorted(name for name in outcome.extracted if outcome.extracted[name] is not None)
    known = f" with {', '.join(names)}" if names else ""
    said = f" ({outcome.category}: {outcome.message})" if outcome.category else ""
    return f"{exchange['status']} -> {outcome.kind}{said}{known}"


def _template(kind: ConnectorType, exchange: Mapping[str, Any]) -> ResponseTemplate:
    target = kind.manifest.destination
    shape = f"{exchange['method']} {_shape(exchange['url'])}"
    operations = {
        "GET act/customaudiences": target.find,
        "POST act/customaudiences": target.create,
        "GET id": target.read,
        "POST id": target.update,
        "DELETE id": target.delete,
        "POST id/users": kind.manifest.signals["add"],
        "DELETE id/users": kind.manifest.signals["remove"],
    }
    part = operations.get(shape)
    return ResponseTemplate() if part is None or not hasattr(part, "response") else part.response
