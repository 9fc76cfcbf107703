"""Paths into an event."""

from __future__ import annotations

import pytest

from audiform.connectors.events.paths import PathError, compile_path

EVENT = {
    "user_id": "u1",
    "properties": {
        "total": 12.5,
        "Plan name": "gold",
        "products": [{"sku": "a", "n": 1}, {"sku": "b"}, 3],
        "0": "zero",
    },
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("event.user_id", "u1"),
        ("event", EVENT),
        ("event.properties.total", 12.5),
        ('event.properties."Plan name"', "gold"),
        ("event.properties.products.1.sku", "b"),
        ("event.properties.products.*.sku", ["a", "b"]),
        ("event.properties.products.*.n", [1]),
        ("event.properties.0", "zero"),
        ("event.properties.products.7.sku", None),
        ("event.properties.products.sku", None),
        ("event.user_id.first", None),
        ("event.traits.email", None),
    ],
)
def test_a_path_finds_what_is_there(path, value):
    """A path finds a value, the entries of a list, or nothing: what is not there is no error."""
    assert value == compile_path(path)(EVENT)


@pytest.mark.parametrize(
    "path", ["", "properties.total", "event.", "event..x", "event.a b", 'event."x', "event.{{ x }}"]
)
def test_what_is_no_path_is_said(path):
    """A text that is no path says so when it is compiled, and shows how one looks."""
    with pytest.raises(PathError, match="path"):
        compile_path(path)
