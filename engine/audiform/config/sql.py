"""Looks at SQL without running it: one SELECT, that parses, and that reads tables of its source only.

DuckDB parses, without access to anything, and gives the tree as JSON; columns and tables are looked at when a plan
is made, with the source at hand. Texts that differ in digits only are parsed once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from audiform.shapes import is_list, is_map

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class SqlProblem:
    """What is wrong with a query, and where: 0-based offset and length in characters of its text."""

    code: str
    detail: str
    offset: int
    length: int
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`problems` of each text that has some; `right`: digests by which the others are known the next time."""

    problems: Mapping[str, tuple[SqlProblem, ...]]
    right: frozenset[str]


# What a query may select from, beside its source's tables: data that it makes by itself.
_TABLE_FUNCTIONS: Final = frozenset({"generate_series", "range", "repeat", "repeat_row", "unnest"})
# Scalar functions that look outside, or that change something.
_UNSAFE: Final = re.compile(
    r"(?:read_|parquet_|pragma_|duckdb_|http_?|sniff_|write_|load_|json_execute|from_substrait|query|glob\Z|getenv\Z"
    r"|getvariable\Z|current_setting\Z|set_config\Z|nextval\Z|currval\Z|which_secret|error\Z|sql_auto_complete"
    r"|shell|exec|system\Z|copy_|checkpoint|force_checkpoint)",
    re.IGNORECASE,
)
# `audiform` has the ledger's members and the rows of this run.
_SYSTEM_SCHEMAS: Final = frozenset({"audiform", "information_schema", "pg_catalog", "system", "temp"})
_LOOKS_LIKE_A_FILE: Final = re.compile(
    r"[/\\*?:\[]|\.(?:csv|tsv|json|jsonl|ndjson|parquet|txt|xlsx|db|duckdb|gz|zst)\Z", re.IGNORECASE
)
_READS: Final = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_HINT: Final = "name the file as a table of the source, and select from that table"
_DIGITS: Final = bytes.maketrans(b"0123456789", b"1111111111")
_WORD: Final = re.compile(r"\w+|\S")
_PARSE = "SELECT json_serialize_sql(text, skip_null := true, skip_empty := true) FROM (SELECT unnest(?::VARCHAR[]) AS text)"


def check_queries(texts: Iterable[str], known: frozenset[str]) -> Verdict:
    """Look at each text; those whose digest is `known` are right."""
    shapes: dict[bytes, list[str]] = {}
    for text in texts:
        shapes.setdefault(_shape(text), []).append(text)
    digests = {sha256(shape).hexdigest(): group for shape, group in shapes.items()}
    right = {digest for digest in digests if digest in known}
    problems: dict[str, tuple[SqlProblem, ...]] = {}
    unknown = {digest: group for digest, group in digests.items() if digest not in right}
    wrong: list[str] = []
    for (digest, group), tree in zip(
        unknown.items(), _parsed([group[0] for group in unknown.values()]), strict=True
    ):
        if next(_problems(group[0], tree), None) is None:
            right.add(digest)
        else:
            wrong += group
    # Each text by itself: a place in one is no place in another.
    for text, tree in zip(wrong, _parsed(wrong), strict=True):
        found = tuple(_problems(text, tree))
        if found:
            problems[text] = found
    return Verdict(problems, frozenset(right))


def _shape(text: str) -> bytes:
    """Return what is equal for texts that are right or wrong together.

    Which digits a number, a name or a text has decides nothing here, except behind a backslash, in parameters and
    in the tags of dollar quotes. A shape that is wrong proves nothing (`0x1F`): its texts are looked at one by one.
    """
    data = text.encode()
    return data if b"\\" in data or b"$" in data else data.translate(_DIGITS)


def _parsed(texts: list[str]) -> list[Any]:
    """Return DuckDB's tree of each text, or its error."""
    if not texts:
        return []
    import orjson

    with _parser().cursor() as connection:
        rows = connection.execute(_PARSE, [texts]).fetchall()
    return [orjson.loads(row[0]) for row in rows]


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """Return an empty database that can reach nothing; to open one takes longer than to parse a thousand queries."""
    import duckdb

    return duckdb.connect(":memory:", config={"enable_external_access": "false", "threads": "1"})


