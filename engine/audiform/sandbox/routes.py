"""A manifest backwards: which operation a request is, and what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from audiform.connectors import multipart
from audiform.connectors.auth import scheme_of
from audiform.connectors.auth.token import TokenAuth
from audiform.connectors.manifest import (
    Job,
    Lookup,
    Manifest,
    Operation,
    RequestTemplate,
    ResponseTemplate,
    SignalOperation,
    Upload,
)
from audiform.connectors.template import MISSING, Bindings, pieces, references, unify, unify_path, unify_texts
from audiform.sandbox.wire import Call
from audiform.shapes import Json

Part = Operation | SignalOperation | Job | Lookup | Upload | None
"""What of the manifest a route stands for; None is the token request of the auth scheme."""


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `name` is `create`, `add`, `add.job`, `add.job.errors`, `add.job.resume`, `remove.lookup`, `token`, ..."""

    name: str
    request: RequestTemplate
    response: ResponseTemplate = field(repr=False)
    part: Part = field(repr=False)

    def __str__(self) -> str:
        return f"{self.request.method} {self.request.path} ({self.name})"


@dataclass(frozen=True, slots=True)
class Match:
    """A request that was recognised. `found`: dotted reference -> value, `rows` included. `body`: its JSON."""

    route: Route
    found: Bindings
    body: Any = None


def routes_of(manifest: Manifest) -> tuple[Route, ...]:
    """Return the operations of a configured type, the most specific first."""
    return tuple(sorted(_routes(manifest), key=_specific, reverse=True))


def candidates(routes: Sequence[Route], call: Call) -> list[Route]:
    """Return the routes that fit method and path, before the body has arrived."""
    return [
        route
        for route in routes
        if route.request.method == call.method and unify_path(route.request.path, call.path) is not None
    ]


def match(routes: Sequence[Route], call: Call, manifest: Manifest) -> Match | None:
    """Return the first route that could have been rendered to `call`, rows included if there is one."""
    fitting = candidates(routes, call)
    body = _body(call) if any(route.request.body is not None for route in fitting) else MISSING
    found = [
        Match(route, bindings, None if body is MISSING else body)
        for route in fitting
        if (bindings := _unify(route.request, call, body, manifest)) is not None
    ]
    # Some platforms say the operation in a header only; the others' headers are alike.
    found.sort(key=lambda one: _has_headers(one.route.request, call), reverse=True)
    whole = (_with_constants(one, manifest) for one in found)
    return next((one for one in whole if one is not None), found[0] if found else None)


def _has_headers(request: RequestTemplate, call: Call) -> bool:
    wanted = {name.lower(): text for name, text in request.headers.items()}
    return unify_texts(wanted, call.headers) is not None


def fields_of(manifest: Manifest) -> dict[str, str]:
    """Return identifier -> the platform's field."""
    return {name: identifier.field for name, identifier in manifest.identifiers.items()}


def _routes(manifest: Manifest) -> Iterator[Route]:
    target = manifest.destination
    named = {
        "create": target.create,
        "read": target.read,
        "update": target.update,
        "delete": target.delete,
        "find": target.find,
        "members": target.members,
        "check": manifest.check,
    }
    for name, operation in named.items():
        if operation is not None:
            yield Route(name, operation.request, operation.response, operation)
    for name, signal in manifest.signals.items():
        if isinstance(signal, SignalOperation):
            yield from _signal_routes(name, signal)
    if manifest.erase is not None:
        yield from _signal_routes("erase", manifest.erase)
    yield from _token_route(manifest)


def _signal_routes(name: str, signal: SignalOperation) -> Iterator[Route]:
    yield Route(name, signal.request, signal.response, signal)
    if signal.job is not None:
        yield Route(f"{name}.job", signal.job.request, signal.job.response, signal.job)
        for what in ("errors", "resume"):
            operation = getattr(signal.job, what)
            if operation is not None:
                yield Route(f"{name}.job.{what}", operation.request, operation.response, operation)
    if signal.upload is not None:
        yield Route(f"{name}.upload", signal.upload.request, signal.upload.response, signal.upload)
    if signal.lookup is not None:
        yield Route(f"{name}.lookup", signal.lookup.request, signal.lookup.response, signal.lookup)


