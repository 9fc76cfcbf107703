"""Servers that are shared by the tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from transports.servers import Database, FileServer, ObjectStorage, object_storage, postgresql, sftp


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    """Run one PostgreSQL; each test uses tables of its own."""
    with postgresql() as running:
        yield running


@pytest.fixture(scope="session")
def storage() -> Iterator[ObjectStorage]:
    """Run one stand-in for AWS."""
    with object_storage() as running:
        yield running


@pytest.fixture(scope="session")
def files(tmp_path_factory) -> Iterator[FileServer]:
    """Run one SFTP server."""
    with sftp(tmp_path_factory.mktemp("sftp")) as running:
        yield running
