"""What ships beside the code is found, in a checkout and in a wheel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import audiform
from audiform.bundled import bundled

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDERS = ("connectors", "schemas", "examples")


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_ships_is_there(folder):
    """The catalogue, the schemas and the examples are found, whichever way Audiform is installed."""
    assert (bundled() / folder).is_dir()


def test_all_of_it_ships_and_no_more():
    """What is installed holds each file of the checkout's folders, and nothing that a trial run left there."""
    expected = {file for file in shipped(CHECKOUT) if ".audiform" not in file.parts}
    actual = shipped(bundled()) if os.environ.get("AUDIFORM_TESTED") == "wheel" else expected

    assert expected == actual


def shipped(root: Path) -> set[Path]:
    """Return the files below the folders that ship, relative to `root`, without what Python compiles where it is installed."""
    return {
        file.relative_to(root)
        for folder in FOLDERS
        for file in (root / folder).rglob("*")
        if file.is_file() and not file.name.startswith(".") and "__pycache__" not in file.parts
    }


def test_the_wheel_is_what_is_tested():
    """Where the installed wheel is to be tested, no module comes from the checkout."""
    from_wheel = os.environ.get("AUDIFORM_TESTED") == "wheel"

    assert from_wheel is not Path(audiform.__file__).is_relative_to(CHECKOUT / "engine")
