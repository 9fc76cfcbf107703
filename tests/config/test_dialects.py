"""SQL of a database's own dialect: one SELECT that is closed in itself."""

from __future__ import annotations

import pytest

from audiform.config.dialects import check_foreign


@pytest.mark.parametrize(
    "query",
    [
        "SELECT `id` FROM `shop.crm.people` WHERE a::date > now() - interval '1 day' -- ; )",
        "WITH a AS (SELECT 1) /* ; ) ' */ SELECT ';)', $$ ; ) $$, \"a)\" FROM a WHERE x = 'it''s'",
        "SELECT replace(a, 'x', 'y') AS update FROM t",
    ],
    ids=["backticks", "texts", "function"],
)
def test_one_select_is_right(query):
    """Whatever stands in texts, names and comments."""
    assert () == check_foreign(query)


@pytest.mark.parametrize(
    ("query", "code", "offset"),
    [
        ("", "sql-not-select", 0),
        ("DROP TABLE people", "sql-not-select", 0),
        ("SELECT 1; DROP TABLE people", "sql-not-select", 8),
        ("SELECT 1) AS p; DROP TABLE people", "sql-syntax", 8),
        ("SELECT (1", "sql-syntax", 7),
        ("SELECT 'open", "sql-syntax", 7),
        ("SELECT 'a\\' ) AS p", "sql-syntax", 7),
        ("SELECT 1 /* open", "sql-syntax", 9),
        ("SELECT 1 /* /* */ ) */", "sql-syntax", 9),
        ("SELECT 1 /*!50000 ) */", "sql-syntax", 9),
        ("/*M! DELETE */ SELECT 1", "sql-syntax", 0),
        ("WITH gone AS (DELETE FROM people RETURNING *) SELECT * FROM gone", "sql-not-select", 14),
    ],
    ids=[
        "empty",
        "drop",
        "two",
        "bracket",
        "open bracket",
        "open text",
        "backslash",
        "open comment",
        "nested",
        "run by MySQL",
        "run by MariaDB",
        "delete",
    ],
)
def test_anything_else_is_refused_at_its_place(query, code, offset):
    """Nothing in the text can close the bracket that is put around it."""
    assert [(code, offset)] == [(item.code, item.offset) for item in check_foreign(query)]
