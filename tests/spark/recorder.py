"""Stands between an engine and a sandbox, and keeps what was sent, byte by byte."""

from __future__ import annotations

import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class Recorder:
    """What was sent: method, path and body, in order of arrival. `watch` is called with each, before it is passed on."""

    url: str = ""
    sent: list[tuple[str, str, bytes]] = field(default_factory=list)
    watch: Callable[[tuple[str, str, bytes]], None] = lambda _: None

    def taken(self) -> list[tuple[str, str, bytes]]:
        """Return what was sent since the last time, in an order of its own: requests run side by side."""
        found, self.sent = sorted(self.sent), []
        return found

    def masked(self) -> list[tuple[str, str, bytes]]:
        """Return the same, with ids that a platform makes as `N` in the paths."""
        return sorted((method, re.sub(r"\d{6,}", "N", path), body) for method, path, body in self.taken())


@contextmanager
def recording(target: str) -> Iterator[Recorder]:
    """Pass everything on to the server of `target`, until the block is left."""
    recorder = Recorder()
    host = "{0.scheme}://{0.netloc}".format(urlsplit(target))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            recorder.sent.append((self.command, self.path, body))
            recorder.watch(recorder.sent[-1])
            headers = {name: text for name, text in self.headers.items() if name.lower() != "host"}
            request = urllib.request.Request(  # noqa: S310 - to the sandbox
                f"{host}{self.path}", data=body or None, headers=headers, method=self.command
            )
            try:
                with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
                    self.reply(answer.status, answer.headers.items(), answer.read())
            except urllib.error.HTTPError as error:
                self.reply(error.code, error.headers.items(), error.read())

        def reply(self, status, headers, body) -> None:
            self.send_response(status)
            for name, text in headers:
                if name.lower() not in {
                    "transfer-encoding",
                    "connection",
                    "content-length",
                    "date",
                    "server",
                }:
                    self.send_header(name, text)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - as the library calls them

        def log_message(self, *_) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    recorder.url = f"http://127.0.0.1:{server.server_port}{urlsplit(target).path}"
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
