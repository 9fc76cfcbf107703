"""What an authentication scheme is: its settings as a model, and a generator that asks for tokens without I/O."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from audiform.connectors.template import MISSING, as_text, references, render
from audiform.outcome import Category, Outcome, OutcomeKind, Request, Response


class Auth(BaseModel):
    """The settings that every scheme but `none` has. Texts refer to `settings.*` and `credentials.*`."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    scheme: str
    headers: Mapping[str, str] = Field(
        default_factory=dict, description="Sent along with what the scheme itself sends"
    )


@dataclass(frozen=True, slots=True)
class Grant:
    """What is added to each request. Never shown: `repr` is empty.

    `sign` is for a scheme whose proof depends on the request: it is given the one that goes out, and returns it signed.
    """

    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    sign: Callable[[Request], Request] | None = field(default=None, repr=False)


@dataclass(slots=True)
class Session:
    """What is kept in memory between requests: the token, and when it expires (seconds of the clock)."""

    token: str | None = field(default=None, repr=False)
    expires: float = 0.0

    def drop(self, token: str | None) -> None:
        """Forget `token`, which was refused, unless another request has replaced it meanwhile."""
        if self.token == token:
            self.token = None


class AuthError(Exception):
    """No grant could be had; `outcome` says why, masked."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.message)


@dataclass(frozen=True, slots=True)
class Context:
    """What a scheme works with.

    `scope` has `settings` and `credentials`; `now` is in seconds; `url` moves a token URL to an endpoint
    that stands in for the platform.
    """

    scope: Mapping[str, Any] = field(repr=False)
    session: Session
    now: float
    url: Callable[[str], str] = field(default=str, repr=False)


Flow = Generator[Request, Response, Grant]
"""Yields token requests, receives their answers, returns the grant; raises AuthError."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """One authentication scheme; each is a module of this folder.

    `flow` gets the validated `config`. `refreshable`: a refused grant can be replaced by a new one.
    """

    config: type[Auth]
    flow: Callable[[Any, Context], Flow]
    refreshable: bool = False


def fill(text: str, context: Context) -> str:
    """Return `text` with its references filled in.

    Raises:
        AuthError: a credential or setting that it needs is not there.
    """
    value = render(text, context.scope)
    if value is MISSING:
        names = ", ".join(sorted(references(text)))
        message = f"`{names}` is not set on the connector, so its requests cannot be signed"
        raise AuthError(Outcome(OutcomeKind.FAILED, Category.INVALID_CREDENTIALS, message))
    return as_text(value)


def filled(text: str, context: Context) -> str | None:
    """Return `text` with its references filled in, or None where a credential or setting is not there."""
    value = render(text, context.scope)
    return None if value is MISSING else as_text(value)


def filled_headers(config: Auth, context: Context) -> tuple[tuple[str, str], ...]:
    """Return the extra headers of the scheme; one whose reference is missing is left out."""
    values = ((name, render(text, context.scope)) for name, text in config.headers.items())
    return tuple((name, as_text(value)) for name, value in values if value is not MISSING)
