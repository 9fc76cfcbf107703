"""Which references a request names, where that says what must be known before it can be made."""

from __future__ import annotations

from audiform.connectors.manifest import RequestTemplate, SignalOperation
from audiform.connectors.template import references

COUNT = "members.count"
"""What `read` says of how many members there are."""
REVISION = "members.revision"
"""What a request names that changes one state of the members and no other."""


def named(request: RequestTemplate) -> frozenset[str]:
    """Return every reference of the request."""
    texts = request.multipart.texts if request.multipart else None
    parts = [request.path, dict(request.query), dict(request.headers), request.body, request.form, texts]
    return references(parts)


def names_revision(operation: SignalOperation) -> bool:
    """Whether the request says which state of the members it changes."""
    return REVISION in named(operation.request)
