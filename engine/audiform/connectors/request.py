"""From an operation and values to one HTTP request: pure. Rows go in as bytes and are never parsed."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from audiform import __version__
from audiform.connectors.catalog import ConnectorType
from audiform.connectors.manifest import RequestTemplate, SignalOperation
from audiform.connectors.multipart import facts_of, file_of, write
from audiform.connectors.named import named
from audiform.connectors.template import MISSING, as_text, exact, references, render
from audiform.connectors.ways import is_private
from audiform.outcome import Request

_SENTINEL = f"rows-{secrets.token_hex(16)}"
"""Stands for the rows while the envelope is rendered; random, so that no value can contain it."""
_HOST_PART = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


class MissingReferenceError(Exception):
    """A URL needs a value that is not known, or has one that may not stand in it. Holds names, no values."""


def build(
    connector_type: ConnectorType,
    template: RequestTemplate,
    scope: Mapping[str, Any],
    rows: bytes | None = None,
    *,
    endpoint: str | None = None,
) -> Request:
    """Return the request of `template`, without authentication.

    `scope`: nested values (`settings`, `destination`, ...; see `manifest.py`). `rows`: JSON rows joined with
    `,`, which stand where the body says `{{ rows }}` (as a list) or `{{ row }}` (one of them). `endpoint`
    replaces the type's base URL.

    Raises:
        MissingReferenceError: the URL needs a value that `scope` does not have, or would leave https.
    """
    joined = {} if rows is None or template.rows_joined_by is None else {"rows": _joined(template, rows)}
    query = texts(template.query, {**scope, **joined})
    url = base_url(connector_type, scope, endpoint) + _path(template.path, scope)
    if query:
        url += f"?{urlencode(query)}"
    body, content_type = _body(template, scope, rows)
    headers = {
        "user-agent": f"audiform/{__version__}",
        "accept": _JSON,
        **({"content-type": content_type} if content_type else {}),
        **{name.lower(): text for name, text in texts(connector_type.manifest.headers, scope)},
        **{name.lower(): text for name, text in texts(template.headers, scope)},
    }
    return Request(template.method, url, tuple(headers.items()), body)


def base_url(connector_type: ConnectorType, scope: Mapping[str, Any], endpoint: str | None = None) -> str:
    """Return the URL that every path is appended to: the manifest's, or the `endpoint` that replaces it.

    Raises:
        MissingReferenceError: as for `build`.
    """
    url = endpoint or _manifest_url(connector_type.manifest.base_url, scope)
    if is_private(url):
        return url.rstrip("/")
    raise MissingReferenceError(
        "the URL is not https, nor another encrypted way; people's data goes over nothing else, except to this machine itself"
    )


def token_url(url: str, endpoint: str | None) -> str:
    """Return the URL of a token request: at the `endpoint` where one stands in for the platform."""
    return endpoint.rstrip("/") + urlsplit(url).path if endpoint else url


def texts(template: Mapping[str, Any], scope: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the pairs of a query, form or headers; those whose reference is missing are left out."""
    rendered = ((name, render(node, scope)) for name, node in template.items())
    return [(name, as_text(value)) for name, value in rendered if value is not MISSING]


def needs_records(operation: SignalOperation) -> bool:
    """Whether the batch's rows are needed as values too: for a lookup, or in a URL, header or part of a body."""
    used = named(operation.request)
    return operation.lookup is not None or any(name.startswith(("row.", "lookup.")) for name in used)


def _manifest_url(template: str, scope: Mapping[str, Any]) -> str:
    url = render(template, scope)
    if url is MISSING:
        raise MissingReferenceError(_missing("the base URL", template))
    if exact(template) is None:
        host = template.partition("://")[2].partition("/")[0]
        for reference in references(host):
            value = render(f"{{{{ {reference} }}}}", scope)
            if not _HOST_PART.fullmatch(str(value)):
                raise MissingReferenceError(
                    f"`{reference}` is part of a host name and has characters that may not be in one"
                )
    return str(url)


def _path(template: str, scope: Mapping[str, Any]) -> str:
    rendered = render(template, _encoded(template, scope))
    if rendered is MISSING:
        raise MissingReferenceError(_missing(f"the path `{template}`", template))
    # A setting may be the whole URL, which is then sent as it is.
    return rendered if rendered.startswith("/") or not template else f"/{rendered}"


def _encoded(template: str, scope: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a scope with the path's values percent-encoded, so that none can lead to another path."""
    values: dict[str, Any] = {}
    for reference in references(template):
        value = render(f"{{{{ {reference} }}}}", scope)
        if value is MISSING:
            continue
        *parents, last = reference.split(".")
        place = values
        for part in parents:
            place = place.setdefault(part, {})
        place[last] = (
            quote(as_text(value), safe="")
            if as_text(value).strip(".")
            else as_text(value).replace(".", "%2E")
        )
    return values


def _missing(where: str, template: str) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(references(template)))
    return f"{where} needs {names}, and not all of them are known"


def _body(
    template: RequestTemplate, scope: Mapping[str, Any], rows: bytes | None
) -> tuple[bytes | None, str | None]:
    if template.multipart is not None:
        content = file_of(template.multipart.file, rows or b"")
        said = texts(template.multipart.texts, {**scope, "file": facts_of(content)})
        return write(said, template.multipart.file, content)
    if rows is not None and template.rows_joined_by is not None:
        rows = json.dumps(_joined(template, rows)).encode()
        scope = {**scope, "rows": _SENTINEL}
    elif rows is not None:
        scope = {**scope, "rows": [_SENTINEL]}
    if template.form is not None:
        text = urlencode(texts(_marked(template.form, rows), scope)).encode()
        encoded = None if rows is None else quote_plus(rows).encode()
        quoted = _spliced(text, quote_plus(f'"{_SENTINEL}"').encode(), encoded)
        return _spliced(quoted, _SENTINEL.encode(), encoded), _FORM
    if template.body is None:
        return None, None
    body = render(_marked(template.body, rows), scope)
    if body is MISSING:
        return None, None
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    return _spliced(text, f'"{_SENTINEL}"'.encode(), rows), _JSON


def _marked(node: Any, rows: bytes | None) -> Any:
    """Put the mark where a node says `{{ row }}`: the row as its template makes it, never all that is known of it."""
    if isinstance(node, str):
        return _SENTINEL if rows is not None and exact(node) == "row" else node
    if isinstance(node, Mapping):
        return {key: _marked(item, rows) for key, item in cast("Mapping[str, Any]", node).items()}
    if isinstance(node, list | tuple):
        return [_marked(item, rows) for item in cast("Sequence[Any]", node)]
    return node


def _joined(template: RequestTemplate, rows: bytes) -> str:
    return (template.rows_joined_by or "").join(json.loads(b"[%b]" % rows))


def _spliced(envelope: bytes, mark: bytes, rows: bytes | None) -> bytes:
    """Put the rows where their mark is; the envelope is small, and the rows are copied once."""
    return envelope if rows is None else rows.join(envelope.split(mark))
