"""Codes of what a project says about events."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "wrong-section": Code(
        "Connector type of the other kind",
        "Types that audiences fill stand in `connectors`, types that send events as they happen in `event_connectors`; "
        "`audiform connectors list --available` says which a type is.",
        "Move the connector to the other section.",
    ),
    "invalid-mapping": Code(
        "Mapping of an event not valid",
        "What fills a field of a record is a path in the event (`event.properties.total`), or a map with `from` or `value` and named "
        "steps. This is none, or the type cannot take what comes of it, so no event could be sent.",
        "Mend what the message names; `audiform connectors show TYPE` lists the fields of a type.",
        "map:\n  value: properties.total    # write event.properties.total",
    ),
    "missing-mapping": Code(
        "Field without a mapping",
        "The connector type requires a field that nothing fills, so no event could be sent.",
        "Name what fills it in the connector's `map`.",
        "map:\n  value: event.properties.total",
    ),
    "missing-write-key": Code(
        "Source without a write key",
        "Whoever can reach the collector could send events in somebody else's name. So a client proves itself with a key, and a "
        "source without one takes no event.",
        "Add a key, as a reference to a secret.",
        "event_sources:\n  web:\n    type: http\n    write_keys: {web: {from_env: WEB_WRITE_KEY}}",
    ),
}
