"""`audiform doctor`: does this machine have what the project needs? Looks, and changes nothing."""

from __future__ import annotations

import glob
import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import click

from audiform import __version__
from audiform.check.ledger import check_ledger
from audiform.cli.checking import checked
from audiform.cli.failures import Exit
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.output import Style, paint
from audiform.cli.views.diagnostics import count_text
from audiform.config.cache import cache_home
from audiform.config.kinds import Source
from audiform.config.project import Project
from audiform.config.secret_references import (
    FromAws,
    FromCommand,
    FromEnv,
    FromFile,
    FromGcp,
    FromVault,
    SecretReference,
)
from audiform.config.secrets import exposed
from audiform.config.source_settings import BuiltByDbt
from audiform.connectors.catalog import Catalog
from audiform.diagnostics import DiagnosticError, Diagnostics
from audiform.plan.records import secrets_of
from audiform.secret_stores.stores import missing_library
from audiform.sources.drivers import DRIVERS
from audiform.sources.paths import named_files
from audiform.spark.check import check_spark
from audiform.state.ledger_key import ledger_keys
from audiform.state.open import open_store, scheme_of, state_directory

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class Level(StrEnum):
    """How a finding is to be taken: only a problem makes the command fail."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `what` names it, `detail` says how it is and what to do; never a secret."""

    level: Level
    what: str
    detail: str


@click.command(epilog="Example: audiform doctor -e production")
@json_option
@project_options
def command(options: Options, as_json: bool) -> int:
    """Check that this machine has what the project needs: DuckDB, data, a place for the state, secrets.

    Secrets are looked for, never read or shown; nothing is sent to a platform and no command of a secret is run. With `engine: spark`
    the cluster's executors are asked what they are and which folders they see.
    """
    findings = [*machine(), *_of_project(options)]
    if as_json:
        options.output.json([asdict(item) for item in findings])
    else:
        for item in findings:
            options.output.data(_line(item, colour=options.output.colour))
    return Exit.ERROR if any(item.level is Level.PROBLEM for item in findings) else Exit.DONE


def machine() -> Iterator[Finding]:
    """Look at what every project needs."""
    yield Finding(Level.OK, "Audiform", f"{__version__} on Python {platform.python_version()}")
    yield _duckdb()
    home = cache_home()
    if home is None or not _writable(home):
        detail = "there is no place for a cache, so each command reads everything anew; set XDG_CACHE_HOME"
        yield Finding(Level.WARNING, "cache", detail)
    else:
        yield Finding(Level.OK, "cache", str(home))


def _duckdb() -> Finding:
    import duckdb

    try:
        with duckdb.connect(":memory:") as connection:
            connection.execute("SELECT 1").fetchall()
    except duckdb.Error as error:
        return Finding(
            Level.PROBLEM, "DuckDB", f"does not run here ({type(error).__name__}); install it again"
        )
    return Finding(Level.OK, "DuckDB", duckdb.__version__)


def _of_project(options: Options) -> Iterator[Finding]:
    found = checked(options.root, options.environment)
    yield _validity(found.diagnostics)
    if found.project is not None:
        yield from project_findings(found.project)
        if found.project.engine.distributed:
            yield from (
                Finding(Level(item.level), item.what, item.detail) for item in check_spark(found.project)
            )
        if not found.diagnostics.has_errors:
            yield from _ledger_key(found.project, found.catalog)


def _validity(diagnostics: Diagnostics) -> Finding:
    if not len(diagnostics):
        return Finding(Level.OK, "project", "valid")
    if any(item.code == "no-project" for item in diagnostics):
        return Finding(Level.WARNING, "project", "there is none here, so only the machine was looked at")
    level = Level.PROBLEM if diagnostics.has_errors else Level.WARNING
    return Finding(level, "project", f"{count_text(tuple(diagnostics))}; `audiform validate` shows them")


def project_findings(project: Project) -> Iterator[Finding]:
    """Look at what one project needs: a place for its state, its data, its secrets, and where it sends."""
    yield _state(project)
    for name, source in project.sources.items():
        if source.enabled:
            files = named_files(source)
            yield from (_data(project.root, name, table, file) for table, file in files.items())
            yield from _secrets(project.root, f"source.{name}", source.credentials)
            yield from _driver(f"source.{name}", source.type)
            yield from _manifest(project.root, f"source.{name}, manifest", source)
    for name, connector in project.connectors.items():
        if connector.enabled:
            yield from _secrets(project.root, f"connector.{name}", connector.credentials)
            yield from _endpoint(project, f"connector.{name}", connector.endpoint)
    yield from _events(project)


def _events(project: Project) -> Iterator[Finding]:
    for name, source in project.event_sources.items():
        if source.enabled:
            yield from _secrets(project.root, f"event_source.{name}", secrets_of(source))
    for name, connector in project.event_connectors.items():
        if connector.enabled:
            yield from _secrets(project.root, f"event_connector.{name}", connector.credentials)
            yield from _endpoint(project, f"event_connector.{name}", connector.endpoint)


def _state(project: Project) -> Finding:
    folder = state_directory(project.state.url, project.root, project.environment.name)
    if folder is None:
        return _answering(project)
    if _writable(folder):
        return Finding(Level.OK, "state", f"{folder} can be written")
    return Finding(Level.PROBLEM, "state", f"{folder} cannot be written by this user; give it the right to")


