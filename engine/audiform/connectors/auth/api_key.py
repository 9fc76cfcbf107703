"""A key in a header or in the query."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from audiform.connectors.auth.scheme import Auth, Context, Flow, Grant, Scheme, fill, filled_headers


class ApiKey(Auth):
    """Settings of `api_key`."""

    name: str = "X-Api-Key"
    place: Literal["header", "query"] = Field("header", alias="in")
    prefix: str = ""
    value: str = "{{ credentials.api_key }}"


def _flow(config: ApiKey, context: Context) -> Flow:
    yield from ()
    pair = (config.name, config.prefix + fill(config.value, context))
    extra = filled_headers(config, context)
    return Grant(headers=(pair, *extra)) if config.place == "header" else Grant(headers=extra, query=(pair,))


SCHEME = Scheme(ApiKey, _flow)
