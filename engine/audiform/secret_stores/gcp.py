"""Secret Manager of a GCP project, by the vendor's library. Who asks: the application default credentials."""

from __future__ import annotations

from typing import Any, Final

from audiform.config.secret_references import GcpSecret
from audiform.config.secrets import unavailable
from audiform.secret_stores.content import refused, text_of
from audiform.secret_stores.library import Library

LIBRARY: Final = Library("google-cloud-secret-manager", "google.cloud.secretmanager", "gcp")
SECONDS = 10.0


def connect() -> Any:
    """Return a client.

    Raises:
        DiagnosticError: the library or the credentials are missing (`secret-unavailable`).
    """
    service = LIBRARY.load()
    errors = LIBRARY.load("google.auth.exceptions")
    try:
        return service.SecretManagerServiceClient()
    except errors.GoogleAuthError:
        raise unavailable(
            "A secret is in GCP Secret Manager, and there are no application default credentials. Give the runner a "
            "service account, or run `gcloud auth application-default login`."
        ) from None


def read(client: Any, secret: GcpSecret) -> str:
    """Return the secret's text.

    Raises:
        DiagnosticError: it is not there, may not be read, or the service does not answer (`secret-unavailable`).
    """
    api = LIBRARY.load("google.api_core.exceptions")
    auth = LIBRARY.load("google.auth.exceptions")
    version = "latest" if secret.version is None else secret.version
    path = f"projects/{secret.project}/secrets/{secret.secret}/versions/{version}"
    name = shown(secret)
    try:
        answer = client.access_secret_version(request={"name": path}, timeout=SECONDS, retry=None)
    except api.NotFound:
        raise refused(
            name, "it, or this version of it, does not exist", "Mend `project`, `secret` or `version`."
        ) from None
    except api.FailedPrecondition:
        raise refused(
            name, "this version is disabled or destroyed", "Enable it, or name another one."
        ) from None
    except (api.PermissionDenied, api.Unauthenticated, auth.GoogleAuthError):
        remedy = "Log in again, or give it the role `roles/secretmanager.secretAccessor`."
        raise refused(name, "whoever asks may not read it, or is not known", remedy) from None
    except (api.GoogleAPICallError, api.RetryError) as error:
        raise refused(
            name, f"the service does not answer as it should ({type(error).__name__})", "Try again later."
        ) from None
    return text_of(answer.payload.data, name)


def shown(secret: GcpSecret) -> str:
    """Return what a message calls the secret."""
    version = "" if secret.version is None else f", version {secret.version}"
    return f"the secret `{secret.secret}` of GCP Secret Manager (project `{secret.project}`{version})"
