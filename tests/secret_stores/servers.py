"""Stand-ins for stores of secrets, each as real as it can be here: what is documented of Vault's and GCP's API, and moto's server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

TOKEN = "hvs.canary-token"


class Vault(BaseHTTPRequestHandler):
    """Key-value engines, version 1 at `kv` and version 2 at `secret`, as Vault's HTTP API describes them."""

    # https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version
    versions: ClassVar[Mapping[str, list[Mapping[str, Any] | None]]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer as Vault does: 403 for a wrong token, 404 for what is not there or deleted."""
        url = urlsplit(self.path)
        self.asked.append(self.path)
        if url.path.startswith("/v1/secret/data/moved"):
            return self._answer(307, {}, {"Location": "http://127.0.0.1:9/"})
        if url.path.startswith("/v1/secret/data/sealed"):
            return self._answer(503, {"errors": ["Vault is sealed"]})
        if self.headers["X-Vault-Token"] != TOKEN:
            return self._answer(403, {"errors": ["permission denied"]})
        engine, _, path = url.path.removeprefix("/v1/").partition("/")
        versions = self.versions.get(path.removeprefix("data/"), [])
        number = int(parse_qs(url.query).get("version", [str(len(versions))])[0])
        found = versions[number - 1] if 0 < number <= len(versions) else None
        if found is None:
            return self._answer(404, {"errors": []})
        data = found if engine == "kv" else {"data": found, "metadata": {"version": number}}
        return self._answer(200, {"data": data})

    def _answer(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def vault(versions: Mapping[str, list[Mapping[str, Any] | None]]) -> Iterator[tuple[str, list[str]]]:
    """Serve secrets by path, each with its versions (None: deleted); yield the address and what was asked."""
    handler: Any = type("Handler", (Vault,), {"versions": versions, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler.asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def secret_manager(versions: Mapping[str, list[bytes | int]]) -> Iterator[tuple[Any, list[str]]]:
    """Serve `projects/P/secrets/S` with their versions over gRPC (a number: that status); yield the vendor's client.

    Requests and answers are the vendor's own messages; only who answers is not.
    """
    import grpc
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.secretmanager_v1 import (
        AccessSecretVersionRequest,
        AccessSecretVersionResponse,
        SecretManagerServiceClient,
    )
    from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
        SecretManagerServiceGrpcTransport,
    )

    asked: list[str] = []

    def access(request: Any, context: Any) -> Any:
        asked.append(request.name)
        secret, _, version = request.name.partition("/versions/")
        held = versions.get(secret, [])
        number = len(held) if version == "latest" else int(version)
        found = held[number - 1] if 0 < number <= len(held) else grpc.StatusCode.NOT_FOUND.value[0]
        if isinstance(found, int):
            context.abort(next(code for code in grpc.StatusCode if code.value[0] == found), "canary-detail")
        return AccessSecretVersionResponse(name=request.name, payload={"data": found})

    handler = grpc.unary_unary_rpc_method_handler(
        access,
        request_deserializer=AccessSecretVersionRequest.deserialize,
        response_serializer=AccessSecretVersionResponse.serialize,
    )
    service = "google.cloud.secretmanager.v1.SecretManagerService"
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {"AccessSecretVersion": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    transport = SecretManagerServiceGrpcTransport(channel=channel, credentials=AnonymousCredentials())
    try:
        yield SecretManagerServiceClient(transport=transport), asked
    finally:
        channel.close()
        server.stop(None)
