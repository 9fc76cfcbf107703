"""Secrets from stores: what a reference gives, once per run, and what is said (and never said) when it gives nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from audiform.config.secret_references import (
    AwsSecret,
    FromAws,
    FromGcp,
    FromVault,
    GcpSecret,
    SecretReference,
    VaultSecret,
)
from audiform.diagnostics import DiagnosticError
from audiform.secret_stores import gcp
from audiform.secret_stores.content import chosen
from audiform.secret_stores.stores import SecretStores, missing_library
from secret_stores.servers import TOKEN, secret_manager, vault
from servers import ObjectStorage

CANARY = "canary-s3cret"
ROOT = Path()


def in_vault(path: str = "shop/ads", field: str = "token", **more: Any) -> FromVault:
    """Return a reference."""
    return FromVault(from_vault=VaultSecret(path=path, field=field, **more))


def in_aws(secret: str = "shop/ads", **more: Any) -> FromAws:
    """Return a reference."""
    return FromAws(from_aws=AwsSecret(id=secret, **{"region": "eu-central-1", **more}))


def refusal(resolve: Callable[[], object]) -> str:
    """Return the message of what does not resolve; it names no secret."""
    with pytest.raises(DiagnosticError) as caught:
        resolve()
    (found,) = caught.value.diagnostics
    assert "secret-unavailable" == found.code
    assert "canary" not in found.detail
    assert caught.value.__cause__ is None, "what the vendor's library says may hold the secret"
    return found.detail


def refusals(*references: SecretReference) -> list[str]:
    """Return the message of each reference."""
    return [refusal(partial(SecretStores().resolve, reference, ROOT)) for reference in references]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Run Vault's stand-in, and give the process its address and a token; return what is asked."""
    secrets: dict[str, list[Any]] = {
        "shop/ads": [
            {"token": f"{CANARY}-1"},
            None,
            {"token": CANARY, "port": 443, "list": ["canary"], "empty": ""},
        ],
    }
    with vault(secrets) as (address, asked):
        monkeypatch.setenv("VAULT_ADDR", address)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield asked


def test_vault(asked):
    """The latest version or the one that is named, of both engines; a secret is read once, whatever its fields."""
    stores = SecretStores()

    assert [CANARY, "443", f"{CANARY}-1", CANARY] == [
        stores.resolve(reference, ROOT)
        for reference in (in_vault(), in_vault(field="port"), in_vault(version=1), in_vault(mount="kv", kv=1))
    ]
    assert ["/v1/secret/data/shop/ads", "/v1/secret/data/shop/ads?version=1", "/v1/kv/shop/ads"] == asked
    assert CANARY not in repr(stores)


def test_vault_says_what_is_missing(asked, monkeypatch, snapshot: SnapshotAssertion):
    """Each way of not getting a secret has its message; a redirect is not followed, because the token would go along."""
    said = refusals(
        in_vault("shop/absent"),
        in_vault(version=2),
        in_vault(version=9),
        in_vault("sealed"),
        in_vault("moved"),
        in_vault(field="tokn"),
        in_vault(field="list"),
        in_vault(field="empty"),
    )
    monkeypatch.setenv("VAULT_TOKEN", "another")
    said += refusals(in_vault())
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:9")
    said += refusals(in_vault())
    monkeypatch.setenv("VAULT_ADDR", "http://vault.example.com")
    said += refusals(in_vault())
    monkeypatch.setenv("VAULT_ADDR", "https://vault.example.com")
    monkeypatch.setenv("VAULT_TOKEN", "")
    monkeypatch.setenv("HOME", "/nowhere")
    said += refusals(in_vault())
    monkeypatch.delenv("VAULT_ADDR")
    said += refusals(in_vault())

    assert snapshot == said


def test_a_store_that_does_not_answer_is_asked_once(asked, monkeypatch):
    """Ten credentials of a store that is gone do not wait ten times."""
    monkeypatch.delenv("VAULT_TOKEN")
    monkeypatch.setenv("HOME", "/nowhere")
    stores = SecretStores()
    first = refusal(lambda: stores.resolve(in_vault(), ROOT))
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)

    assert first == refusal(lambda: stores.resolve(in_vault("shop/other"), ROOT))
    assert [] == asked


