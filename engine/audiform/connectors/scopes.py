"""Which references each template of a manifest may name: a closed set, so that a misspelt one is found at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from audiform.connectors.manifest import (
    Manifest,
    Operation,
    RequestTemplate,
    ResponseTemplate,
    SignalOperation,
)
from audiform.connectors.named import COUNT, REVISION, named, names_revision
from audiform.connectors.template import SPREAD, exact, problems, references
from audiform.diagnostics import did_you_mean
from audiform.shapes import Json, is_map


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at `path` of a manifest, in words without a full stop."""

    path: tuple[str | int, ...]
    text: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class _Names:
    """Names that may be used, and roots below which every name may."""

    names: frozenset[str]
    free: tuple[str, ...] = ()

    def __or__(self, more: _Names) -> _Names:
        return _Names(self.names | more.names, (*self.free, *more.free))

    def spreads(self, item: Any) -> bool:
        """Whether `item` stands for an object whose keys may be put among others."""
        return (exact(item) or "") in self.objects

    @property
    def spread_example(self) -> str:
        """What may be written there."""
        return " or ".join(f"`{{{{ {name} }}}}`" for name in sorted(self.objects)) or "none that a row has"

    @property
    def objects(self) -> frozenset[str]:
        """The references of rows that are objects."""
        return frozenset(name for name in self.free if name.startswith("row.")) | (
            self.names & {"row.variables"}
        )

    def knows(self, reference: str) -> bool:
        return reference in self.names or any(reference.startswith(f"{root}.") for root in self.free)


_RESULTS = _Names(
    frozenset(
        {
            "result.received",
            "result.invalid",
            "error.index",
            "error.identifier",
            "error.message",
            "error.code",
            "error.count",
        }
    )
)

_ONE_IDENTIFIER = _Names(frozenset({"identifier.field"}))


def check_references(manifest: Manifest) -> Iterator[Problem]:
    """Yield every reference that its place does not know, and every text with broken braces."""
    basic = _basic(manifest)
    settings = _Names(frozenset(name for name in basic.names if name.startswith("settings.")), basic.free)
    yield from _check(("base_url",), manifest.base_url, settings)
    yield from _check(("headers",), manifest.headers, basic)
    for name in ("create", "read", "update", "delete", "find"):
        operation = getattr(manifest.destination, name)
        if operation is not None:
            yield from _check_operation(("destination", name), operation, basic)
    if manifest.check is not None:
        yield from _check_operation(("check",), manifest.check, basic)
    yield from _check_members(manifest, basic)
    if manifest.read_back == "count" and COUNT not in _said_by_read(manifest):
        yield Problem(("read_back",), f"`read_back: count` needs `{{{{ {COUNT} }}}}` in the answer of `read`")
    if manifest.erase is not None:
        yield from check_signal(("erase",), manifest.erase, manifest)
    for signal, given in manifest.signals.items():
        if isinstance(given, SignalOperation):
            yield from check_signal(("signals", signal), given, manifest)


def check_signal(
    path: tuple[str | int, ...], signal: SignalOperation, manifest: Manifest
) -> Iterator[Problem]:
    """Yield the problems of one signal; also for one that came from a setting."""
    if manifest.kind == "event":
        yield from _check_event_signal(path, signal, manifest)
    basic = _basic(manifest)
    row = _row(manifest)
    batch = basic | row | _Names(frozenset({"rows", "row", "identifiers"}))
    if manifest.limits.identifier_kinds == 1:
        basic, batch = basic | _ONE_IDENTIFIER, batch | _ONE_IDENTIFIER
    if signal.upload is not None:
        yield from _check_request((*path, "upload", "request"), signal.upload.request, batch)
        yield from _check_response((*path, "upload", "response"), signal.upload.response, basic)
        batch = basic | _Names(frozenset({"upload.id"}))
    yield from _check_request((*path, "request"), signal.request, batch | _Names(frozenset({REVISION})))
    if names_revision(signal) and not _says_revision(manifest):
        yield Problem(
            (*path, "request"), f"`{REVISION}` is what `read` says, and no answer of `read` names it"
        )
    yield from _check(
        (*path, "row"), signal.row, basic | row | _Names(frozenset({"identifier.field", "identifier.value"}))
    )
    yield from _check_response((*path, "response"), signal.response, basic)
    if signal.dry_run is not None:
        yield from _check((*path, "dry_run"), signal.dry_run, batch)
    yield from _check_job(path, signal, basic)
    yield from _check_lookup(path, signal, manifest, basic)


