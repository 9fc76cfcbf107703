"""A person's identifiers in every form in which a destination may have been sent them, or may be one day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from audiform.audiences.selection import form_of
from audiform.audiences.suppressed import plain
from audiform.connectors.identifiers import normalize, normalized
from audiform.connectors.manifest import Manifest
from audiform.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from audiform.erasure.request import Request, invalid
from audiform.runtime import Runtime
from audiform.state.ledger import SentKey

_HASHES = ("sha256", "md5", "sha1")


@dataclass(frozen=True, slots=True)
class Forms:
    """`keys`: as destinations are sent them. `texts`: pairs of identifier and text that tombstones are made of."""

    keys: Sequence[SentKey] = field(repr=False)
    texts: Sequence[tuple[str, str]] = field(repr=False)


def forms_of(runtime: Runtime, request: Request) -> Forms:
    """Return all forms of the request's identifiers: of every type of the catalogue, as every audience reads it.

    Raises:
        DiagnosticError: an identifier does not name a person by itself, is not known, or has a value that nobody takes.
    """
    manifests = list(_manifests(runtime))
    _check_names(request, manifests)
    keys: dict[SentKey, None] = {}
    texts: dict[tuple[str, str], None] = {}
    for name, value in request.values:
        regions = _regions(runtime, name)
        sent = list(_sent(manifests, name, value, regions))
        if not sent:
            raise invalid(
                f"A value of `{name}` in the request is none that a destination could have been sent: it is not valid, "
                "or a phone number without a country code. Nothing was looked for."
            )
        keys.update(dict.fromkeys(sent))
        said = dict.fromkeys([*(key.value for key in sent), *_plain(manifests, name, value, regions)])
        texts.update(dict.fromkeys((name, text) for text in said))
    return Forms(tuple(keys), tuple(texts))


def _manifests(runtime: Runtime) -> Iterator[Manifest]:
    """Yield the manifests of all types that can be opened, and of the connectors, as they are configured."""
    catalog = runtime.catalog
    for name in catalog.names():
        try:
            yield catalog.get(name).manifest
        except DiagnosticError:
            continue  # a type that nobody here may use was sent nobody
    for connector in runtime.project.connectors.values():
        yield catalog.get(connector.type).configured(connector.settings).manifest


def _check_names(request: Request, manifests: Sequence[Manifest]) -> None:
    known = {name for manifest in manifests for name in manifest.identifiers}
    naming = {name for name in known if any(_names(manifest, name) for manifest in manifests)}
    problems = [
        Diagnostic(
            "unknown-erasure-identifier",
            f"`{name}` helps to match a person and names nobody by itself: many have the same. Nothing was looked for."
            if name in known
            else f"No connector type has an identifier `{name}`. Nothing was looked for.",
            hint=did_you_mean(name, sorted(naming)),
        )
        for name in request.identifiers
        if name not in naming
    ]
    if problems:
        raise DiagnosticError(problems)


def _names(manifest: Manifest, name: str) -> bool:
    identifier = manifest.identifiers.get(name)
    if identifier is None:
        return False
    by_setting = manifest.identity.startswith("from_setting")
    return identifier.identifies if manifest.identity == "each" or by_setting else manifest.identity == name


def _regions(runtime: Runtime, name: str) -> tuple[str | None, ...]:
    """Return the countries whose national numbers the audiences hold, and none."""
    columns = (audience.identifiers.get(name) for audience in runtime.project.audiences.values())
    regions = (getattr(column, "region", None) for column in columns)
    return tuple(dict.fromkeys([None, *regions]))


def _sent(
    manifests: Sequence[Manifest], name: str, value: str, regions: Sequence[str | None]
) -> Iterator[SentKey]:
    for manifest in manifests:
        if name in manifest.identifiers:
            for region in regions:
                sent = normalize(manifest.identifiers[name], value, region=region, already_hashed=False)
                if sent is not None:
                    yield SentKey(form_of(manifest, name), name, sent)


def _plain(
    manifests: Sequence[Manifest], name: str, value: str, regions: Sequence[str | None]
) -> Iterator[str]:
    """Yield the plain form, and the hashes that a column may hold instead of a value."""
    described = [manifest.identifiers[name] for manifest in manifests if name in manifest.identifiers]
    for identifier in (plain(name), *described):
        for region in regions:
            text = normalized(identifier, value, region)
            if text is not None:
                yield text
                yield from (
                    hashlib.new(each, text.encode(), usedforsecurity=False).hexdigest() for each in _HASHES
                )
