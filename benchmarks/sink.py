"""The other end: takes requests and says yes, as fast as can be. `python benchmarks/sink.py` prints its port.

A sink that reads nothing is no bottleneck, but would not notice a body that is wrong. With `--keep FOLDER` it writes each
body to a file, so that whoever is measured can be held to the job first.
"""

from __future__ import annotations

import argparse
import itertools
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

ANSWER = b'{"audience_id":"1","num_received":0,"num_invalid_entries":0}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER)


def _serve(connection: socket.socket, keep: Callable[[bytes], None] | None) -> None:
    buffer = bytearray(1 << 20)
    view = memoryview(buffer)
    head = b""
    while True:
        while b"\r\n\r\n" not in head:
            if not (size := connection.recv_into(buffer)):
                return
            head += bytes(view[:size])
        lines, _, body = head.partition(b"\r\n\r\n")
        lengths = [line[15:] for line in lines.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        left = int(lengths[0]) - len(body) if lengths else 0
        kept = [body]
        while left > 0:
            if not (size := connection.recv_into(buffer, min(left, len(buffer)))):
                return
            left -= size
            if keep is not None:
                kept.append(bytes(view[:size]))
        if keep is not None:
            keep(b"".join(kept))
        head = b""
        connection.sendall(HEAD + ANSWER)


def _write(folder: Path, numbers: Iterator[int], body: bytes) -> None:
    (folder / f"{next(numbers)}.json").write_bytes(body)


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="write each body to a file of this folder")
    folder: Path | None = parser.parse_args().keep
    keep = None if folder is None else partial(_write, folder, itertools.count())
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(server.getsockname()[1], flush=True)
    while True:
        connection, _ = server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(connection, keep), daemon=True).start()


@contextmanager
def sink(keep: Path | None = None) -> Iterator[str]:
    """Run a sink in a process of its own; yield its URL."""
    command = [sys.executable, __file__, *(("--keep", str(keep)) if keep is not None else ())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline() if process.stdout else 0)}"
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
