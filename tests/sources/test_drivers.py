"""What each driver is opened with: read-only and limited where it knows such things, and never shown."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from audiform.config.kinds import Source
from audiform.sources.drivers import DRIVERS, Given, way_to

KEY = (
    generate_private_key(65537, 2048)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)
USER = {"user": "reader", "password": "p@ss/canary"}


def way(kind: str, settings: dict[str, Any], secrets: dict[str, str]) -> Any:
    """Return how a source is reached, for a binding."""
    source = Source.model_validate({"type": kind, "settings": settings})
    return way_to(source, Given(secrets, "/data/shop crm.sqlite", "audiform shop/production binding.vips"))


def test_a_postgresql_elsewhere_is_verified_and_read_only():
    """TLS is verified but on this machine itself; the session cannot write and has a limit from its first statement."""
    there = {
        "url": "postgresql://db.example.com:5432/shop",
        "statement_timeout": "5m",
        "search_path": ["a b"],
    }
    here = way("postgresql", {"url": "postgresql://127.0.0.1/shop"}, USER)
    found = way("postgresql", there, USER)

    assert (
        "postgresql://reader:p%40ss%2Fcanary@db.example.com:5432/shop?sslmode=verify-full&sslrootcert=system"
        "&connect_timeout=10&application_name=audiform%20shop%2Fproduction%20binding.vips"
        "&options=-c%20default_transaction_read_only%3Don%20-c%20statement_timeout%3D300000"
        "%20-c%20search_path%3D%22a%5C%20b%22"
    ) == found.uri
    assert "sslmode=disable" in here.uri
    assert "canary" not in repr(found)


def test_a_mysql_elsewhere_is_verified():
    """TLS is verified but on this machine itself; the port has the usual number; nothing of it is shown."""
    there = way("mysql", {"url": "mysql://db.example.com/shop", "statement_timeout": "5m"}, USER)
    here = way("mariadb", {"url": "mariadb://127.0.0.1:3307/shop"}, USER)

    assert {
        "host": "db.example.com",
        "port": "3306",
        "database": "shop",
        "user": "reader",
        "password": "p@ss/canary",
        "timeout": "300",
        "tls": "yes",
    } == there.options
    assert ("3307", "no") == (here.options["port"], here.options["tls"])
    assert "canary" not in repr(there)


def test_a_sqlite_file_is_opened_read_only():
    """Whatever its path holds."""
    assert "file:/data/shop%20crm.sqlite?mode=ro" == way("sqlite", {"database": "x"}, {}).uri


@pytest.mark.parametrize(
    ("kind", "settings", "secrets"),
    [
        ("flightsql", {"url": "grpc+tls://flight.example.com:443"}, USER),
        ("flightsql", {"url": "grpc+tls://flight.example.com:443"}, {"token": "canary"}),
        ("snowflake", {"account": "org-shop", "database": "SHOP", "warehouse": "WH", "schema": "S"}, USER),
        (
            "snowflake",
            {"account": "org-shop", "database": "SHOP", "warehouse": "WH", "role": "R"},
            {"user": "r", "private_key": KEY},
        ),
        (
            "snowflake",
            {"account": "org-shop", "database": "SHOP", "warehouse": "WH"},
            {"user": "r", "token": "canary"},
        ),
        ("bigquery", {"project": "shop", "dataset": "crm", "location": "EU"}, {"service_account": "{}"}),
        ("bigquery", {"project": "shop"}, {}),
    ],
    ids=["password", "token", "snowflake", "key", "access-token", "account", "default"],
)
def test_the_driver_knows_every_option(kind, settings, secrets):
    """Each option is one that the installed driver takes, with a value that it can read. No service was asked."""
    found = way(kind, settings, secrets)
    database = import_module(DRIVERS[kind]).connect
    place = {} if found.uri is None else {"uri": found.uri}

    with database(**place, db_kwargs=dict(found.options)) as opened:
        assert opened is not None
    assert "canary" not in repr(found)
