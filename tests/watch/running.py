"""`audiform sync --watch` in a process of its own, and what it says."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx
import pytest

from audiform.cli.main import main
from cli.shell import Shell
from processes import started


def watch(root: str, log: str, *arguments: str) -> None:
    """Run the command, what it says on stderr in a file."""
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    main(["-C", root, "sync", "--watch", *arguments])


@contextmanager
def watching(shell: Shell, log: Path, *arguments: str) -> Iterator[BaseProcess]:
    """Let it watch while the block runs; whatever happens, nothing of it is left."""
    process = started(watch, str(shell.root), str(log), *arguments)
    try:
        yield process
    finally:
        process.kill()
        process.join(10)


def said(log: Path) -> list[dict[str, Any]]:
    """Return the lines that are there."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def until(log: Path, event: str, count: int = 1) -> dict[str, Any]:
    """Wait for the last of so many lines of one kind."""
    for _ in range(1000):
        found = [line for line in said(log) if line["event"] == event]
        if len(found) >= count:
            return found[count - 1]
        time.sleep(0.02)
    pytest.fail(f"no {event}: {said(log)}")


def hours_pass(shell: Shell) -> None:
    """Let the last runs be as old as if the watcher had been down for hours."""
    with closing(shell.store()) as store:
        store.note_runs(
            replace(
                run,
                started=run.started - timedelta(hours=5),
                ended=run.ended and run.ended - timedelta(hours=5),
            )
            for run in store.last_runs().values()
        )


def came_of(shell: Shell) -> str:
    """Return what came of the binding's last run."""
    with closing(shell.store()) as store:
        return store.last_runs()["buyers_on_ads"].result


def figures_of(url: str, overdue: str) -> str:
    """Return what Prometheus gets, once the binding is overdue by so much."""
    text = ""
    for _ in range(250):
        text = httpx.get(url, trust_env=False).text
        if f'audiform_binding_overdue_seconds{{binding="buyers_on_ads"}} {overdue}\n' in text:
            return text
        time.sleep(0.02)
    pytest.fail(text)
