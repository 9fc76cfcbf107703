"""Real servers for tests, each started on a free port of this machine and stopped at the end.

Their libraries are imported where one is started: every test process imports this module.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest


@dataclass(frozen=True)
class Database:
    """A running PostgreSQL with the user `audiform`, who owns the database `shop`."""

    port: int
    user: str = "audiform"
    password: str = "p@ss/word"
    folder: Path = Path()

    @property
    def url(self) -> str:
        """What stands in a connector's settings."""
        return f"postgresql://127.0.0.1:{self.port}/shop"

    def start(self) -> None:
        """Start it, also after it was stopped or killed."""
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder} -c fsync=off"
        self._control("-w", "-l", self.folder / "log", "-o", settings, "start")

    def stop(self) -> None:
        """Stop it as a machine stops it that is switched off: whoever is connected loses the connection."""
        self._control("-m", "immediate", "stop")

    def _control(self, *arguments: object) -> None:
        _run(_programs() / "pg_ctl", "-D", self.folder / "data", *arguments, **_as_somebody(self.folder))


@dataclass(frozen=True)
class ObjectStorage:
    """A running stand-in for AWS with the bucket `shop-audiences` and the stream `audience-changes`."""

    url: str
    region: str = "eu-central-1"

    def client(self, service: str) -> Any:
        """Return AWS's own client of a service there."""
        from botocore.session import get_session

        session = get_session()
        session.set_credentials("key", "secret")
        return session.create_client(service, region_name=self.region, endpoint_url=self.url)


