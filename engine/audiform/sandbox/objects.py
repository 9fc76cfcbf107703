"""Destinations: create, read, update, delete, find, and who is in one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from audiform.connectors.manifest import Operation
from audiform.connectors.template import references
from audiform.outcome import Category
from audiform.sandbox.answers import entries, failure, gone, success
from audiform.sandbox.asked import Asked
from audiform.sandbox.scopes import attributes_in, belongs, context_in, scope_of
from audiform.sandbox.wire import Answer, Call
from audiform.sandbox.world import Destination, members_for

_PAGE = 5
"""Entries on a page of a listing: few, so that whoever forgets the second page finds out."""
_PAGE_PARAMETER = "_sandbox_page"


def named(asked: Asked) -> Destination | None:
    """Return the destination that a request names by its id, or None.

    An object that lives outside of the type's reach (`external`) begins to exist when it is first named.
    """
    wanted = str(asked.found.get("destination.id"))
    there = asked.account.destinations
    if wanted not in there and asked.manifest.destination.create is None and "destination.id" in asked.found:
        there[wanted] = Destination(wanted, {}, members_for(asked.manifest), context_in(asked.found))
    return there.get(wanted)


def missing(asked: Asked) -> Answer:
    """Return the answer for a destination that does not exist."""
    if asked.match.route.response.missing:
        return gone(asked.match.route.response)
    message = f"There is no object with the id {asked.found.get('destination.id')}"
    return failure(asked.connector_type, Category.DESTINATION_MISSING, message)


def create(asked: Asked) -> Answer:
    """Make a new object, also when there is one of that name: platforms do."""
    identity = asked.account.next_id()
    made = Destination(
        identity, attributes_in(asked.found), members_for(asked.manifest), context_in(asked.found)
    )
    asked.account.destinations[identity] = made
    return success(asked.match.route.response, scope_of(asked.found, made), asked.manifest.errors)


def read(asked: Asked) -> Answer:
    """Show one object."""
    destination = named(asked)
    if destination is None:
        return missing(asked)
    return success(asked.match.route.response, scope_of(asked.found, destination), asked.manifest.errors)


def update(asked: Asked) -> Answer:
    """Change what the request names; of what it could name, a PUT takes away what it does not."""
    destination = named(asked)
    if destination is None:
        return missing(asked)
    if asked.match.route.request.method == "PUT":
        for reference in references(asked.match.route.request.model_dump()):
            destination.attributes.pop(reference.removeprefix("destination."), None)
    destination.attributes.update(attributes_in(asked.found))
    return success(asked.match.route.response, scope_of(asked.found, destination), asked.manifest.errors)


def delete(asked: Asked) -> Answer:
    """Delete an object and its members."""
    destination = asked.account.destinations.pop(str(asked.found.get("destination.id")), None)
    if destination is None:
        return missing(asked)
    return success(asked.match.route.response, scope_of(asked.found, destination), asked.manifest.errors)


def find(asked: Asked) -> Answer:
    """List the objects that the request asks for, in small pages."""
    operation = asked.match.route.part
    assert isinstance(operation, Operation)  # noqa: S101 - the route says so
    hits = [
        destination
        for destination in asked.account.destinations.values()
        if belongs(destination, asked.found)
    ]
    return _listed(
        asked, operation, "destinations", [scope_of(asked.found, destination) for destination in hits]
    )


def members(asked: Asked) -> Answer:
    """List who is in an object, in small pages."""
    operation, destination = asked.match.route.part, named(asked)
    assert isinstance(operation, Operation)  # noqa: S101 - the route says so
    if destination is None:
        return missing(asked)
    hits = [{**scope_of(asked.found, None), "member": known} for known in destination.members.known()]
    return _listed(asked, operation, "members", hits)


def _listed(asked: Asked, operation: Operation, name: str, hits: Sequence[Mapping[str, Any]]) -> Answer:
    """Answer with the page of `hits` that the request asks for."""
    size = len(hits) if operation.pagination.style == "none" else _PAGE
    start = _start(asked)
    template = asked.match.route.response
    scope = scope_of(asked.found, None)
    scope[name] = entries(template, name, hits[start : start + size])
    if operation.pagination.style == "offset":
        scope["page"] = {"total": len(hits)}
    elif start + size < len(hits):
        following = str(start + size)
        scope["page"] = {
            "next": following if operation.pagination.style == "cursor" else _link(asked.call, following)
        }
    else:
        scope.pop("page", None)
    return success(template, scope, asked.manifest.errors)


def check(asked: Asked) -> Answer:
    """Say that the credentials work."""
    return success(asked.match.route.response, scope_of(asked.found, None), asked.manifest.errors)


OPERATIONS: Mapping[str, Callable[[Asked], Answer]] = {
    "create": create,
    "read": read,
    "update": update,
    "delete": delete,
    "find": find,
    "members": members,
    "check": check,
}


def _start(asked: Asked) -> int:
    text = str(asked.found.get("page.cursor", asked.call.query.get(_PAGE_PARAMETER, "0")))
    return int(text) if text.isdigit() else 0


def _link(call: Call, page: str) -> str:
    return f"{call.base}{call.path}?{urlencode({**call.query, _PAGE_PARAMETER: page})}"
