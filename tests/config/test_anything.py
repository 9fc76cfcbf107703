"""Whatever stands in whatever place of a project: loading ends with diagnostics that have a place, and never breaks."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml12
from hypothesis import given, settings
from hypothesis import strategies as st

from audiform.cli.checking import checked
from audiform.cli.views.diagnostics import render_text

BASE = Path(__file__).parent / "corpus" / "_base"
FILES: dict[str, Any] = {
    file.relative_to(BASE).as_posix(): yaml12.parse_yaml(file.read_text(encoding="utf-8"))
    for file in sorted(BASE.rglob("*.yaml"))
}
FILES["environments/test.yaml"]["overrides"] = {
    "bindings": {"lapsed_on_ads": {"guards": {"max_removed": "20%"}}}
}
FILES["audiences.yaml"]["audiences"]["lapsed"]["for_each"] = {"de": 1}


def routes(node: Any, route: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the way to each value below a node."""
    for key, value in node.items():
        yield (*route, key)
        if isinstance(value, dict):
            yield from routes(value, (*route, key))


PLACES = [(file, route) for file, data in FILES.items() for route in routes(data)]
VALUES = st.one_of(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        [
            *(
                "{{ values.days }}",
                "{{ values.countries }}",
                "{{ each.key }}",
                "{{ values.x }}",
                "{{",
                "{% x %}",
                "{{ 1 / 0 }}",
            ),
            *(
                "SELECT 1",
                "SELECT",
                "lapsed",
                "lapsed.de",
                "shop",
                "ads_eu",
                "http_audience",
                "../x",
                "/etc/passwd",
                "20%",
                "",
            ),
            *("http://x", "https://[", "file:", "a" * 300, "\\n", "<text>", "<from_env>", "é\\u0000"),
            *(
                [],
                {},
                [[]],
                [{}],
                {"": None},
                {"file": "x"},
                {"file": ""},
                {"from_env": "X"},
                {"from_command": []},
            ),
            *({"column": 1}, {"<text>": 1}, {"a.b": {}}, {"__class__": 1}, ["add", "add"], {"de": {"x": 1}}),
        ]
    ),
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def changed(place: tuple[str, tuple[str, ...]], value: Any, *, rename: bool) -> dict[str, Any]:
    """Return the files with another value, or another key, at one place."""
    files = copy.deepcopy(FILES)
    file, route = place
    node = files[file]
    for key in route[:-1]:
        node = node[key]
    if rename:
        node[str(value)[:70]] = node.pop(route[-1])
    else:
        node[route[-1]] = value
    return files


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PLACES), VALUES, st.booleans())
def test_anything_anywhere(place, value, rename):
    """One value or key of a project is replaced: what is wrong is said, with its line, and it can be shown."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in changed(place, value, rename=rename).items():
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(data, indent=1), encoding="utf-8")
        result = checked(Path(folder), "test")

    assert "" != render_text(tuple(result.diagnostics), colour=False) or not len(result.diagnostics)
    assert [] == [
        item for item in result.diagnostics if item.location is None and item.code != "unknown-environment"
    ]
    assert (result.project is None) <= result.diagnostics.has_errors