def _check_job(path: tuple[str | int, ...], signal: SignalOperation, basic: _Names) -> Iterator[Problem]:
    if signal.job is None:
        return
    job = basic | _Names(frozenset({"job.id", "job.status"}))
    yield from _check_request((*path, "job", "request"), signal.job.request, job)
    yield from _check_response((*path, "job", "response"), signal.job.response, job)
    for name in ("errors", "resume"):
        operation = getattr(signal.job, name)
        if operation is not None:
            yield from _check_operation((*path, "job", name), operation, job)


def _check_lookup(
    path: tuple[str | int, ...], signal: SignalOperation, manifest: Manifest, basic: _Names
) -> Iterator[Problem]:
    if signal.lookup is None:
        return
    keys = basic | _Names(frozenset({"lookup.keys", "rows"}))
    yield from _check_request((*path, "lookup", "request"), signal.lookup.request, keys)
    yield from _check((*path, "lookup", "row"), signal.lookup.row, basic | _row(manifest))
    yield from _check_response((*path, "lookup", "response"), signal.lookup.response, basic)
    if signal.lookup.identifier not in manifest.identifiers:
        yield _unknown((*path, "lookup", "identifier"), signal.lookup.identifier, manifest.identifiers)


def _check_event_signal(
    path: tuple[str | int, ...], signal: SignalOperation, manifest: Manifest
) -> Iterator[Problem]:
    """Yield what a request of events cannot have: an event is sent at once, and by what it says itself."""
    for name in ("job", "lookup", "upload"):
        if getattr(signal, name) is not None:
            yield Problem((*path, name), "an event is sent in one request, which has no such part")
    most = signal.rows_per_request or manifest.limits.rows_per_request
    single = sorted(name for name in named(signal.request) if name == "row" or name.startswith("row."))
    if most > 1 and single:
        yield Problem(
            (*path, "request"),
            f"`{single[0]}` is about one event, and {most:,} go into a request: write `{{{{ rows }}}}`, or set "
            "`rows_per_request` to 1",
        )


def _check_members(manifest: Manifest, basic: _Names) -> Iterator[Problem]:
    """Yield what is wrong with how members are listed: whoever is adopted must be known by what names a member."""
    path, operation, key = ("destination", "members"), manifest.destination.members, manifest.identity
    if (operation is not None) is not (manifest.read_back == "members"):
        yield Problem(("read_back",), "`read_back: members` and `destination.members` go together")
    if operation is None:
        return
    names = basic | _Names(frozenset(f"member.{name}" for name in manifest.identifiers))
    yield from _check_operation(path, operation, names)
    if key not in manifest.identifiers:
        yield Problem(path, "members are listed by the one identifier that names them; this type has none")
    elif f"member.{key}" not in references(operation.response.items.get("members")):
        yield Problem(
            (*path, "response"), f"`items.members` must say `{{{{ member.{key} }}}}`, which names a member"
        )


def _says_revision(manifest: Manifest) -> bool:
    return REVISION in _said_by_read(manifest)


def _said_by_read(manifest: Manifest) -> frozenset[str]:
    read = manifest.destination.read
    return frozenset[str]() if read is None else references(read.response.body)


def _basic(manifest: Manifest) -> _Names:
    settings, free_settings = _properties(manifest.settings, "settings")
    attributes, free_attributes = _properties(manifest.destination.attributes, "destination")
    plain = {"destination.id", "project", "environment", "binding", "marker", "operation.id", "page.cursor"}
    return _Names(frozenset({*settings, *attributes, *plain}), (*free_settings, *free_attributes))


def _row(manifest: Manifest) -> _Names:
    if manifest.kind == "event":
        objects = tuple(
            f"row.{name}" for name, field in manifest.fields.items() if field.type in ("object", "any")
        )
        free = ("row",) if manifest.free_fields else ()
        return _Names(frozenset(f"row.{name}" for name in manifest.fields), (*objects, *free))
    identifiers = {f"row.{name}" for name in manifest.identifiers}
    names = {f"row.variables.{name}" for name in manifest.variables.names}
    free = ("row.variables",) if manifest.variables.allowed == "free" else ()
    whole = {"row.variables"} if manifest.variables.allowed != "none" else set[str]()
    return _Names(frozenset({*identifiers, *names, *whole, "lookup.id"}), free)