def _answering(project: Project) -> Finding:
    """Read the state of a backend that is no folder; a password is asked of nobody and shown to nobody."""
    try:
        place = (project.state.url, project.root, project.environment.name)
        with closing(open_store(*place, project=project.name)) as store:
            found = len(store.read().records)
    except DiagnosticError as error:
        return Finding(Level.PROBLEM, "state", error.diagnostics[0].detail)
    scheme = scheme_of(project.state.url)
    return Finding(Level.OK, "state", f"{scheme}: answers, and holds {found} record{'s' * (found != 1)}")


def _ledger_key(project: Project, catalog: Catalog) -> Iterator[Finding]:
    try:
        keys = ledger_keys(os.environ)
    except DiagnosticError as error:
        yield Finding(Level.PROBLEM, "ledger", error.diagnostics[0].detail)
        return
    if keys.current:
        yield Finding(Level.OK, "ledger", "encrypted with a key from the environment")
    for item in check_ledger(project, catalog, keys):
        yield Finding(Level.PROBLEM, f"{item.address}, ledger", item.detail)


def _driver(what: str, type_name: str) -> Iterator[Finding]:
    """Say whether what a database is read with is installed."""
    if type_name not in DRIVERS:
        return
    if find_spec(DRIVERS[type_name]) is not None:
        yield Finding(Level.OK, what, f"`{DRIVERS[type_name]}` is installed")
        return
    remedy = f"`{DRIVERS[type_name]}` is not installed; run `pip install 'audiform[{type_name}]'`"
    yield Finding(Level.PROBLEM, what, remedy)


def _manifest(root: Path, what: str, source: Source) -> Iterator[Finding]:
    """Say whether dbt's manifest is there: dbt writes it, so that it is in no git."""
    if not isinstance(source.settings, BuiltByDbt) or source.settings.manifest is None:
        return
    file = source.settings.manifest
    if (root / file).is_file():
        yield Finding(Level.OK, what, f"{file} is there")
    else:
        yield Finding(Level.PROBLEM, what, f"there is no file {file}; run `dbt parse` in the dbt project")


def _data(root: Path, source: str, table: str, file: str) -> Finding:
    what = f"source.{source}{f', table {table}' if table else ''}"
    found = glob.glob(str(root / file), recursive=True)  # noqa: PTH207 - an absolute pattern is one too
    if found:
        return Finding(Level.OK, what, f"{len(found)} file{'s' * (len(found) != 1)} at {file}")
    return Finding(
        Level.PROBLEM, what, f"there is no file at {file}; paths are relative to the project's folder"
    )


def _secrets(root: Path, address: str, references: Mapping[str, SecretReference]) -> Iterator[Finding]:
    for credential, reference in references.items():
        what = f"{address}, {credential}"
        missing = _missing(reference, root)
        if missing:
            yield Finding(Level.PROBLEM, what, missing)
            continue
        seen_by_all = exposed(reference, root)
        if seen_by_all:
            yield Finding(Level.WARNING, what, " ".join(seen_by_all.detail.split()))
        else:
            yield Finding(Level.OK, what, "is there")


def _missing(reference: SecretReference, root: Path) -> str | None:
    """Say what the reference names and this machine has not; the secret itself is not looked at."""
    match reference:
        case FromEnv(from_env=variable):
            return None if os.environ.get(variable) else f"the environment variable {variable} is not set"
        case FromFile(from_file=path):
            return None if (root / path).is_file() else f"there is no file {path}"
        case FromCommand(from_command=command):
            return None if _program(command[0], root) else f"there is no command {command[0]}"
        case FromVault() | FromAws() | FromGcp():
            return missing_library(reference)


def _program(program: str, root: Path) -> bool:
    return shutil.which(program) is not None or os.access(root / program, os.X_OK)


def _endpoint(project: Project, address: str, endpoint: str | None) -> Iterator[Finding]:
    if endpoint is None:
        return
    host = urlsplit(endpoint).hostname or endpoint
    what = f"{address}, endpoint"
    if project.environment.file.protected and host in LOCAL:
        detail = (
            f"sends to this machine ({host}) and not to the platform, in a protected environment; remove it"
        )
        yield Finding(Level.PROBLEM, what, detail)
    else:
        yield Finding(Level.WARNING, what, f"sends to {host} and not to the platform")


def _writable(folder: Path) -> bool:
    """Whether the folder, or the first above it that is there, can be written."""
    # Not `Path.exists`, which raises where this user may not even look.
    found = (path for path in (folder, *folder.absolute().parents) if os.path.exists(path))  # noqa: PTH110
    there = next(found, Path())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


_MARKS: Mapping[Level, tuple[str, Style]] = {
    Level.OK: ("ok     ", Style.CREATE),
    Level.WARNING: ("warning", Style.WARNING),
    Level.PROBLEM: ("problem", Style.ERROR),
}


def _line(item: Finding, *, colour: bool) -> str:
    mark, style = _MARKS[item.level]
    return f"{paint(mark, style, colour=colour)}  {item.what}: {item.detail}"
