"""What settings, ids and people are made of leads to no other host, path, parameter or record."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import pytest

from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.connectors.manifest import RequestTemplate
from audiform.connectors.request import MissingReferenceError, build
from audiform.connectors.ways import is_private
from audiform.transports.tables import create

EVIL = [
    "evil.example.com",
    "evil.example.com/",
    "evil.example.com#",
    "a@evil.example.com",
    "evil.example.com:1/?",
    "a\r\nb",
]
ODD = ["../../admin", "..", "a/b", "a?b=c", "a#b", "a\r\nX-Evil: 1", "%2e%2e", "a&b=c", "é", '"},{"a":"']
SETTING = re.compile(r"\{\{ *settings\.(\w+) *\}\}")
KIND = Catalog().get("klaviyo_lists")


def hosts() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (type, setting, its schema) for each setting of a shipped type that is part of a host's name."""
    for name in Catalog().names():
        kind = Catalog().get(name)
        schema = kind.manifest.settings.get("properties", {})
        texts = [kind.manifest.base_url, str(getattr(kind.manifest.auth, "token_url", ""))]
        for text in texts:
            for setting in SETTING.findall(text.partition("://")[2].partition("/")[0]):
                yield name, setting, schema[setting]


@pytest.mark.parametrize(("name", "setting", "schema"), list(hosts()))
def test_a_setting_of_a_shipped_type_leads_to_no_other_host(name: str, setting: str, schema: dict[str, Any]):
    """A region or an account's name is one of a list or has a form in which no stranger's host fits."""
    validator = jsonschema.Draft202012Validator(schema)

    assert [] == [text for text in EVIL if validator.is_valid(text)], f"{name}: {setting}"


@pytest.mark.parametrize("text", EVIL[1:])
def test_a_part_of_a_host_is_checked_again_when_a_request_is_made(text: str):
    """Whatever a manifest allows, the request itself is not made."""
    manifest = KIND.manifest.model_copy(update={"base_url": "https://{{ settings.host }}/api"})
    kind = ConnectorType(KIND.name, manifest, KIND.folder, custom=False, digest="")

    with pytest.raises(MissingReferenceError):
        build(
            kind,
            RequestTemplate.model_validate({"method": "GET", "path": "/a"}),
            {"settings": {"host": text}},
        )


@pytest.mark.parametrize("text", ODD)
def test_an_id_stays_in_its_place(text: str):
    """One in a path is one segment, one in a query one parameter, and one in a body one text."""
    template = {
        "method": "POST",
        "path": "/lists/{{ destination.id }}/members",
        "query": {"q": "{{ destination.id }}"},
        "body": {"id": "{{ destination.id }}"},
    }
    request = build(
        KIND, RequestTemplate.model_validate(template), {"destination": {"id": text}, "settings": {}}
    )
    parts = urlsplit(request.url)

    assert urlsplit(KIND.manifest.base_url).netloc == parts.netloc
    assert re.fullmatch(r"(/api)?/lists/[^/?#\s]+/members", parts.path)
    assert not {".", ".."} & set(parts.path.split("/"))
    assert {"q": [text]} == parse_qs(parts.query)
    assert {"id": text} == json.loads(request.body or b"")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://localhost.example.com",
        "http://127.0.0.1@example.com",
        "http://127.0.0.1,example.com",
        "file://example.com/a",
        "ftp://127.0.0.1/a",
        "gopher://127.0.0.1",
        "HTTP://example.com",
        "//127.0.0.1",
        "",
    ],
)
def test_nothing_goes_where_others_can_read(url: str):
    """Only encrypted ways leave this machine, however the URL is dressed up."""
    assert not is_private(url)


def test_a_name_in_sql_stays_a_name():
    """A table, a column or a comment of a database is quoted, whatever a setting or an attribute says."""
    said: list[str] = []

    class Cursor:
        def execute(self, text: str, _values: object = ()) -> None:
            said.append(text)

        def fetchall(self) -> list[Any]:
            return []

    wanted = {
        "schema": 'a"; DROP TABLE b; --',
        "name": "c",
        "columns": ['d" text); DROP TABLE b; --'],
        "key": "d",
        "comment": "e'; DROP TABLE b; --",
    }
    create(Cursor(), wanted)

    assert 'CREATE TABLE "a""; DROP TABLE b; --"."c" ("d"" text); DROP TABLE b; --" text, ' in said[0]
    assert 'COMMENT ON TABLE "a""; DROP TABLE b; --"."c" IS \'e\'\'; DROP TABLE b; --\'' == said[1]
