"""Where a secret is to be found: the forms of a reference. What they resolve to is found in `secrets.py` and `secret_stores`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, StrictInt, Tag

from audiform.config.models import Model
from audiform.shapes import is_map


class FromEnv(Model):
    """A secret in an environment variable."""

    from_env: str = Field(min_length=1, description="Name of the environment variable")


class FromFile(Model):
    """A secret in a file outside of git, such as a mounted one."""

    from_file: str = Field(min_length=1, description="Path of the file; its content without the last newline")


class FromCommand(Model):
    """A secret printed by a command, such as a password manager's."""

    from_command: tuple[str, ...] = Field(min_length=1, description="The command and its arguments")


class VaultSecret(Model):
    """One field of a secret in a key-value engine of Vault. Which Vault, and who asks, says the environment."""

    path: str = Field(min_length=1, examples=["shop/ads"])
    field: str = Field(min_length=1, description="Which value of the secret")
    mount: str = Field(default="secret", min_length=1, description="Where the engine is mounted")
    version: StrictInt | None = Field(default=None, ge=1, description="Default: the latest; only of `kv: 2`")
    kv: Literal[1, 2] = Field(default=2, description="Version of the engine")


class FromVault(Model):
    """A secret in HashiCorp Vault; needs `audiform[vault]`."""

    from_vault: VaultSecret


class AwsSecret(Model):
    """A secret in AWS Secrets Manager. Who asks says the environment."""

    id: str = Field(min_length=1, description="Name or ARN", examples=["shop/ads"])
    field: str | None = Field(
        default=None, min_length=1, description="Key of a secret that is JSON; default: the whole text"
    )
    region: str | None = Field(default=None, min_length=1, description="Default: of the environment")
    version: str | None = Field(
        default=None, min_length=1, description="Id of a version; default: the current one"
    )
    stage: str | None = Field(
        default=None, min_length=1, description="Label of a version, such as AWSPREVIOUS"
    )


class FromAws(Model):
    """A secret in AWS Secrets Manager; needs `audiform[aws]`."""

    from_aws: AwsSecret


class GcpSecret(Model):
    """A secret in Secret Manager of a GCP project. Who asks say the application default credentials."""

    project: str = Field(min_length=1, examples=["shop-production"])
    secret: str = Field(min_length=1, examples=["ads-token"])
    field: str | None = Field(
        default=None, min_length=1, description="Key of a secret that is JSON; default: the whole text"
    )
    version: StrictInt | None = Field(default=None, ge=1, description="Default: the latest")


class FromGcp(Model):
    """A secret in GCP Secret Manager; needs `audiform[gcp]`."""

    from_gcp: GcpSecret


LocalReference = FromEnv | FromFile | FromCommand
StoredReference = FromVault | FromAws | FromGcp
SecretReference = LocalReference | StoredReference

FORMS: Final[Mapping[str, type[Model]]] = {
    "from_env": FromEnv,
    "from_file": FromFile,
    "from_command": FromCommand,
    "from_vault": FromVault,
    "from_aws": FromAws,
    "from_gcp": FromGcp,
}
INSIDE: Final[Mapping[str, type[Model]]] = {
    "from_vault": VaultSecret,
    "from_aws": AwsSecret,
    "from_gcp": GcpSecret,
}
"""Form -> what stands in it, where that is a map."""


def _secret_form(value: Any) -> str | None:
    """Say which of the forms a secret reference has, so that only the problems of that one are shown."""
    for name in FORMS:
        if (is_map(value) and name in value) or hasattr(value, name):
            return f"<{name}>"
    return None


CheckedSecretReference = Annotated[
    Annotated[FromEnv, Tag("<from_env>")]
    | Annotated[FromFile, Tag("<from_file>")]
    | Annotated[FromCommand, Tag("<from_command>")]
    | Annotated[FromVault, Tag("<from_vault>")]
    | Annotated[FromAws, Tag("<from_aws>")]
    | Annotated[FromGcp, Tag("<from_gcp>")],
    Discriminator(_secret_form),
]
"""`SecretReference` as a field's type."""
