"""A small file, and a small answer, that would become endless: refused before it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiform.cases.model import read_cases
from audiform.connectors.aliases import MOST, parse
from audiform.connectors.catalog import Catalog
from audiform.connectors.pins import read_pins
from audiform.connectors.signing import problem_of
from audiform.diagnostics import DiagnosticError
from conftest import CHECKOUT


def bomb(*, again: bool = False) -> str:
    """Return a page of YAML that is 10^12 values; `again`: each anchor has the same name."""
    name = "a" if again else "a{}"
    lines = [f"k0: &{name.format(0)} [{', '.join('x' * 10)}]"]
    lines += [f"k{n}: &{name.format(n)} [{', '.join([f'*{name.format(n - 1)}'] * 10)}]" for n in range(1, 12)]
    return "\n".join(lines)


@pytest.mark.parametrize("text", [bomb(), bomb(again=True), "{a: " + bomb().replace("\n", ",\n") + "}"])
def test_aliases_of_aliases_are_not_followed(text):
    """What would be terabytes is counted, not made."""
    with pytest.raises(ValueError, match=r"its aliases repeat more than 100,000 values|no YAML"):
        parse(text)


def test_an_alias_of_itself_has_no_end():
    """A list that holds itself is refused, however few its aliases are."""
    text = f"a: &a [*a, {', '.join(['x'] * 200)}]\nb: [{', '.join(['*a'] * 60_000)}]"

    with pytest.raises(ValueError):  # noqa: PT011 - which reader refuses it makes no difference
        parse(text)


def test_aliases_that_are_of_use_are_followed():
    """Shipped manifests are full of them; many short ones are no bomb."""
    many = f"a: &a [1, 2]\nb: [{', '.join(['*a'] * 20_000)}]"

    assert {"a": [1, 2], "b": [[1, 2]] * 20_000} == parse(many)
    assert 60_001 < MOST


def test_the_shipped_types_read_as_before():
    """No shipped manifest is taken for a bomb when it is copied into a project."""
    for path in sorted((CHECKOUT / "connectors").glob("*/manifest.yaml")):
        assert parse(path.read_text(encoding="utf-8"))["title"]


def test_the_files_of_an_own_type_are_held_to_a_size(tmp_path: Path):
    """A manifest, vectors, cases, a signature and the lock: whoever opens a pull request may have written them."""
    folder = tmp_path / "connectors" / "own"
    (folder / "cases").mkdir(parents=True)
    for name in ("manifest.yaml", "signature.yaml", "cases/a.yaml"):
        (folder / name).write_text(bomb(), encoding="utf-8")
    (tmp_path / "audiform.lock").write_text(bomb(), encoding="utf-8")

    with pytest.raises(DiagnosticError) as manifest:
        Catalog(tmp_path).get("own")
    with pytest.raises(DiagnosticError) as lock:
        read_pins(tmp_path)
    signature = problem_of(folder, [])
    with pytest.raises(ValueError, match="aliases"):
        list(read_cases(folder))

    assert signature is not None
    assert ["invalid-manifest", "invalid-lock", "custom-connector-changed"] == [
        manifest.value.diagnostics[0].code,
        lock.value.diagnostics[0].code,
        signature.code,
    ]


def test_a_manifest_that_is_nested_too_deeply(tmp_path: Path):
    """A thousand brackets exhaust no stack."""
    folder = tmp_path / "connectors" / "own"
    folder.mkdir(parents=True)
    (folder / "manifest.yaml").write_text("[" * 5000 + "]" * 5000, encoding="utf-8")

    with pytest.raises(DiagnosticError) as caught:
        Catalog(tmp_path).get("own")

    assert "invalid-manifest" == caught.value.diagnostics[0].code
