"""How sources are reached, as `validate` looks at it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from audiform.check.sources import check_sources
from audiform.config.kinds import Policy, Source
from plan.world import project

USER = {"user": {"from_env": "U"}, "password": {"from_env": "P"}}


def codes(allowed: tuple[str, ...] = (), **source: Any) -> list[str]:
    """Return the codes of what is wrong with a source."""
    made = project(sources={}, audiences={}, bindings={}, connectors={})
    crm = Source.model_validate(source)
    made = replace(made, sources={"crm": crm}, policy=Policy(allowed_hosts=allowed))
    return [item.code for item in check_sources(made)]


@pytest.mark.parametrize(
    ("url", "allowed", "found"),
    [
        ("postgresql://db.example.com/shop", (), ["host-not-allowed"]),
        ("postgresql://db.example.com/shop", ("db.example.com",), []),
        ("postgresql://127.0.0.1/shop", (), []),
    ],
    ids=["not allowed", "allowed", "local"],
)
def test_a_database_is_at_a_host_that_is_allowed(url, allowed, found):
    """Whoever changes the URL in a pull request does not get the project's queries, nor its password."""
    assert found == codes(allowed, type="postgresql", settings={"url": url}, credentials=USER)


@pytest.mark.parametrize(
    ("kind", "settings", "credentials"),
    [
        ("mysql", {"url": "mysql://HOST/shop"}, USER),
        ("s3", {"bucket": "lake", "tables": {"a": "a.csv"}, "endpoint": "https://HOST:9000"}, {}),
        (
            "azure",
            {"account": "lake", "container": "lake", "tables": {"a": "a.csv"}, "endpoint": "https://HOST"},
            {},
        ),
        ("iceberg", {"catalog": "https://HOST/api", "tables": {"a": "b.a"}}, {"token": {"from_env": "T"}}),
        ("iceberg", {"catalog": "postgresql://HOST/lake", "tables": {"a": "b.a"}}, USER),
        ("iceberg", {"tables": {"a": "b.a"}, "endpoint": "https://HOST"}, {}),
    ],
    ids=["database", "storage", "container", "catalog", "catalog in a database", "storage of tables"],
)
def test_every_server_is_at_a_host_that_is_allowed(kind, settings, credentials):
    """Also the one that a catalog is asked at, or files are read from."""

    def at(host: str) -> dict[str, Any]:
        return {
            key: value.replace("HOST", host) if isinstance(value, str) else value
            for key, value in settings.items()
        }

    allowed = ("data.example.com",)

    assert ["host-not-allowed"] == codes(
        allowed, type=kind, settings=at("other.example.com"), credentials=credentials
    )
    assert [] == codes(allowed, type=kind, settings=at("data.example.com"), credentials=credentials)
    assert [] == codes(type=kind, settings=at("127.0.0.1"), credentials=credentials)


def test_a_way_in_clear_is_refused():
    """People do not travel in clear, but within this machine."""
    clear = {"bucket": "lake", "tables": {"a": "a.csv"}, "endpoint": "http://minio.example.com"}

    assert ["insecure-url"] == codes(("minio.example.com",), type="s3", settings=clear)
    assert ["insecure-url"] == codes(type="flightsql", settings={"url": "grpc://flight.example.com:443"})
    assert [] == codes(type="flightsql", settings={"url": "grpc://127.0.0.1:443"})


def test_credentials_are_those_of_the_type():
    """One that lacks, one too many, and two ways at once are said."""
    url = {"url": "postgresql://127.0.0.1/shop"}
    one = {"user": USER["user"]}

    assert ["missing-credential"] == codes(type="postgresql", settings=url)
    assert ["missing-credential"] == codes(type="postgresql", settings=url, credentials=one)
    assert ["unknown-field"] == codes(type="duckdb", settings={}, credentials=one)
    assert [] == codes(type="bigquery", settings={"project": "shop"})


def test_a_catalog_in_a_database_needs_a_user():
    """Other catalogs may do without."""
    tables = {"tables": {"people": "marts.people"}}
    there = tables | {"catalog": "postgresql://127.0.0.1/lake"}

    assert ["missing-credential"] == codes(type="iceberg", settings=there)
    assert [] == codes(type="iceberg", settings=there, credentials=USER)
    assert [] == codes(type="iceberg", settings=tables)


def test_freshness_is_one_select():
    """It is run as it is, so it must not change anything."""
    local = {"url": "postgresql://127.0.0.1/shop", "freshness": "DELETE FROM people"}

    assert ["sql-not-select"] == codes(type="postgresql", settings=local, credentials=USER)
