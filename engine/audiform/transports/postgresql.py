"""Tables of a PostgreSQL database: made, filled, changed and dropped. The rows of a request stay JSON until the server reads them.

    POST   postgresql://HOST:PORT/DATABASE/tables                   {schema, name, comment, key, columns, computed} -> {table}
    GET    .../tables?schema=NAME                                   -> {"tables": [...]}: those that have a comment
    GET    .../tables/SCHEMA.NAME                                   -> {table}
    PATCH  .../tables/SCHEMA.NAME                                   {comment, computed}
    DELETE .../tables/SCHEMA.NAME
    POST   .../tables/SCHEMA.NAME/rows                              {key, columns, rows}
    POST   .../tables/SCHEMA.NAME/rows:delete                       {key, rows}

`{table}` is `{id, schema, name, comment, computed}`. The connection is encrypted and verified, except to this machine itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from audiform.connectors.ways import is_local
from audiform.outcome import Request, Response
from audiform.transports.answers import (
    BAD_REQUEST,
    CREATED,
    FORBIDDEN,
    NOT_FOUND,
    OK,
    UNAUTHORIZED,
    RefusedError,
    answer,
    answered,
    body_of,
    login,
)
from audiform.transports.library import library
from audiform.transports.sql_errors import no_connection, refused
from audiform.transports.tables import Table, create, delete_rows, drop, listed, read, update, upsert

_CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a URL names: the database, what of it, and the query."""

    database: str
    path: tuple[str, ...]
    query: Mapping[str, str]


@dataclass(slots=True)
class PostgresqlTransport:
    """Connections by place and user. One that has failed is closed; the others wait for the next request."""

    _idle: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]], repr=False)

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - as the Protocol has it
        """Do what `request` says in one transaction; `timeout` in seconds, for each statement."""
        return await answered(self._send, request, timeout)

    async def close(self) -> None:
        """Close the connections. A transport that was closed may be used again."""
        idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                await asyncio.to_thread(connection.close)

    def _send(self, request: Request, timeout: float) -> Response:
        failures = library("adbc_driver_manager", "postgresql").Error
        asked = _asked(request)
        place = _place(request, asked)
        waiting = self._idle.setdefault(place, [])
        try:
            connection = waiting.pop() if waiting else _connect(place)
        except failures as error:
            return no_connection(error)
        try:
            done = _done(connection, request, asked, timeout)
            connection.commit()
        except failures as error:
            _drop(connection)
            return refused(error)
        except BaseException:
            _drop(connection)
            raise
        waiting.append(connection)
        return done


def _asked(request: Request) -> _Asked:
    parts = urlsplit(request.url)
    database, *path = [unquote(part) for part in parts.path.strip("/").split("/")]
    if not database or path[:1] != ["tables"]:
        raise RefusedError(BAD_REQUEST, "the path is not /DATABASE/tables")
    return _Asked(database, tuple(path[1:]), dict(parse_qsl(parts.query)))


def _place(request: Request, asked: _Asked) -> str:
    """Return the URI by which libpq connects. Never shown: it holds the password."""
    user = login(request)
    if user is None:
        raise RefusedError(UNAUTHORIZED, "the connector has no user name and password for the database")
    host = urlsplit(request.url).netloc
    secure = "sslmode=disable" if is_local(request.url) else "sslmode=verify-full&sslrootcert=system"
    name, password = (quote(text, safe="") for text in user)
    return (
        f"postgresql://{name}:{password}@{host}/{quote(asked.database, safe='')}?{secure}"
        f"&connect_timeout={_CONNECT_SECONDS}&application_name=audiform"
    )


def _connect(place: str) -> Any:
    return library("adbc_driver_postgresql.dbapi", "postgresql").connect(place)


def _drop(connection: Any) -> None:
    """Close a connection on which something failed; that closing it fails as well says nothing new."""
    with suppress(library("adbc_driver_manager", "postgresql").Error):
        connection.close()


def _done(connection: Any, request: Request, asked: _Asked, timeout: float) -> Response:
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"SET statement_timeout = {int(timeout * 1000)}")
        match (request.method, asked.path):
            case ("POST", ()):
                return answer(CREATED, create(cursor, body_of(request)))
            case ("GET", ()):
                return answer(OK, {"tables": listed(cursor, asked.query.get("schema", "public"))})
            case ("POST", (name, "rows" | "rows:delete" as action)):
                write = upsert if action == "rows" else delete_rows
                return answer(OK, {"rows": write(cursor, _table(name), request.body or b"")})
            case ("GET" | "PATCH" | "DELETE", (name,)):
                return _on_table(cursor, request, _table(name))
            case _:
                raise RefusedError(BAD_REQUEST, "no such operation")


def _on_table(cursor: Any, request: Request, table: Table) -> Response:
    acts: Mapping[str, Callable[[], object]] = {
        "GET": lambda: None,
        "PATCH": lambda: update(cursor, table, body_of(request)),
        "DELETE": lambda: drop(cursor, table),
    }
    before = read(cursor, table)
    if before is None:
        raise RefusedError(NOT_FOUND, "the table does not exist, or the user may not see it")
    acts[request.method]()
    return answer(OK, before if request.method != "PATCH" else read(cursor, table))


def _table(name: str) -> Table:
    schema, _, table = name.partition(".")
    if not schema or not table:
        raise RefusedError(FORBIDDEN, "a table is named SCHEMA.NAME")
    return Table(schema, table)
