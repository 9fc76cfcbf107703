"""What `audiform doctor` asks of an engine on Spark: is it here, is there a cluster, and are its executors as this process is?"""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal

from audiform import __version__
from audiform.config.project import Project
from audiform.diagnostics import DiagnosticError
from audiform.spark.session import is_local, linked, open_spark, properties
from audiform.state.open import state_directory

_JAVA: Final = 17
_PYSPARK: Final = (4, 1)
_EXTRA: Final = "run `pip install 'audiform[spark]'`"
_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was looked at."""

    level: Literal["ok", "warning", "problem"]
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class Place:
    """What a process is and sees. `folders`: of those that were asked for, which are there."""

    host: str
    versions: tuple[tuple[str, str], ...]
    folders: tuple[bool, ...]


def check_spark(project: Project) -> Iterator[Checked]:
    """Look at this machine, then at the cluster; without the first nobody asks the second."""
    here = [_packages(), _java()]
    yield from here
    if any(item.level == "problem" for item in here):
        return
    yield from _settings(project)
    yield from _cluster(project)


def _packages() -> Checked:
    found: list[str] = []
    for package in ("pyspark", "sqlglot"):
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            return Checked("problem", "engine", f"`{package}` is not installed; {_EXTRA}")
    version = tuple(int(part) for part in metadata.version("pyspark").split(".")[:2])
    if version < _PYSPARK:
        return Checked("problem", "engine", f"{found[0]} is too old, it takes 4.1 or newer; {_EXTRA}")
    return Checked("ok", "engine", ", ".join(found))


def _java() -> Checked:
    home = os.environ.get("JAVA_HOME")
    program = f"{home}/bin/java" if home else shutil.which("java")
    if program is None or not os.access(program, os.X_OK):
        return Checked(
            "problem", "engine, Java", "there is no `java`; install Java 17 or newer, or set JAVA_HOME"
        )
    try:
        said = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return Checked("problem", "engine, Java", f"{program} does not answer; install Java anew")
    found = re.search(r'version "(\d+)', said.stderr + said.stdout)
    if found is None or int(found[1]) < _JAVA:
        return Checked("problem", "engine, Java", f"{program} is older than Java {_JAVA}, which Spark needs")
    return Checked("ok", "engine, Java", f"{found[1]} at {program}")


def _settings(project: Project) -> Iterator[Checked]:
    if is_local(project.engine):
        return
    settings = properties(project.engine)
    if settings.get("spark.authenticate") != "true":
        detail = (
            "executors are handed secrets and people, and `spark.authenticate` is not `true` in `engine.settings`: whoever reaches the "
            "cluster's ports could ask for them. Set it, and `spark.network.crypto.enabled`, unless spark-defaults.conf does"
        )
        yield Checked("warning", "engine, network", detail)


def _cluster(project: Project) -> Iterator[Checked]:
    ledger = state_directory(project.state.url, project.root, project.environment.name)
    folders = [
        project.root.resolve(),
        *([ledger.absolute()] if ledger is not None and ledger.exists() else []),
    ]
    probe = Probe(tuple(map(str, folders)))
    try:
        with linked():
            spark = open_spark(project)
            places, master = _probed(spark, probe), str(spark.sparkContext.master)
    except DiagnosticError as error:
        yield Checked("problem", "engine, cluster", error.diagnostics[0].detail)
        return
    yield Checked("ok", "engine, cluster", f"{master}: {len(places)} task{'s' * (len(places) != 1)} answered")
    own = place(probe.folders)
    for host, (item, wrong) in _differing(own, places).items():
        yield Checked("problem", f"engine, executor {host}", f"{item} {wrong}")
    for index, folder in enumerate(folders):
        blind = sorted({found.host for found in places if not found.folders[index]})
        if blind:
            detail = (
                f"{folder} is not there on {', '.join(blind)}; put project and state on a volume that driver and executors share, at "
                "the same path"
            )
            yield Checked("problem", "engine, shared folder", detail)


def _differing(own: Place, places: list[Place]) -> dict[str, tuple[str, str]]:
    """Return, by host, which version is not this process's."""
    mine = dict(own.versions)
    return {
        found.host: (
            item,
            f"{version}, and here it is {mine[item]}; results could differ, so install the same",
        )
        for found in places
        for item, version in found.versions
        if version != mine[item]
    }


@dataclass(frozen=True, slots=True)
class Probe:
    """Is run in executors: says what they are and see."""

    folders: tuple[str, ...]

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Answer once for a task."""
        import pyarrow as pa

        arrow: Any = pa
        for _ in batches:
            """Whatever it is."""
        found = place(self.folders)
        columns = {
            "host": [found.host],
            "names": ["\n".join(item for item, _ in found.versions)],
            "versions": ["\n".join(version for _, version in found.versions)],
            "folders": ["".join("y" if there else "n" for there in found.folders)],
        }
        yield arrow.RecordBatch.from_pydict(
            {key: arrow.array(value, arrow.string()) for key, value in columns.items()}
        )


def place(folders: tuple[str, ...]) -> Place:
    """Return what this process is, and which of the folders it sees."""
    versions = (
        ("Python", platform.python_version()),
        ("Audiform", __version__),
        *((package, metadata.version(package)) for package in ("duckdb", "pyarrow", "phonenumbers")),
    )
    return Place(socket.gethostname(), versions, tuple(Path(folder).is_dir() for folder in folders))


def _probed(spark: Any, probe: Probe) -> list[Place]:
    tasks = int(spark.sparkContext.defaultParallelism)
    asked = spark.range(0, tasks, 1, tasks).mapInArrow(
        probe, "host string, names string, versions string, folders string"
    )
    return [
        Place(
            row["host"],
            tuple(zip(row["names"].split("\n"), row["versions"].split("\n"), strict=True)),
            tuple(letter == "y" for letter in row["folders"]),
        )
        for row in asked.collect()
    ]
