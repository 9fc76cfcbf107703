"""Tables of a real server, through the manifest and the real client."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from adbc_driver_manager import Error
from adbc_driver_postgresql import dbapi
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from audiform.client import ConnectorClient, Rows
from audiform.connectors.auth.basic import basic_header
from audiform.connectors.catalog import Catalog
from audiform.connectors.manifest import SignalOperation
from audiform.outcome import Category, Outcome, OutcomeKind, Request
from audiform.transports.postgresql import PostgresqlTransport, _asked, _place
from audiform.transports.sql_errors import no_connection
from audiform.wire import RetryPolicy
from servers import Database

NAMES = iter(range(1000))


@dataclass
class Kept:
    """A table of its own, and a client that keeps it."""

    database: Database
    password: str = ""
    name: str = field(default_factory=lambda: f"buyers_{next(NAMES)}")

    def run(self, *steps: Any) -> list[Outcome]:
        """Do steps one after the other: (operation, attributes) or (signal, rows)."""

        async def whole() -> list[Outcome]:
            client = self._client()
            try:
                return [await self._step(client, *step) for step in steps]
            finally:
                await client.transport.close()

        return asyncio.run(whole())

    def rows(self, what: str = "external_id, email, variables::text") -> list[tuple[Any, ...]]:
        """Return what is in the table."""
        return self.sql(f"SELECT {what} FROM {self.name} ORDER BY external_id")

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement as the owner."""
        request = Request(
            "GET", f"{self.database.url}/tables", (basic_header(self.database.user, self.database.password),)
        )
        with dbapi.connect(_place(request, _asked(request))) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            found = cursor.fetchall() if statement.startswith("SELECT") else []
            connection.commit()
        return found

    def _client(self) -> ConnectorClient:
        settings = {"database": self.database.url}
        secrets = {"username": self.database.user, "password": self.password or self.database.password}
        kind = Catalog().get("postgresql_audience").configured(settings)
        policy = RetryPolicy(attempts=1)
        return ConnectorClient(kind, settings, secrets.__getitem__, PostgresqlTransport(), policy=policy)

    async def _step(self, client: ConnectorClient, do: str, given: Any) -> Outcome:
        manifest = client.connector_type.manifest
        destination = {"name": self.name, "id": f"public.{self.name}"}
        signal = manifest.signals.get(do)  # type: ignore[call-overload]
        if isinstance(signal, SignalOperation):
            text = b",".join(json.dumps(row).encode() for row in given)
            return await client.send_batch(signal, {"destination": destination}, Rows(text, len(given)))
        operation = getattr(manifest.destination, do)
        return await client.call(operation, {"destination": {**destination, **given}})


@pytest.fixture
def kept(database: Database) -> Kept:
    """Return a table that is not there yet."""
    return Kept(database)


def member(identity: str, **more: Any) -> dict[str, Any]:
    """Return one row."""
    return {"external_id": identity, **more}


def ok(outcomes: Sequence[Outcome]) -> list[bool]:
    """Return which steps succeeded."""
    return [outcome.ok for outcome in outcomes]


def test_the_table_is_equal_to_what_was_sent(kept):
    """Who was added is a row, who changed is written over, who was removed is gone; each as often as one likes."""
    two = [member("1", email="a@example.com", variables={"ltv": 3}), member("2", variables={"ltv": None})]
    done = kept.run(
        ("create", {}),
        ("add", two),
        ("add", two),
        ("modify", [member("1", email="a@example.com", variables={"ltv": 4})]),
        ("remove", [member("2"), member("nobody")]),
    )

    assert [True] * 5 == ok(done)
    assert [("1", "a@example.com", '{"ltv": 4}')] == kept.rows()


def test_a_batch_is_as_large_as_the_limit_says(kept):
    """The limit of the manifest is one that the server takes, with values of any characters."""
    many = [
        member(f"{number}'\"\\", email="é\u2028", variables={"q": "'; DROP TABLE x"})
        for number in range(5000)
    ]

    assert [True] * 3 == ok(kept.run(("create", {}), ("add", many), ("remove", many[1:])))
    assert [("0'\"\\", "é\u2028", '{"q": "\'; DROP TABLE x"}')] == kept.rows()


def test_a_variable_may_have_a_column_of_its_own(kept):
    """Computed columns follow the variables, and can be added, changed and dropped with rows there."""
    created, _, changed, read = kept.run(
        ("create", {"columns": {"ltv": "numeric"}}),
        ("add", [member("1", variables={"ltv": 3.5, "vip": True})]),
        ("update", {"columns": {"ltv": "text", "vip": "boolean"}}),
        ("read", {}),
    )

    assert {"ltv": "numeric"} == created.extracted["destination.columns"]
    assert {"ltv": "text", "vip": "boolean"} == changed.extracted["destination.columns"]
    assert changed.extracted == read.extracted
    assert [("3.5", True)] == kept.rows("ltv, vip")


