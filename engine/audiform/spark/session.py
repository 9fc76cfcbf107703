"""The session of Spark of this process: its properties, and what is said where there is none."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from audiform.config.engine import Engine
from audiform.config.project import Project
from audiform.diagnostics import Diagnostic, DiagnosticError

_DEFAULTS: Final[Mapping[str, str]] = {
    # What executors keep on their disks are people in clear.
    "spark.io.encryption.enabled": "true",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "20000",
}
_ALWAYS: Final[Mapping[str, str]] = {
    # A task that runs twice at once would send people twice.
    "spark.speculation": "false",
    # A value that cannot be converted is an error, as in DuckDB, and never a silent null.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
}
_HERE: Final[Mapping[str, str]] = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.pyspark.python": sys.executable,
}
_QUIET: Final = """rootLogger.level = off
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
"""
"""Spark says everything on the standard error stream, plans with the author's SQL in them; what went wrong comes as an exception."""
_GUARD: Final = threading.Lock()


def is_local(engine: Engine) -> bool:
    """Whether the executors are threads on this machine."""
    return engine.master is None or engine.master.startswith("local")


def open_spark(project: Project) -> Any:
    """Return a session with tables of its own; the first call of a process starts Spark, which takes seconds.

    Raises:
        DiagnosticError: PySpark or Java is not installed (`driver-missing`), or there is no such cluster
            (`spark-unreachable`).
    """
    quiet()
    # Imports too: of modules that import each other, two threads at once may get halves.
    with _GUARD:
        try:
            from pyspark.errors import PySparkException
            from pyspark.sql import SparkSession

            for module in ("pyspark.sql.functions", "pyspark.sql.window"):
                import_module(module)
        except ModuleNotFoundError:
            raise DiagnosticError([missing()]) from None
        builder: Any = SparkSession.builder.appName(f"audiform {project.name}/{project.environment.name}")
        settings = properties(project.engine)
        for key, value in settings.items():
            builder = builder.config(key, value)
        try:
            with _surroundings(settings):
                return builder.getOrCreate().newSession()
        except (PySparkException, OSError, RuntimeError) as error:
            raise DiagnosticError([_unreachable(project.engine, error)]) from None
        except Exception as error:
            # Py4J's, whose module is PySpark's to import.
            if type(error).__module__.partition(".")[0] != "py4j":
                raise
            raise DiagnosticError([_unreachable(project.engine, error)]) from None


def properties(engine: Engine) -> dict[str, str]:
    """Return what Spark is started with."""
    own = {"spark.master": engine.master} if engine.master else {}
    here = _HERE if is_local(engine) else {}
    return {**_DEFAULTS, **here, **engine.settings, **_ALWAYS, **own}


@contextmanager
def linked() -> Iterator[None]:
    """Close this thread's connection to Spark afterwards: each thread has one of its own, and nobody else closes it."""
    try:
        yield
    finally:
        from pyspark import SparkContext

        # PySpark closes them for threads that it has made itself, and has no public way to theirs.
        context: Any = SparkContext
        client: Any = getattr(context._gateway, "_gateway_client", None)  # noqa: SLF001 - as above
        connection: Any = client and client.get_thread_connection()
        if connection is not None:
            with suppress(ValueError):
                client.deque.remove(connection)
            connection.close()


def quiet() -> None:
    """Keep PySpark from telling users about versions of pandas, of which nothing is used."""
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)


@contextmanager
def _surroundings(settings: Mapping[str, str]) -> Iterator[None]:
    """Give Spark what it takes from environment variables only, while it starts: its Python, and how much it says."""
    given = {"PYSPARK_PYTHON": settings["spark.pyspark.python"]} if "spark.pyspark.python" in settings else {}
    with TemporaryDirectory(prefix="audiform-spark-") as folder:
        quietly = Path(folder) / "log4j2.properties"
        quietly.write_text(_QUIET, encoding="utf-8")
        options = os.environ.get("SPARK_SUBMIT_OPTS", "")
        if "log4j" not in options:
            given["SPARK_SUBMIT_OPTS"] = f"{options} -Dlog4j2.configurationFile={quietly}".strip()
        before = {key: os.environ.get(key) for key in given}
        os.environ.update(given)
        try:
            yield
        finally:
            for key, value in before.items():
                if value is None:
                    del os.environ[key]
                else:
                    os.environ[key] = value


def missing() -> Diagnostic:
    """Return what is said where PySpark is not installed."""
    detail = (
        "`engine: {type: spark}` needs the Python package `pyspark`, which is not installed, and Java 17 or newer. Install it:\n\n"
        "    pip install 'audiform[spark]'\n"
    )
    return Diagnostic("driver-missing", detail, path=("engine", "type"))


def _unreachable(engine: Engine, error: Exception) -> Diagnostic:
    where = engine.master or "this machine"
    # What Java says begins with the names of its classes; PySpark's own errors are sentences.
    of_java = type(error).__module__.partition(".")[0] == "py4j"
    said = (
        "nobody answers, or the application was refused" if of_java else str(error).partition("\n")[0][:200]
    )
    detail = (
        f"There is no Spark at {where}: {said.rstrip('. ')}. Nothing was read and nothing was sent. `audiform doctor` says what of Java, PySpark and "
        "the cluster is not as it must be."
    )
    return Diagnostic("spark-unreachable", detail, path=("engine", "master"))