def _token_route(manifest: Manifest) -> Iterator[Route]:
    if not isinstance(manifest.auth, Mapping):
        return
    config = scheme_of(manifest.auth)[1]
    if isinstance(config, TokenAuth):
        # The client moves a token request to the path of its URL below the endpoint.
        path = urlsplit(config.token_url).path or "/"
        yield Route("token", RequestTemplate(method="POST", path=path), ResponseTemplate(), None)


def _specific(route: Route) -> tuple[int, int, bool, int, int]:
    """Literal text of the path first, then how much of the rest the template names; `add` before `modify`.

    Of signals with the same request, that whose rows say more by themselves. A look-up that makes people may be
    the same request as a `modify`: it does as much and says more.
    """
    literal = sum(len(text) for text in pieces(route.request.path)[::2])
    request, part = route.request, route.part
    texts = request.multipart.texts if request.multipart else None
    named = sum(_leaves(node) for node in (request.query, request.body, request.form, texts))
    fixed = _literals(part.row) if isinstance(part, SignalOperation) else 0
    return literal, named, isinstance(part, Lookup), fixed, -len(route.name)


def _leaves(node: Json) -> int:
    match node:
        case Mapping():
            return sum(_leaves(item) for item in node.values())
        case list() | tuple():
            return sum(_leaves(item) for item in node)
        case None:
            return 0
        case _:
            return 1


def _literals(node: Json) -> int:
    match node:
        case Mapping():
            return sum(_literals(item) for item in node.values())
        case list() | tuple():
            return sum(_literals(item) for item in node)
        case _:
            return 0 if references(node) else 1


def _body(call: Call) -> Any:
    """The JSON that was sent; MISSING where there is none that can be read."""
    import orjson

    try:
        return orjson.loads(call.body) if call.body.strip() else MISSING
    except orjson.JSONDecodeError:
        return MISSING


def _with_constants(found: Match, manifest: Manifest) -> Match | None:
    """Add what the first row says that is the same in every row (`destination.id`); None when it is another's row."""
    rows = found.found.get("rows", [found.found.get("row")])
    part = found.route.part
    if not isinstance(part, SignalOperation) or not isinstance(rows, list) or not rows or rows[0] is None:
        return found
    read = unify(part.row, rows[0], {"identifiers": (), "fields": fields_of(manifest)})
    if read is None:
        return None
    constants = {
        name: value for name, value in read.items() if name.startswith(("destination.", "settings."))
    }
    return replace(found, found={**found.found, **constants})


def _unify(request: RequestTemplate, call: Call, body: Any, manifest: Manifest) -> Bindings | None:
    parts = [unify_path(request.path, call.path), unify_texts(request.query, call.query)]
    if request.body is not None:
        parts.append(unify(request.body, body, {"identifiers": (), "fields": fields_of(manifest)}))
    if request.form is not None:
        parts.append(unify_texts(request.form, dict(parse_qsl(call.body.decode(errors="replace")))))
    if request.multipart is not None:
        form = multipart.read(call.headers.get("content-type", ""), call.body)
        parts.append(None if form is None else unify_texts(request.multipart.texts, form.texts))
    found = _joined(parts)
    return None if found is not None and _names_nothing(request, found) else found


def _names_nothing(request: RequestTemplate, found: Bindings) -> bool:
    """Whether a request that is about an object, or asks for people, does not say which: then it is another one."""
    named = references(request.model_dump())
    return any(name in named and name not in found for name in ("destination.id", "lookup.keys"))


def _joined(parts: Sequence[Bindings | None]) -> Bindings | None:
    """Join what the parts say; None when one does not fit or two disagree."""
    joined: Bindings = {}
    for part in parts:
        if part is None:
            return None
        for reference, value in part.items():
            if reference in joined and str(joined[reference]) != str(value):
                return None
            joined.setdefault(reference, value)
    return joined


def describe(routes: Sequence[Route]) -> list[str]:
    """Return one line per route, for a developer whose request matched none."""
    return [json.dumps(str(route))[1:-1] for route in routes]