def test_a_value_of_another_form_refuses_the_batch(kept):
    """The database takes none of it, and the message repeats no value."""
    *_, outcome = kept.run(
        ("create", {"columns": {"ltv": "numeric"}}),
        ("add", [member("1"), member("2", variables={"ltv": "canary"})]),
    )

    assert (OutcomeKind.FAILED, Category.INVALID_REQUEST) == (outcome.kind, outcome.category)
    assert "has not the form of its column" in outcome.message
    assert "canary" not in repr(outcome)
    assert [] == kept.rows()


def test_a_table_is_made_read_and_dropped_once(kept):
    """What is there is not made again, and what is gone is missing; the comment is kept as it was given."""
    steps = [
        ("create", {"description": "it's [x]"}),
        ("create", {}),
        ("read", {}),
        ("delete", {}),
        ("read", {}),
    ]
    created, again, read, dropped, gone = kept.run(
        *steps,
    )

    assert f"public.{kept.name}" == created.extracted["destination.id"]
    assert "exists already" in again.message
    assert "it's [x]" == read.extracted["destination.description"]
    assert dropped.ok
    assert Category.DESTINATION_MISSING is gone.category


def test_tables_with_a_comment_are_found(kept):
    """Whoever looks for a marker sees the tables that can have one."""
    kept.run(("create", {"description": "found"}))

    async def found() -> list[Any]:
        client = kept._client()
        operation = client.connector_type.manifest.destination.find
        assert operation is not None
        entries = [entry async for entry in client.listing(operation, {})]
        await client.transport.close()
        return entries

    names = {entry["destination.name"]: entry["destination.description"] for entry in asyncio.run(found())}
    assert "found" == names[kept.name]


def test_members_of_a_table_that_is_gone_are_not_lost(kept):
    """Writing to a table that was dropped says that the destination is missing."""
    (outcome,) = kept.run(("add", [member("1")]))

    assert Category.DESTINATION_MISSING is outcome.category


def test_a_table_of_somebody_else_is_not_written_to(kept):
    """A missing right is named as one."""
    kept.sql(f"CREATE TABLE {kept.name} (external_id text PRIMARY KEY)")
    kept.sql("CREATE ROLE stranger LOGIN PASSWORD 'p'")
    stranger = Kept(Database(kept.database.port, "stranger", "p"), name=kept.name)
    (outcome,) = stranger.run(("remove", [member("1")]))
    kept.sql("DROP ROLE stranger")

    assert Category.PERMISSION_DENIED is outcome.category


def test_a_wrong_password_is_a_matter_of_credentials(database):
    """The server's refusal is understood, and nothing of the password is said."""
    (outcome,) = Kept(database, password="canary").run(("read", {}))

    assert (OutcomeKind.FAILED, Category.INVALID_CREDENTIALS) == (outcome.kind, outcome.category)
    assert "canary" not in repr(outcome)


def test_a_server_that_is_not_there_is_asked_again():
    """Nothing has left this machine."""
    (outcome,) = Kept(Database(1)).run(("read", {}))

    assert (OutcomeKind.RETRY, "no connection" in outcome.message) == (outcome.kind, True)


@pytest.mark.parametrize(
    ("host", "mode"),
    [
        ("127.0.0.1:5432", "disable"),
        ("db.example.com:5432", "verify-full"),
        ("localhost,db.example.com", "verify-full"),
    ],
)
def test_what_leaves_this_machine_is_encrypted(host, mode):
    """The server's certificate is verified, unless the server is this machine itself."""
    request = Request("GET", f"postgresql://{host}/shop/tables", (basic_header("u", "p@ss/w"),))

    assert f"sslmode={mode}" in _place(request, _asked(request))
    assert "u:p%40ss%2Fw@" in _place(request, _asked(request))


def test_a_certificate_that_nobody_trusts_is_refused(database, monkeypatch, tmp_path):
    """Only a server with a certificate of an authority that this machine trusts is connected to."""
    owner = Kept(database)
    ((folder,),) = owner.sql("SELECT current_setting('data_directory')")
    certificate = with_certificate(Path(folder), tmp_path)
    owner.sql("SELECT pg_reload_conf()")
    while owner.sql("SELECT current_setting('ssl')") != [("on",)]:
        time.sleep(0.05)
    url = f"postgresql://db.example.com:{database.port}/shop/tables"
    request = Request("GET", url, (basic_header(database.user, database.password),))
    place = _place(request, _asked(request)).replace("db.example.com", "localhost")

    with pytest.raises(Error, match="certificate verify failed") as error:
        dbapi.connect(place)
    assert (0, False) == ((answer := no_connection(error.value)).status, answer.sent)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    dbapi.connect(place).close()


def with_certificate(folder: Path, beside: Path) -> Path:
    """Give a server a certificate that it has signed itself, and switch TLS on; return a copy that this machine can trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
        .public_bytes(Encoding.PEM)
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    owner = folder.stat()
    for file, content in (("server.crt", certificate), ("server.key", secret)):
        (folder / file).write_bytes(content)
        (folder / file).chmod(0o600)
        os.chown(folder / file, owner.st_uid, owner.st_gid)
    with (folder / "postgresql.conf").open("a") as configuration:
        configuration.write("ssl = on\n")
    (beside / "root.crt").write_bytes(certificate)
    return beside / "root.crt"
