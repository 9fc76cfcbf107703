"""AWS Secrets Manager, by `boto3`. Who asks, and where the service is, come from the environment as for all of AWS."""

from __future__ import annotations

from typing import Any, Final

from audiform.config.secret_references import AwsSecret
from audiform.secret_stores.content import refused, text_of
from audiform.secret_stores.library import Library

LIBRARY: Final = Library("boto3", "boto3", "aws")
_LATE: Final = "Log in again, or give the role the permission `secretsmanager:GetSecretValue`."
_WHY: Final = {
    "ResourceNotFoundException": (
        "it, or this version of it, does not exist",
        "Mend `id`, `region`, `version` or `stage`.",
    ),
    "InvalidRequestException": ("it is marked for deletion", "Restore it, or name another one."),
    "DecryptionFailure": ("its key may not be used", "Give the role the permission to decrypt with it."),
    "AccessDeniedException": ("whoever asks may not read it", _LATE),
    "UnrecognizedClientException": ("the credentials are not known", _LATE),
    "ExpiredTokenException": ("the credentials have expired", _LATE),
    "InvalidSignatureException": ("the credentials are wrong", _LATE),
}


def connect(region: str | None) -> Any:
    """Return a client.

    Raises:
        DiagnosticError: the library, the region or the credentials are missing (`secret-unavailable`).
    """
    session = LIBRARY.load("boto3.session").Session()
    config = LIBRARY.load("botocore.config").Config(
        connect_timeout=5, read_timeout=10, retries={"max_attempts": 2}
    )
    errors = LIBRARY.load("botocore.exceptions")
    try:
        return session.client("secretsmanager", region_name=region, config=config)
    except errors.NoRegionError:
        raise refused(
            "AWS Secrets Manager", "no region is named", "Write `region`, or set AWS_DEFAULT_REGION."
        ) from None
    except errors.BotoCoreError as error:
        raise refused(
            "AWS Secrets Manager",
            f"its configuration is wrong ({type(error).__name__})",
            "Look at the environment.",
        ) from None


def read(client: Any, secret: AwsSecret) -> str:
    """Return the secret's text.

    Raises:
        DiagnosticError: it is not there, may not be read, or the service does not answer (`secret-unavailable`).
    """
    errors = LIBRARY.load("botocore.exceptions")
    asked = {"SecretId": secret.id, "VersionId": secret.version, "VersionStage": secret.stage}
    name = shown(secret)
    try:
        answer = client.get_secret_value(**{key: value for key, value in asked.items() if value is not None})
    except errors.ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        why, remedy = _WHY.get(code, (f"the service refuses ({code})", "Look at what it means there."))
        raise refused(name, why, remedy) from None
    except (errors.NoCredentialsError, errors.PartialCredentialsError, errors.TokenRetrievalError):
        raise refused(
            name, "there are no credentials for AWS", "Set them, or log in: `aws sso login`."
        ) from None
    except errors.BotoCoreError as error:
        raise refused(
            name,
            f"the service does not answer ({type(error).__name__})",
            "Look at the region and the network.",
        ) from None
    return answer["SecretString"] if "SecretString" in answer else text_of(answer["SecretBinary"], name)


def shown(secret: AwsSecret) -> str:
    """Return what a message calls the secret."""
    version = secret.version or secret.stage
    return f"the secret `{secret.id}` of AWS Secrets Manager{f' (version {version})' if version else ''}"
