"""The two shops that deliveries are tested with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from delivery.deliveries import KEYS, NAMED, Shop, shop


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Shop]:
    """Return a shop whose platform knows people by each of their keys, and only counts what it rejects."""
    with shop(tmp_path, KEYS) as opened:
        yield opened


@pytest.fixture
def named(tmp_path: Path) -> Iterator[Shop]:
    """Return a shop whose platform knows people by their e-mail address, with variables, and names what it rejects."""
    with shop(tmp_path, NAMED, audience={"variables": {"value": "ltv"}}) as opened:
        yield opened
