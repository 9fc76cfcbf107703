"""SQL of DuckDB as SQL of Spark, by SQLGlot: an audience's query, and the engine's own difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audiform.address import Address
from audiform.audiences.difference import SCHEMA
from audiform.diagnostics import Diagnostic, DiagnosticError


@dataclass(frozen=True, slots=True)
class Translated:
    """An audience's query for Spark. `ordered`: it says in which order its rows come."""

    sql: str
    ordered: bool


def translate(query: str, address: Address) -> Translated:
    """Return an audience's query in Spark's words.

    Raises:
        DiagnosticError: it uses what SQLGlot does not know how to say there (`query-not-translated`).
    """
    sqlglot = _sqlglot()
    try:
        (tree,) = sqlglot.parse(query, read="duckdb")
        unknown = sorted({found.name for found in tree.find_all(sqlglot.exp.Anonymous)})
        if unknown:
            listed = ", ".join(f"`{name}`" for name in unknown)
            raise _untranslated(address, f"nobody has said what {listed} of DuckDB is there")
        text = tree.sql("spark", unsupported_level=sqlglot.ErrorLevel.RAISE)
    except (sqlglot.errors.ParseError, sqlglot.errors.TokenError):
        raise _untranslated(address, "it cannot be parsed") from None
    except sqlglot.errors.UnsupportedError as error:
        raise _untranslated(address, str(error).partition("\n")[0].rstrip(".")) from None
    return Translated(text, tree.args.get("order") is not None)


def own(query: str) -> str:
    """Return a query of the engine's own difference in Spark's words.

    Its tables are temporary views there, which have no schema: `audiform.desired` is `audiform_desired`. Its order is left
    out: rows get their places later.
    """
    sqlglot = _sqlglot()
    exp = sqlglot.exp
    tree = sqlglot.parse_one(query, read="duckdb")
    tree.set("order", None)
    for named in tree.find_all(exp.Table, exp.Column):
        if named.args.get("db") is not None and named.args["db"].name == SCHEMA:
            part = "this" if isinstance(named, exp.Table) else "table"
            named.set(part, exp.to_identifier(f"{SCHEMA}_{named.args[part].name}", quoted=True))
            named.set("db", None)
    for column in tree.find_all(exp.Column):
        if column.name == "rowid":
            # What DuckDB gives each row of a table stands in a column there.
            column.set("this", exp.to_identifier("row"))
    for star in tree.find_all(exp.Star):
        _without_replace(star, exp)
    for found in tree.find_all(exp.In):
        _by_column(found, exp)
    return str(tree.sql("spark", unsupported_level=sqlglot.ErrorLevel.RAISE))


def _without_replace(star: Any, exp: Any) -> None:
    """Spark's `*` can leave columns out, and not replace them."""
    replaced: list[Any] = star.args.pop("replace", None) or []
    if replaced:
        star.set("except_", [exp.column(item.alias) for item in replaced])
        star.parent.set("expressions", [*star.parent.expressions, *replaced])


def _by_column(found: Any, exp: Any) -> None:
    """Spark compares `(a, b) IN (SELECT a, b ...)`, and not with a SELECT of one pair."""
    query = found.args.get("query")
    select = query.this if query is not None else None
    if (
        isinstance(found.this, exp.Tuple)
        and select is not None
        and isinstance(select.expressions[0], exp.Tuple)
    ):
        select.set("expressions", select.expressions[0].expressions)


def _sqlglot() -> Any:
    try:
        import sqlglot
    except ModuleNotFoundError:
        detail = (
            "`engine: {type: spark}` needs the Python package `sqlglot`, which is not installed. Install it:\n\n"
            "    pip install 'audiform[spark]'\n"
        )
        raise DiagnosticError([Diagnostic("driver-missing", detail, path=("engine", "type"))]) from None
    return sqlglot


def _untranslated(address: Address, why: str) -> DiagnosticError:
    detail = (
        f"The query of `{address}` cannot be said in Spark's SQL: {why}. Write that part in SQL that both know, or use "
        "`engine: {type: embedded}`. Nothing was read and nothing was sent."
    )
    return DiagnosticError([Diagnostic("query-not-translated", detail, address=address, path=("query",))])
