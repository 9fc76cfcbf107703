"""Looking at SQL: what is one SELECT of the source's tables, what is not, and where."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiform.config.sql import check_queries

FINE = [
    "SELECT 1",
    "SELECT 1;",
    "FROM customers",
    "SELECT * FROM customers JOIN orders USING (customer_id) -- a note; with a semicolon",
    "WITH a AS MATERIALIZED (SELECT 1 AS x) SELECT x FROM a UNION ALL SELECT 2",
    "SELECT x FROM range(3) AS t(x), unnest([1, 2]) AS u(y)",
    "SELECT list_filter([1, 2], lambda x: x > 1) FROM main.customers",
    "SELECT row_number() OVER (PARTITION BY a ORDER BY b) FROM customers QUALIFY row_number() OVER () = 1",
    "SELECT '/etc/passwd', 'a.csv', \"read_csv\" FROM customers",
    "SELECT 0x1F, 0b10, 0o17, 1_000, .5, 1e10",
    "SELECT md5(email), sha256(email), regexp_replace(phone, '\\D', '', 'g') FROM customers",
]
UNSAFE = [
    "SELECT * FROM read_csv('a.csv')",
    "SELECT * FROM READ_PARQUET('a')",
    "SELECT * FROM 'a.csv'",
    'SELECT * FROM "a.parquet"',
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 's3://bucket/a'",
    "SELECT * FROM 'data*'",
    "SELECT (SELECT content FROM read_text('a')) FROM customers",
    "SELECT * FROM customers WHERE EXISTS (FROM glob('*'))",
    "SELECT * FROM unnest([getenv('HOME')])",
    "SELECT a FROM customers ORDER BY getenv('HOME')",
    "SELECT a FROM customers GROUP BY a HAVING current_setting('x') = a",
    "SELECT * FROM customers TABLESAMPLE 10% WHERE a IN (SELECT x FROM read_json('a'))",
    "SELECT error(email) FROM customers",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM system.information_schema.tables",
    "SELECT * FROM sqlite_master",
    "DESCRIBE customers",
    "SUMMARIZE customers",
    "SELECT * FROM (SHOW TABLES)",
]
OTHER = [
    *(
        "",
        " ",
        "-- nothing",
        ";",
        "SELECT 1; SELECT 2",
        "DELETE FROM a",
        "INSERT INTO a VALUES (1)",
        "DROP TABLE a",
    ),
    *(
        "COPY a TO 'b'",
        "ATTACH 'a'",
        "INSTALL x",
        "LOAD x",
        "SET a = 1",
        "PRAGMA version",
        "CALL pragma_version()",
    ),
    *(
        "EXPLAIN SELECT 1",
        "CREATE VIEW a AS SELECT 1",
        "VACUUM",
        "CHECKPOINT",
        "BEGIN",
        "EXPORT DATABASE 'a'",
    ),
    "WITH a AS (DELETE FROM b RETURNING *) SELECT * FROM a",
]


def codes(text: str) -> set[str]:
    """Return the codes of what is wrong with one query."""
    return {problem.code for problem in check_queries([text], frozenset()).problems.get(text, ())}


@pytest.mark.parametrize("text", FINE)
def test_a_select_is_fine(text):
    """One SELECT over the source's tables, in all its forms."""
    assert set() == codes(text)


@pytest.mark.parametrize("text", UNSAFE)
def test_reaching_out_is_refused(text):
    """Files, the network, the environment and the database itself, wherever in a query they stand."""
    assert {"sql-unsafe"} == codes(text)


@pytest.mark.parametrize("text", OTHER)
def test_what_is_not_one_select(text):
    """Other statements, several of them and none at all."""
    assert {"sql-not-select"} == codes(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("SELECT a FORM customers b", "customers"),
        ("SELECT 'é' AS b FORM customers c", "FORM"),
        ("SELECT a\nFROM b\nWHERE )", ")"),
        ("SELECT getenv('é') FROM a", "getenv('é')"),
        ("SELECT 'é' FROM read_csv('x')", "read_csv('x')"),
    ],
)
def test_the_place_is_in_characters(text, part):
    """DuckDB counts bytes, and an underline counts characters."""
    (problem,) = check_queries([text], frozenset()).problems[text]

    found = text[problem.offset : problem.offset + problem.length]
    assert part == found or part.startswith(found) or found.startswith(part)


def test_texts_that_differ_in_digits_are_looked_at_once():
    """A thousand queries of one shape have one digest, and the next time need no parser."""
    texts = [f"SELECT a{n} FROM customers WHERE b >= {n} AND c = 'C{n}'" for n in range(10, 100)]
    verdict = check_queries(texts, frozenset())

    assert 1 == len(verdict.right)
    assert {} == check_queries(texts, verdict.right).problems


@pytest.mark.parametrize("text", ["SELECT $1$ a $2$", "SELECT E'\\x4' || E'\\"])
def test_digits_that_mean_something_are_kept(text):
    """In the tags of dollar quotes and behind a backslash another digit is another query."""
    assert {"sql-syntax"} == codes(text)


def test_each_wrong_text_has_its_own_places():
    """Two texts of one shape are each looked at by themselves when one is wrong."""
    texts = ["SELECT 1 FORM a b", "SELECT 12345 FORM a b"]
    problems = check_queries(texts, frozenset()).problems

    assert [14, 18] == [problems[text][0].offset for text in texts]


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=40)
    | st.lists(
        st.sampled_from([*"();'\"$\\,*", "SELECT ", "FROM ", " a", " 1", "--", "/*", "WITH "]), max_size=12
    ).map("".join)
)
def test_nothing_breaks_it(text):
    """Any text is right, or has a problem whose place lies in it."""
    for problem in check_queries([text], frozenset()).problems.get(text, ()):
        assert 0 <= problem.offset <= len(text)
        assert problem.length >= 1
