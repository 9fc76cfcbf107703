"""Checks how sources are reached: with the credentials that their types take, encrypted, and at hosts that the project allows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from audiform.address import Address, Kind
from audiform.check.urls import url_problem
from audiform.config.dialects import check_foreign
from audiform.config.kinds import Source
from audiform.config.project import Project
from audiform.config.source_settings import (
    CREDENTIALS,
    DatabaseSettings,
    FlightSqlSettings,
    IcebergSettings,
    MysqlSettings,
    PostgresqlSettings,
    StorageSettings,
)
from audiform.diagnostics import Diagnostic, did_you_mean

_IN_HTTP: Final = {"grpc+tls": "https", "grpc": "http", "mysql": "https", "mariadb": "https"}
"""Scheme -> the one of HTTP that is as encrypted: of that it is known which may be used."""


def check_sources(project: Project) -> Iterator[Diagnostic]:
    """Yield the problems of every source."""
    for name, source in project.sources.items():
        address = Address(Kind.SOURCE, name)
        yield from _credentials(address, source)
        yield from _url(address, source, project.policy.allowed_hosts)
        yield from _catalog(address, source)
        yield from _freshness(address, source)


def _url(address: Address, source: Source, allowed: Collection[str]) -> Iterator[Diagnostic]:
    for place, given in _places(source):
        yield from _place(address, place, given, allowed)


def _places(source: Source) -> Iterator[tuple[str, str]]:
    """Yield the settings that name a server."""
    match source.settings:
        case PostgresqlSettings() | MysqlSettings() | FlightSqlSettings():
            yield "url", source.settings.url
        case StorageSettings(endpoint=str() as endpoint):
            yield "endpoint", endpoint
        case IcebergSettings(catalog=catalog, endpoint=endpoint):
            if catalog is not None and "://" in catalog:
                yield "catalog", catalog
            if endpoint is not None:
                yield "endpoint", endpoint
        case _:
            return


def _place(address: Address, place: str, given: str, allowed: Collection[str]) -> Iterator[Diagnostic]:
    path = ("settings", place)
    scheme, _, rest = given.partition("://")
    url = f"{_IN_HTTP.get(scheme, scheme)}://{rest}"
    found = url_problem(path, url, allowed)
    if found is None:
        return
    code, text, hint = found
    if code == "insecure-url":
        text = f"`settings.{place}` begins with `{scheme}://`: people and secrets would travel in clear. Nothing is read like that."
        hint = "write grpc+tls://" if scheme == "grpc" else "write https://"
    yield Diagnostic(code, text, hint=hint, address=address, path=path)


def _catalog(address: Address, source: Source) -> Iterator[Diagnostic]:
    """Yield what a catalog in a database lacks: other catalogs may do without credentials."""
    settings = source.settings
    if not isinstance(settings, IcebergSettings) or "user" in source.credentials:
        return
    if str(settings.catalog).startswith("postgresql:"):
        text = "A catalog in PostgreSQL is reached with the credentials `password` and `user`."
        hint = "credentials: {user: {from_env: USER}, password: {from_env: PASSWORD}}"
        yield Diagnostic("missing-credential", text, hint=hint, address=address, path=("settings", "catalog"))


def _freshness(address: Address, source: Source) -> Iterator[Diagnostic]:
    """Yield what is wrong with the SELECT that asks for the age of the data: it is run as it is."""
    text = source.settings.freshness if isinstance(source.settings, DatabaseSettings) else None
    for problem in check_foreign(text) if text is not None else ():
        yield Diagnostic(problem.code, problem.detail, address=address, path=("settings", "freshness"))


def _credentials(address: Address, source: Source) -> Iterator[Diagnostic]:
    sets = CREDENTIALS.get(source.type, (frozenset[str](),))
    known = sorted({name for names in sets for name in names})
    given = source.credentials.keys()
    listed = ", ".join(f"`{name}`" for name in known) or "none"
    for name in given - set(known):
        text = f"`credentials.{name}` is no credential of a source of type `{source.type}`, which takes {listed}."
        yield Diagnostic(
            "unknown-field",
            text,
            hint=did_you_mean(name, known),
            address=address,
            path=("credentials", name),
            on_key=True,
        )
    if given <= set(known) and given not in sets:
        ways = " or ".join(" and ".join(f"`{name}`" for name in sorted(names)) or "none" for names in sets)
        text = f"A source of type `{source.type}` is reached with the credentials {ways}."
        first = ", ".join(f"{name}: {{from_env: {name.upper()}}}" for name in sorted(sets[0] - given))
        hint = f"credentials: {{{first}}}" if first else None
        yield Diagnostic(
            "missing-credential",
            text,
            hint=hint,
            address=address,
            path=("credentials",) if given else (),
            on_key=not given,
        )
