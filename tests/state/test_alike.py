"""Files that sessions would write alike."""

from __future__ import annotations

from pathlib import Path

from audiform.state.segments.alike import Alike


def test_the_first_one_writes_and_the_others_have_the_same(tmp_path: Path):
    """Whoever comes later finds the file in place, under a name of its own."""
    alike, found = Alike(tmp_path / "kept"), []
    for name in ("one", "two"):
        with alike.written("everybody", tmp_path / name) as is_there:
            found.append(is_there)
            if not is_there:
                (tmp_path / name).write_text("people")

    assert [False, True] == found
    assert "people" == (tmp_path / "two").read_text()


def test_nothing_is_kept_once_it_has_ended(tmp_path: Path):
    """A thread of an interrupted run that ends its file later does not bring the folder back."""
    alike = Alike(tmp_path / "kept")
    with alike.written("everybody", tmp_path / "one") as is_there:
        alike.close()
        (tmp_path / "one").write_text("people")

    assert not is_there
    assert not (tmp_path / "kept").exists()
