"""What another version of a type changes, by part of its manifest."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from audiform.connectors.version import parts_of, version_of

MANIFEST: dict[str, Any] = {
    "title": "A",
    "notes": ["x"],
    "base_url": "https://a.example.com",
    "identity": "email",
    "identifiers": {"email": {"field": "email", "normalize": ["trim"], "description": "words"}},
    "destination": {"attributes": {"properties": {"name": {"type": "string", "description": "words"}}}},
    "signals": {"add": {"row": {"e": "{{ row.email }}"}}},
}


@pytest.mark.parametrize(
    ("path", "value", "changed"),
    [
        (("title",), "B", set()),
        (("notes",), [], set()),
        (("identifiers", "email", "description"), "other words", set()),
        (("destination", "attributes", "properties", "name", "description"), "other words", set()),
        (("base_url",), "https://b.example.com", {"access"}),
        (("identifiers", "email", "hash"), "sha256", {"identifiers"}),
        (("signals", "add", "row"), {"mail": "{{ row.email }}"}, {"signals"}),
        (("destination", "marker"), "description", {"destination"}),
    ],
)
def test_only_what_is_sent_or_understood_counts(path, value, changed):
    """Words for people change nothing; each other part has a digest of its own."""
    other = deepcopy(MANIFEST)
    place = other
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    before, after = parts_of(version_of(MANIFEST)), parts_of(version_of(other))

    assert changed == {part for part, digest in before.items() if digest != after[part]}


def test_an_attribute_that_is_called_description_counts():
    """What is sent in a field of this name is no word about it."""
    other = deepcopy(MANIFEST)
    other["destination"]["create"] = {"request": {"body": {"description": "{{ destination.name }}"}}}
    more = deepcopy(other)
    more["destination"]["create"]["request"]["body"]["description"] = "{{ destination.description }}"

    assert version_of(other) != version_of(more)


def test_a_digest_of_another_kind_has_no_parts():
    """What an earlier version has recorded is compared as a whole."""
    assert {} == parts_of("5fcdfa679706c8da546becca884874e0187eaa598cb61cac50f404a131f2a85c")