def _properties(schema: Mapping[str, Any], root: str) -> tuple[set[str], tuple[str, ...]]:
    """Return the references to a schema's properties, and the roots of those that are open objects."""
    names: set[str] = set()
    free: list[str] = []
    for name, body in schema.get("properties", {}).items():
        reference = f"{root}.{name}"
        names.add(reference)
        if is_map(body) and "properties" in body:
            inner, more = _properties(body, reference)
            names |= inner
            free += more
        elif is_map(body) and body.get("type") == "object":
            free.append(reference)
    return names, tuple(free)


def _check_operation(path: tuple[str | int, ...], operation: Operation, names: _Names) -> Iterator[Problem]:
    yield from _check_request((*path, "request"), operation.request, names)
    yield from _check_response((*path, "response"), operation.response, names)


def _check_request(path: tuple[str | int, ...], request: RequestTemplate, names: _Names) -> Iterator[Problem]:
    for part in ("path", "query", "headers", "body", "form"):
        yield from _check((*path, part), getattr(request, part), names)
    if request.multipart is not None:
        facts = _Names(frozenset({"file.md5", "file.sha256", "file.size"}))
        yield from _check((*path, "multipart", "texts"), request.multipart.texts, names | facts)
    if sum(part is not None for part in (request.body, request.form, request.multipart)) > 1:
        yield Problem(
            path, "a request has a `body` (JSON), a `form` or a `multipart` body, and no two of them"
        )
    if request.rows_joined_by is not None and request.form is not None:
        yield Problem((*path, "rows_joined_by"), "rows are joined in a `body`, not in a `form`")


def _check_response(
    path: tuple[str | int, ...], response: ResponseTemplate, basic: _Names
) -> Iterator[Problem]:
    lists = frozenset(response.items)
    read = {
        "job.id",
        "job.status",
        "page.next",
        "page.total",
        "lookup.key",
        "lookup.id",
        "upload.id",
        "identifiers",
        COUNT,
        REVISION,
    }
    names = basic | _RESULTS | _Names(frozenset(read) | lists)
    yield from _check((*path, "body"), response.body, names)
    yield from _check((*path, "headers"), response.headers, names)
    for name, template in response.items.items():
        yield from _check((*path, "items", name), template, names)
        if name not in references(response.body):
            yield Problem(
                (*path, "items", name),
                f"`{{{{ {name} }}}}` does not stand in the body, so there is no such list",
            )


def _check(path: tuple[str | int, ...], node: Json, names: _Names) -> Iterator[Problem]:
    """Walk to the texts, so that a problem has the path of its own line."""
    match node:
        case Mapping() if "when" in node:
            for reference in node["when"]:
                yield from _check((*path, "when"), f"{{{{ {reference} }}}}", names)
            yield from _check((*path, "then"), node.get("then"), names)
        case Mapping():
            for key, item in node.items():
                if key == SPREAD and not names.spreads(item):
                    yield Problem(
                        (*path, key), f"`{SPREAD}` takes in an object such as {names.spread_example}"
                    )
                yield from _check_text(path, key, names)
                yield from _check((*path, key), item, names)
        case list() | tuple():
            for index, item in enumerate(node):
                yield from _check((*path, index), item, names)
        case str():
            yield from _check_text(path, node, names)
        case _:
            pass


def _check_text(path: tuple[str | int, ...], text: str, names: _Names) -> Iterator[Problem]:
    if problems(text):
        yield Problem(
            path, f"`{text}` has braces that are no `{{{{ reference }}}}`; templates hold references only"
        )
    for reference in sorted(references(text)):
        if not names.knows(reference):
            yield _unknown(path, reference, names.names)
        elif reference in ("rows", "row") and exact(text) is None:
            yield Problem(
                path, f"`{{{{ {reference} }}}}` must be the whole text, because rows are JSON of their own"
            )


def _unknown(path: tuple[str | int, ...], name: str, known: Mapping[str, Any] | frozenset[str]) -> Problem:
    return Problem(path, f"`{name}` is not known here", did_you_mean(name, known))