def _problems(text: str, tree: Mapping[str, Any]) -> Iterator[SqlProblem]:
    if tree["error"]:
        yield _refused(text, tree)
        return
    statements = tree["statements"]
    if len(statements) != 1:
        yield _not_one(text, len(statements))
        return
    for found in _walk(statements[0]):
        problem = _outside(text, found)
        if problem is not None:
            yield problem


def _refused(text: str, tree: Mapping[str, Any]) -> SqlProblem:
    message = str(tree.get("error_message", "it cannot be parsed"))
    if tree.get("error_type") != "parser":
        return _whole(
            text, "sql-not-select", "An audience is what one SELECT returns, and this is another statement."
        )
    offset = _offset(text, int(tree.get("position", 0)))
    word = _WORD.match(text, offset)
    detail = f"DuckDB says: {message}." if not message.endswith(".") else f"DuckDB says: {message}"
    return SqlProblem("sql-syntax", detail, offset, len(word.group()) if word else 1)


def _not_one(text: str, number: int) -> SqlProblem:
    if number == 0:
        return _whole(text, "sql-not-select", "There is no statement in this query.")
    return _whole(
        text, "sql-not-select", f"There are {number} statements in this query, and only one would count."
    )


def _whole(text: str, code: str, detail: str) -> SqlProblem:
    offset = len(text) - len(text.lstrip())
    word = _WORD.match(text, offset)
    return SqlProblem(code, detail, offset, len(word.group()) if word else 1)


def _walk(node: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every map of the tree, the outer ones first."""
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if is_map(item):
            yield item
            if item.get("type") == "TABLE_FUNCTION":
                # Its name is looked at with the table; what is handed to it is looked at as all else.
                waiting.append(item["function"].get("arguments", []))
                continue
            waiting += [value for value in reversed([*item.values()]) if isinstance(value, dict | list)]
        elif is_list(item):
            waiting += reversed(item)


def _outside(text: str, node: Mapping[str, Any]) -> SqlProblem | None:
    """Return what is wrong with one node: nothing for nearly all."""
    kind = node.get("type")
    if kind == "TABLE_FUNCTION":
        name = str(node["function"].get("function_name", ""))
        if name.lower() in _TABLE_FUNCTIONS:
            return None
        return _unsafe(text, node, f"`{name}` reads something that is no table of the source.", _HINT)
    if kind == "FUNCTION" and _UNSAFE.match(str(node.get("function_name", ""))):
        name = node["function_name"]
        return _unsafe(text, node, f"`{name}` looks outside of the source, or changes something.")
    if kind == "BASE_TABLE":
        return _table(text, node)
    if kind == "SHOW_REF":
        return _whole(text, "sql-unsafe", "A query selects people, and this describes the database.")
    if isinstance(kind, str) and kind.endswith("_NODE") and kind not in _READS:
        what = kind.removesuffix("_QUERY_NODE").removesuffix("_NODE").replace("_", " ")
        return _whole(text, "sql-not-select", f"The query holds {what}, which changes data.")
    return None


def _table(text: str, node: Mapping[str, Any]) -> SqlProblem | None:
    name, schema = str(node.get("table_name", "")), str(node.get("schema_name", ""))
    if schema.lower() in _SYSTEM_SCHEMAS or str(node.get("catalog_name", "")).lower() in _SYSTEM_SCHEMAS:
        return _unsafe(text, node, f"`{schema}.{name}` belongs to the database, not to the source.")
    if name.lower().startswith(("duckdb_", "pragma_", "sqlite_", "pg_")):
        return _unsafe(text, node, f"`{name}` belongs to the database, not to the source.")
    if _LOOKS_LIKE_A_FILE.search(name):
        return _unsafe(text, node, f"`{name}` is a file, and a query reads tables of its source only.", _HINT)
    return None


def _unsafe(text: str, node: Mapping[str, Any], detail: str, hint: str | None = None) -> SqlProblem:
    offset = _offset(text, int(node.get("query_location", 0)))
    return SqlProblem("sql-unsafe", detail, offset, max(1, int(node.get("query_location_length", 1))), hint)


def _offset(text: str, in_bytes: int) -> int:
    """Return DuckDB's place, which counts bytes, as a place in the text; an unknown one is the start."""
    data = text.encode()
    return len(data[:in_bytes].decode(errors="ignore")) if in_bytes <= len(data) else 0
