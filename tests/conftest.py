"""Fixtures and rules that hold for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from processes import quick_folder
from servers import Database, FileServer, MariaDb, ObjectStorage, mariadb, object_storage, postgresql, sftp

CHECKOUT = Path(__file__).resolve().parent.parent
SHARED = CHECKOUT.parent / "shared"
IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}


@pytest.fixture
def checkout() -> Path:
    """Return the root of the checkout."""
    return CHECKOUT


@pytest.fixture
def quick_path():
    """Return a folder of the test's own, in memory where there is such a thing: for many runs that are killed."""
    with quick_folder() as folder:
        yield folder


@pytest.fixture
def shared() -> Path:
    """Return the folder of shared data; a test that asks for it is marked `shared`."""
    return SHARED


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    """Run one PostgreSQL; each test uses tables of its own."""
    with postgresql() as running:
        yield running


@pytest.fixture(scope="session")
def maria() -> Iterator[MariaDb]:
    """Run one MariaDB; each test uses tables of its own."""
    with mariadb() as running:
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


def pytest_report_header() -> str:
    """Say which Audiform is tested: the checkout's, or an installed wheel's."""
    spec = find_spec("audiform")
    return f"audiform: {spec.origin if spec else 'not installed'}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the fixture `shared`, and skip it where there is no shared data."""
    skip = pytest.mark.skip(reason=f"needs the shared data in {SHARED}, which is not there")
    for item in items:
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.shared)
        if not SHARED.is_dir() and item.get_closest_marker("shared"):
            item.add_marker(skip)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item):
    """Turn a skip into a failure in CI: what CI does not run, nobody runs."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        _fail(report, item.nodeid)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(collector: pytest.Collector):
    """Turn the skip of a whole file into a failure in CI."""
    report = yield
    if IN_CI and report.skipped:
        _fail(report, collector.nodeid)
    return report


def _fail(report: pytest.TestReport | pytest.CollectReport, nodeid: str) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"{nodeid} was skipped, and nothing may be skipped in CI\n{reason}"
