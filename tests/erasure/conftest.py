"""The two shops of deliveries."""

from __future__ import annotations

from delivery.conftest import keys, named

__all__ = ["keys", "named"]
