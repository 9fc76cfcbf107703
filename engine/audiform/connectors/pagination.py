"""How a listing goes on after a page: pure. One function per style."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from audiform.connectors.manifest import Pagination
from audiform.outcome import Outcome, Request

Rebuild = Callable[[str], Request]
"""Builds the listing's request again with this as `page.cursor`."""


class ForeignPageError(Exception):
    """A listing points to a page on another host; following it would hand the credentials to a stranger."""


def next_request(
    pagination: Pagination, outcome: Outcome, request: Request, rebuild: Rebuild, *, read: int = 0
) -> Request | None:
    """Return the request of the page after the answer `outcome` to `request`; None at the listing's end.

    `read` is the number of entries of all pages so far.

    Raises:
        ForeignPageError: the next page is on another host.
    """
    if pagination.style == "offset":
        total = str(outcome.extracted.get("page.total", 0))
        following = rebuild(str(read)) if total.isdigit() and read < int(total) else None
        return None if following == request else following
    token = outcome.extracted.get("page.next")
    if not token or pagination.style not in STYLES:
        return None
    following = STYLES[pagination.style](str(token), request, rebuild)
    return None if following == request else following


def _cursor(token: str, _request: Request, rebuild: Rebuild) -> Request:
    return rebuild(token)


def _url(token: str, request: Request, _rebuild: Rebuild) -> Request:
    url = urljoin(request.url, token)
    if urlsplit(url)[:2] != urlsplit(request.url)[:2]:
        raise ForeignPageError("the next page of the listing is on another host, so it is not fetched")
    return replace(request, url=url)


STYLES: Mapping[str, Callable[[str, Request, Rebuild], Request]] = {"cursor": _cursor, "url": _url}