def test_aws(storage: ObjectStorage, monkeypatch, snapshot: SnapshotAssertion):
    """The current version, an earlier one by its id or label, fields of JSON, bytes; and what is said of what is not there."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", storage.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-key")
    manager = storage.client("secretsmanager")
    first = manager.create_secret(Name="shop/ads", SecretString=f'{{"token": "{CANARY}-1"}}')["VersionId"]
    manager.put_secret_value(SecretId="shop/ads", SecretString=f'{{"token": "{CANARY}"}}')
    manager.create_secret(Name="plain", SecretString=CANARY)
    manager.create_secret(Name="bytes", SecretBinary=CANARY.encode())
    manager.create_secret(Name="no-text", SecretBinary=b"\xff\xfecanary")
    manager.create_secret(Name="deleted", SecretString=CANARY)
    manager.delete_secret(SecretId="deleted", RecoveryWindowInDays=7)
    stores = SecretStores()

    assert [CANARY, f"{CANARY}-1", f"{CANARY}-1", CANARY, CANARY, f'{{"token": "{CANARY}"}}'] == [
        stores.resolve(reference, ROOT)
        for reference in (
            in_aws(field="token"),
            in_aws(field="token", version=first),
            in_aws(field="token", stage="AWSPREVIOUS"),
            in_aws("plain"),
            in_aws("bytes"),
            in_aws(),
        )
    ]
    said = refusals(
        in_aws("absent"),
        in_aws("deleted"),
        in_aws("no-text"),
        in_aws("plain", field="token"),
        in_aws(stage="NONE"),
    )
    said += refusals(in_aws(region=None))
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
    said += refusals(in_aws())
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    said += refusals(in_aws())

    assert snapshot == said


def test_gcp(snapshot: SnapshotAssertion):
    """The latest version or the one that is named, through the vendor's own client; and what is said otherwise."""
    unavailable, denied, disabled = 14, 7, 9

    def secret(name: str = "ads-token", **more: Any) -> GcpSecret:
        return GcpSecret(project="shop", secret=name, **more)

    held: dict[str, list[bytes | int]] = {
        "projects/shop/secrets/ads-token": [CANARY.encode(), disabled, f'{{"token": "{CANARY}"}}'.encode()],
        "projects/shop/secrets/denied": [denied],
        "projects/shop/secrets/gone": [unavailable],
        "projects/shop/secrets/no-text": [b"\xff\xfecanary"],
    }
    with secret_manager(held) as (client, asked):
        latest = gcp.read(client, secret())

        assert CANARY == chosen(latest, "token", "it")
        assert CANARY == gcp.read(client, secret(version=1))
        assert [
            "projects/shop/secrets/ads-token/versions/latest",
            "projects/shop/secrets/ads-token/versions/1",
        ] == asked
        assert snapshot == [
            refusal(partial(gcp.read, client, wanted))
            for wanted in (
                secret("absent"),
                secret(version=2),
                secret("denied"),
                secret("gone"),
                secret("no-text"),
            )
        ]


def test_gcp_without_credentials(monkeypatch, tmp_path, snapshot: SnapshotAssertion):
    """A file of credentials that is not there is said before anything is asked."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "absent.json"))
    reference = FromGcp(from_gcp=GcpSecret(project="shop", secret="ads-token"))

    assert snapshot == refusals(reference)


@pytest.mark.parametrize(
    ("reference", "module"),
    [
        (in_vault(), "hvac"),
        (in_aws(), "boto3.session"),
        (FromGcp(from_gcp=GcpSecret(project="shop", secret="s")), "google.cloud.secretmanager"),
    ],
    ids=["vault", "aws", "gcp"],
)
def test_a_library_that_is_not_installed(reference, module, monkeypatch, snapshot: SnapshotAssertion):
    """It is said which extra brings it; `doctor` knows before anybody asks."""
    assert missing_library(reference) is None
    monkeypatch.setitem(sys.modules, module, None)

    assert snapshot == refusals(reference)
