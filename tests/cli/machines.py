"""Two checkouts of one project, as two machines have them: nothing is shared but the state in a bucket."""

from __future__ import annotations

import os
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from apply.killing import applied
from audiform.cli.main import main
from processes import started

CREDENTIALS: Mapping[str, str] = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


def applying(root: Path, *options: Any) -> BaseProcess:
    """Start `audiform apply` in a process of its own."""
    return started(_apply, root, *options)


def killed_at(root: Path, point: int) -> int | None:
    """Apply in a process of its own that is killed at a point of its journal; return its exit code."""
    process = started(_applied, root, point)
    process.join(60)
    return process.exitcode


def _apply(root: Path) -> None:
    os.environ |= CREDENTIALS
    main(["-C", str(root), "--quiet", "apply", "--auto-approve"])


def _applied(root: Path, point: int) -> None:
    os.environ |= CREDENTIALS
    applied(root, point)
