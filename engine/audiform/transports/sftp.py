"""A server over SFTP, whose host key is known beforehand: the first one that answers is not believed."""

from __future__ import annotations

import socket
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

from audiform.outcome import Request
from audiform.transports.answers import (
    BAD_REQUEST,
    FORBIDDEN,
    UNAUTHORIZED,
    UNAVAILABLE,
    RefusedError,
    header,
    login,
)
from audiform.transports.library import library
from audiform.transports.places import NoAnswerError, Place

_PORT = 22
_PEM = "-----BEGIN"


def sftp(request: Request, timeout: float) -> Place:
    """Return a server's disk: a file is written beside its place and then moved there.

    The password may be a private key. `host-key` is what `ssh-keyscan` prints after the host: `ssh-ed25519 AAAA...`.
    """

    def write(path: str, content: bytes) -> None:
        with _connected(request, timeout) as client:
            *folders, name = path.split("/")
            folder = ""
            for part in folders:
                folder = f"{folder}/{part}"
                _make(client, folder)
            try:
                with client.open(f"{folder}/.{name}", "wb") as file:
                    file.write(content)
                client.posix_rename(f"{folder}/.{name}", f"/{path}")
            except PermissionError:
                raise RefusedError(FORBIDDEN, "the user may not write into the folder") from None
            except OSError:
                raise RefusedError(UNAVAILABLE, "the server could not write the file") from None

    return write


@contextmanager
def _connected(request: Request, timeout: float) -> Iterator[Any]:
    paramiko = library("paramiko", "sftp")
    parts = urlsplit(request.url)
    user, key = login(request), _host_key(header(request, "host-key"))
    if user is None:
        raise RefusedError(UNAUTHORIZED, "the connector has no user name and password for the server")
    try:
        way = socket.create_connection((parts.hostname or "", parts.port or _PORT), min(timeout, 10))
    except OSError:
        raise NoAnswerError("no connection (host name or network)", sent=False) from None
    transport = paramiko.Transport(way)
    try:
        transport.start_client(timeout=timeout)
        if transport.get_remote_server_key().asbytes() != key:
            raise RefusedError(
                UNAUTHORIZED, "the server has another host key than the connector's settings say"
            )
        _log_in(transport, *user)
        client = paramiko.SFTPClient.from_transport(transport)
        if client is None:
            raise RefusedError(FORBIDDEN, "the server does not let this user use SFTP")
        client.get_channel().settimeout(timeout)
        yield client
    except paramiko.AuthenticationException:
        raise RefusedError(UNAUTHORIZED, "the server does not accept the user name and password") from None
    except (paramiko.SSHException, EOFError, TimeoutError):
        raise NoAnswerError("the connection was lost", sent=True) from None
    finally:
        transport.close()


def _log_in(transport: Any, username: str, password: str) -> None:
    if _PEM not in password:
        transport.auth_password(username, password)
        return
    transport.auth_publickey(username, _private_key(password))


def _private_key(text: str) -> Any:
    paramiko = library("paramiko", "sftp")
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        with suppress(paramiko.SSHException, ValueError):
            return kind.from_private_key(StringIO(text))
    raise RefusedError(UNAUTHORIZED, "the private key has no form that is known, or has a passphrase")


def _host_key(text: str | None) -> bytes:
    fields = (text or "").split()
    if len(fields) < 2:  # noqa: PLR2004 - type and key
        raise RefusedError(
            BAD_REQUEST, "the setting `host_key` is needed for sftp: what `ssh-keyscan` prints after the host"
        )
    return b64decode(fields[1])


def _make(client: Any, folder: str) -> None:
    """Make a folder that is not there."""
    with suppress(OSError):
        client.mkdir(folder)