@contextmanager
def object_storage() -> Iterator[ObjectStorage]:
    """Run moto's server in a process of its own: some clients let no other thread of theirs run while they wait.

    It answers one request after the other, because what it does on a condition is not atomic among its threads.
    """
    port = free_port()
    code = (
        "from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app\n"
        "from werkzeug.serving import run_simple\n"
        f"run_simple('127.0.0.1', {port}, DomainDispatcherApplication(create_backend_app))"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        storage = ObjectStorage(f"http://127.0.0.1:{port}")
        where = {"LocationConstraint": storage.region}
        storage.client("s3").create_bucket(Bucket="shop-audiences", CreateBucketConfiguration=where)
        storage.client("kinesis").create_stream(StreamName="audience-changes", ShardCount=2)
        yield storage
    finally:
        server.kill()
        server.wait()


@dataclass(frozen=True)
class FileServer:
    """A running SFTP server with one user, who logs in with a password or a key; `folder` is its root."""

    port: int
    folder: Path
    host_key: str
    private_key: str
    user: str = "audiform"
    password: str = "p@ss"

    @property
    def url(self) -> str:
        """What stands in a connector's settings."""
        return f"sftp://127.0.0.1:{self.port}/exports"


@contextmanager
def sftp(folder: Path) -> Iterator[FileServer]:
    """Run an SFTP server on a thread whose root is `folder`."""
    import asyncssh

    host_key, user_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    server = FileServer(
        free_port(),
        folder,
        " ".join(host_key.export_public_key().decode().split()[:2]),
        user_key.export_private_key().decode(),
    )
    (folder / "exports").mkdir()
    loop = asyncio.new_event_loop()

    class Guard(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == (server.user, server.password)

        def validate_public_key(self, username: str, key: Any) -> bool:
            return username == server.user and key.public_data == user_key.public_data

    async def start() -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            server.port,
            server_factory=Guard,
            server_host_keys=[host_key],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(folder).encode()),
        )

    listener = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, name="sftp", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(listener.close)
        asyncio.run_coroutine_threadsafe(listener.wait_closed(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _wait_for(port: int) -> None:
    """Wait until somebody listens there, for half a minute at most."""
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs, as Debian installs them or as they are on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql (.ci/run does)")
    return found[-1].parent if found else Path(str(on_path)).parent


@contextmanager
def postgresql() -> Iterator[Database]:
    """Run a PostgreSQL of its own, which asks for passwords. It refuses to run as root, so it does not."""
    programs = _programs()
    # Not below pytest's folder, which is closed to every other user.
    with TemporaryDirectory(prefix="audiform-pg-") as name:
        folder = Path(name)
        options, database = _as_somebody(folder), Database(free_port(), folder=folder)
        data, secret = folder / "data", folder / "secret"
        secret.write_text(database.password)
        secret.chmod(0o644)
        made = (
            "-D",
            data,
            "-U",
            database.user,
            "--pwfile",
            secret,
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--no-sync",
        )
        _run(programs / "initdb", *made, **options)
        database.start()
        try:
            place = ("-h", "127.0.0.1", "-p", database.port, "-U", database.user, "shop")
            _run(programs / "createdb", *place, env={**os.environ, "PGPASSWORD": database.password})
            yield database
        finally:
            database.stop()


def _as_somebody(folder: Path) -> dict[str, Any]:
    """Return how a program is run that refuses to run as root, and give it the folder."""
    if os.getuid() != 0:
        return {}
    somebody = pwd.getpwnam("postgres" if _exists("postgres") else "nobody")
    os.chown(folder, somebody.pw_uid, somebody.pw_gid)
    return {"user": somebody.pw_uid, "group": somebody.pw_gid, "cwd": folder}


def _exists(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


def _run(program: Path, *arguments: object, **options: Any) -> None:
    done = subprocess.run(
        [str(program), *map(str, arguments)],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options,
    )
    if done.returncode != 0:
        pytest.fail(f"{program.name}: {done.stdout.decode(errors='replace')}", pytrace=False)


@dataclass(frozen=True)
class MariaDb:
    """A running MariaDB with the user `audiform`, who owns the database `shop`."""

    port: int
    user: str = "audiform"
    password: str = "p@ss/word"
    socket: Path = Path()

    @property
    def url(self) -> str:
        """What stands in a source's settings."""
        return f"mariadb://127.0.0.1:{self.port}/shop"

    def run(self, statements: str) -> str:
        """Run statements as the server's owner; return what they answer."""
        client = (
            "mariadb",
            "--no-defaults",
            "-uroot",
            "-N",
            "--default-character-set=utf8mb4",
            "-S",
            self.socket,
        )
        done = subprocess.run(
            [*map(str, client), "-e", statements], check=False, capture_output=True, encoding="utf-8"
        )
        if done.returncode != 0:
            pytest.fail(f"mariadb: {done.stderr}", pytrace=False)
        return done.stdout


@contextmanager
def mariadb() -> Iterator[MariaDb]:
    """Run a MariaDB of its own, which asks for passwords on its port. It refuses to run as root, so it does not."""
    if shutil.which("mariadbd") is None:
        pytest.skip("MariaDB is not installed: apt-get install mariadb-server (.ci/run does)")
    with TemporaryDirectory(prefix="audiform-my-") as name:
        folder = Path(name)
        options = _as_somebody(folder)
        place = MariaDb(free_port(), socket=folder / "socket")
        data, quick = f"--datadir={folder / 'data'}", "--innodb-flush-log-at-trx-commit=0"
        made = ("--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db", quick)
        _run(Path("mariadb-install-db"), *made, **options)
        arguments = ("--no-defaults", data, quick, f"--socket={place.socket}", f"--port={place.port}")
        server = subprocess.Popen(
            ["mariadbd", *arguments, "--bind-address=127.0.0.1", f"--pid-file={folder / 'pid'}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **options,
        )
        try:
            _wait_for(place.port)
            place.run(
                f"CREATE DATABASE shop; CREATE USER {place.user}@localhost IDENTIFIED BY '{place.password}';"
                f"GRANT ALL ON shop.* TO {place.user}@localhost"
            )
            yield place
        finally:
            server.kill()
            server.wait()
