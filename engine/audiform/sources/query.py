"""An audience's query as a view: its columns, and what is said when it lacks one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from audiform.address import Address
from audiform.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from audiform.sources.errors import failed

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PROFILES = "audiform.profiles"
"""The view of an audience's profiles."""
_FLAGS = frozenset({("member",), ("deleted",)})


def open_query(connection: DuckDBPyConnection, query: str, address: Address) -> Mapping[str, str]:
    """Make the view `PROFILES` of an audience's query; return its columns with their types.

    Raises:
        DiagnosticError: `query-failed`: it is no SELECT that the source can answer.
    """
    import duckdb

    try:
        if len(connection.extract_statements(query)) != 1:
            raise DiagnosticError([_several(address)])
        # As a statement of its own, so that nothing in the text can close a parenthesis around it.
        connection.execute(f"CREATE OR REPLACE VIEW {PROFILES} AS {query}")
        return columns_of(connection, PROFILES)
    except duckdb.Error as error:
        raise DiagnosticError([failed(error, address, "query-failed", ("query",))]) from None


def columns_of(connection: DuckDBPyConnection, relation: str) -> Mapping[str, str]:
    """Return the columns of a relation with their types; nothing of it is read."""
    found = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return {row[0]: row[1] for row in found}


def check_columns(
    columns: Mapping[str, str],
    needed: Iterable[tuple[tuple[str, ...], str]],
    address: Address,
) -> None:
    """Check that the query has the columns that the audience names; `needed`: place in the audience, column.

    Raises:
        DiagnosticError: `missing-column` for each that is not there, `consent-not-boolean`.
    """
    problems: list[Diagnostic] = []
    # DuckDB finds a column whatever its case; two names for one would be harder to read than an error.
    for place, column in needed:
        if column not in columns:
            problems.append(_missing(column, columns, address, place))
        elif place == ("consent",) and columns[column] != "BOOLEAN":
            problems.append(_not_boolean(column, columns[column], address))
        elif place in _FLAGS and columns[column] != "BOOLEAN":
            problems.append(_no_flag(column, columns[column], address, place))
    if problems:
        raise DiagnosticError(problems)


def _several(address: Address) -> Diagnostic:
    detail = (
        f"The query of `{address}` is not one statement. Write one SELECT, with what comes before it as WITH."
    )
    return Diagnostic("query-failed", detail, address=address, path=("query",))


def _missing(column: str, columns: Mapping[str, str], address: Address, place: tuple[str, ...]) -> Diagnostic:
    known = ", ".join(f"`{item}`" for item in columns)
    detail = f"`{address}` names the column `{column}`, and its query returns none of that name. It returns {known}."
    return Diagnostic(
        "missing-column", detail, hint=did_you_mean(column, columns), address=address, path=place
    )


def _no_flag(column: str, kind: str, address: Address, place: tuple[str, ...]) -> Diagnostic:
    detail = (
        f"`{place[0]}` of `{address}` is read from `{column}`, which is {kind}. Which of its values mean a yes must not be guessed: "
        f"write it in the query, for example `{column} = 'yes' AS {column}`."
    )
    return Diagnostic("flag-not-boolean", detail, address=address, path=place)


def _not_boolean(column: str, kind: str, address: Address) -> Diagnostic:
    detail = (
        f"The consent of `{address}` is read from `{column}`, which is {kind}. Whether `0`, `no` or an empty text means a "
        f"no must not be guessed: write in the query what a yes is, for example `{column} = 'yes' AS {column}`."
    )
    return Diagnostic("consent-not-boolean", detail, address=address, path=("consent",))
