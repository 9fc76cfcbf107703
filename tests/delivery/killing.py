"""A delivery in a process of its own that is killed at one step of its journal."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from delivery.deliveries import Shop


def deliver_and_die(
    root: Path, kind: str, endpoint: str, owner: type, method: str, when: str, **audience: Any
) -> None:
    """Deliver in this process, which kills itself before or after a step of the journal."""
    real = getattr(owner, method)

    def deadly(*arguments: object, **named: object) -> None:
        if when == "after":
            real(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, method, deadly)
    named_by_nobody: Any = None
    Shop(root, kind, endpoint, named_by_nobody, audience).deliver(approved=["buyers.max_removed"])
