"""A real NATS server on a free port."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass
class Nats:
    """A running nats-server with JetStream, which can be stopped and started again on its folder and port."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    def url(self, stream: str) -> str:
        """Return where a log is."""
        return f"nats://127.0.0.1:{self.port}/{stream}"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        program = shutil.which("nats-server")
        if program is None:
            pytest.skip("nats-server is not installed: apt-get install nats-server (.ci/run does)")
        command = (program, "-js", "-sd", str(self.folder), "-a", "127.0.0.1", "-p", str(self.port))
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        pytest.fail("nats-server did not start within 10 seconds", pytrace=False)

    def stop(self) -> None:
        """Kill it, as a machine that goes away does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@contextmanager
def nats_server(folder: Path) -> Iterator[Nats]:
    """Run a server."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = Nats(folder, port)
    server.start()
    try:
        yield server
    finally:
        server.stop()
