"""A project with events in a folder, its platforms in a sandbox, and `audiform run` as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from audiform.cli.main import run
from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.sandbox.serve import Sandbox

KEY = "canary-write-key"
SEND = {"request": {"body": {"events": "${rows}"}}, "row": "${row.payload}", "rows_per_request": 50}
SETTINGS = {
    "url": "http://127.0.0.1:1/events",
    "send": SEND,
    "outcomes": [{"status": 422, "outcome": "rejected"}],
}


def services(*names: str) -> dict[str, ConnectorType]:
    """Return what the sandbox serves: each name as a server that takes events."""
    return {name: Catalog().get("http_event").configured(SETTINGS) for name in names}


@dataclass
class Stage:
    """The project's folder; `connectors` are its event connectors, each leading to the sandbox's service of its name."""

    root: Path
    sandbox: Sandbox
    connectors: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: dict[str, Any] = field(default_factory=dict)
    event_log: dict[str, Any] | None = None
    port: int = 0

    def apply(self, **changes: Mapping[str, Any] | None) -> None:
        """Change connectors (None: delete), and apply."""
        for name, change in changes.items():
            if change is None:
                del self.connectors[name]
            else:
                self.connectors[name] = {**self.connectors.get(name, {}), **change}
        for name, text in self._files().items():
            (self.root / name).write_text(text, encoding="utf-8")
        (self.root / "key.txt").chmod(0o600)
        assert 0 == run(["-C", str(self.root), "apply", "--auto-approve"])

    def _files(self) -> dict[str, str]:
        project: dict[str, Any] = {"project": "shop", "policy": {"allowed_hosts": ["127.0.0.1"]}}
        if self.event_log is not None:
            project["event_log"] = self.event_log
        web = {"type": "http", "write_keys": {"web": {"from_file": "key.txt"}}}
        sections = {
            "event_sources": {"web": web, **self.sources},
            "event_connectors": {
                name: {
                    "type": "http_event",
                    "settings": SETTINGS,
                    "endpoint": self.sandbox.endpoint(name),
                    "batch": {"max_seconds": 0.02},
                    **body,
                }
                for name, body in self.connectors.items()
            },
        }
        return {"audiform.yaml": json.dumps(project), "events.yaml": json.dumps(sections), "key.txt": KEY}

    @contextmanager
    def running(self, *, kill: bool = False) -> Iterator[subprocess.Popen[bytes]]:
        """Run the process while the block runs; end it as a machine does that stops it, or loses its power."""
        log = (self.root / "run.log").open("ab")
        start = log.tell()
        command = (sys.executable, "-m", "audiform", "-C", str(self.root), "run", "--port", str(self.port))
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=log, env=os.environ | {"PYTHONPATH": _path()}
        )
        try:
            self.port = _port_of(self.root / "run.log", start, process)
            yield process
        finally:
            process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            code = process.wait(20)
            log.close()
        assert kill or 0 == code, (self.root / "run.log").read_text()

    def track(self, *names: str) -> None:
        """Send events in a batch, and see that they are kept."""
        batch = [{"type": "track", "event": "Viewed", "userId": "u-1", "messageId": name} for name in names]
        answer = httpx.post(f"http://127.0.0.1:{self.port}/v1/batch", json={"batch": batch}, auth=(KEY, ""))
        assert (200, {"success": True}) == (answer.status_code, answer.json())

    def arrived(self, service: str) -> list[str]:
        """Return the ids that a service has got, in order, as often as it got them."""
        return [event["id"] for event in self.sandbox.world.account(service).events.last]

    def takes_effect(self, what: str, **changes: Mapping[str, Any] | None) -> float:
        """Apply changes; return how long after it the process says that it has done `what`."""
        before = self._said(what)
        self.apply(**changes)
        return until(lambda: self._said(what) > before)

    def _said(self, what: str) -> int:
        return (self.root / "run.log").read_text().count(f'"event": "{what}"')

    def cli(self, *arguments: str) -> int:
        """Run a command in the project."""
        return run(["-C", str(self.root), *arguments])


def until(true: Callable[[], object], seconds: float = 10.0) -> float:
    """Wait until something is so; return how long that took."""
    start = time.monotonic()
    while not true():
        assert time.monotonic() - start < seconds, f"it did not become so within {seconds:g} seconds"
        time.sleep(0.02)
    return time.monotonic() - start


def _port_of(log: Path, start: int, process: subprocess.Popen[bytes]) -> int:
    """Return the port that the process says, once it takes events in."""
    until(lambda: b'"running"' in log.read_bytes()[start:] or process.poll() is not None, 30)
    lines = [json.loads(line) for line in log.read_bytes()[start:].splitlines() if line.startswith(b"{")]
    found = [line["url"] for line in lines if line["event"] == "running"]
    assert found, log.read_text()
    return int(found[0].rpartition(":")[2])


def _path() -> str:
    """Return where the engine that is tested is."""
    import audiform

    return str(Path(str(audiform.__file__)).parent.parent)
