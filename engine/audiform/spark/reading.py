"""The tables of a source as views of Spark, of the types that DuckDB gives their columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiform.address import Address, Kind
from audiform.config.kinds import Source
from audiform.config.source_settings import DeltaSettings, DuckDBSettings
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.sources.paths import files_of, reader_of
from audiform.sources.query import columns_of
from audiform.spark.carried import Column, carried
from audiform.spark.rowwise import guarded
from audiform.sql import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NATIVE = "read_parquet"
"""What Spark reads itself: a file has types, and parts that several executors read at once."""


def show_tables(
    spark: Any, connection: DuckDBPyConnection, source_name: str, source: Source, root: Path
) -> None:
    """Make the source's tables views of this session of Spark; DuckDB's `connection` has them as views already.

    Raises:
        DiagnosticError: Spark's executors have no way to such a source (`source-not-distributed`).
    """
    address, settings = Address(Kind.SOURCE, source_name), source.settings
    if isinstance(settings, DuckDBSettings):
        for table, pattern in settings.tables.items():
            place = ("settings", "tables", table)
            files = files_of(root, pattern, address, place)
            reader = reader_of(pattern, address, place)
            if reader == _NATIVE:
                frame = spark.read.option("mergeSchema", len(files) > 1).parquet(*files)
            else:
                columns = [carried(*item, address) for item in columns_of(connection, name(table)).items()]
                frame = _read_here(spark, ReadText(reader, files, columns))
            frame.createOrReplaceTempView(f"`{table}`")
    elif isinstance(settings, DeltaSettings):
        if not _has_delta(spark):
            raise DiagnosticError([_not_distributed(address, source.type)])
        for table, folder in settings.tables.items():
            spark.read.format("delta").load(str(root / folder)).createOrReplaceTempView(f"`{table}`")


def check_source(source_name: str, source: Source) -> None:
    """See that executors have a way to a source; nobody is asked.

    Raises:
        DiagnosticError: they have none (`source-not-distributed`).
    """
    settings = source.settings
    of_files = isinstance(settings, DuckDBSettings) and settings.database is None
    if not (of_files or isinstance(settings, DeltaSettings)):
        raise DiagnosticError([_not_distributed(Address(Kind.SOURCE, source_name), source.type)])


@dataclass(frozen=True, slots=True)
class ReadText:
    """Numbers of CSV or JSON files -> their rows, as DuckDB reads them, which guesses otherwise than Spark would."""

    reader: str
    files: Sequence[str]
    columns: Sequence[Column]

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Read one file after the other."""
        import duckdb

        connection = duckdb.connect(config={"threads": 1})
        for batch in batches:
            numbers: list[int] = batch.column(0).to_pylist()
            for number in numbers:
                with guarded():
                    rows: Any = connection.sql(self._query(connection, self.files[number])).to_arrow_reader(
                        20_000
                    )
                while True:
                    with guarded():
                        found = next(rows, None)
                    if found is None:
                        break
                    yield found

    def _query(self, connection: DuckDBPyConnection, path: str) -> str:
        there = columns_of(connection, f"{self.reader}({literal(path)})")
        types = self._types(there)
        columns = [
            column.packed
            if column.name in there
            else f"CAST(NULL AS {column.carrier}) AS {name(column.name)}"
            for column in self.columns
        ]
        return f"SELECT {', '.join(columns)} FROM {self.reader}({literal(path)}{types})"

    def _types(self, there: Mapping[str, str]) -> str:
        """Return the argument that gives a file's columns the types that they have over all files."""
        known = {column.name: column.kind for column in self.columns}
        pairs = ", ".join(
            f"{literal(item)}: {literal(known.get(item, kind))}" for item, kind in there.items()
        )
        return f", {'types' if self.reader == 'read_csv' else 'columns'} = {{{pairs}}}"


def _read_here(spark: Any, read: ReadText) -> Any:
    numbers = spark.range(0, len(read.files), 1, len(read.files))
    return numbers.mapInArrow(read, ", ".join(column.field for column in read.columns))


def _has_delta(spark: Any) -> bool:
    """Whether the cluster has what reads Delta tables: a jar, which PySpark does not bring."""
    loader = spark._jvm.java.lang.Thread.currentThread().getContextClassLoader()  # noqa: SLF001 - PySpark's only way to ask
    return loader.getResource("io/delta/sql/DeltaSparkSessionExtension.class") is not None


def _not_distributed(address: Address, kind: str) -> Diagnostic:
    why = {
        "duckdb": "a `.duckdb` file is a database of one process",
        "delta": "the cluster lacks the jar of Delta Lake (`spark.jars.packages: io.delta:delta-spark_2.13:VERSION` in `engine.settings`)",
    }.get(kind, f"executors have no way to a source of type `{kind}`")
    detail = (
        f"`{address}` cannot be read by Spark: {why}. Export what the audience needs as Parquet, or use `engine: {{type: embedded}}`. "
        "Nothing was sent."
    )
    return Diagnostic("source-not-distributed", detail, address=address, path=("type",))
