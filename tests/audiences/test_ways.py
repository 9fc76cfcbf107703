"""Several bindings in one table: what is the same is computed once, and each sees its own."""

from __future__ import annotations

import duckdb

from audiences.test_selection import KEYS, NAMED, selection
from audiform.audiences.desired import desired_sql, view_sql
from audiform.audiences.ways import all_sent, distinct, ways_of


def digest(text: str) -> str:
    """Return a digest that can be read."""
    return f"({text})"


def test_bindings_that_are_sent_the_same_have_one_way():
    """What names a member decides, not the binding's name; an identifier less is another way with the same values."""
    ways = ways_of([selection(KEYS), selection(KEYS), selection(KEYS, identifiers=["email"])])

    assert ways[0] is ways[1]
    assert ["", " 2"] == [way.mark for way in distinct(ways)]
    assert ["email", "phone"] == [sent.name for sent in all_sent(ways)]


def test_each_rule_has_its_column_whatever_the_type():
    """Types that hash do not share with one that sends in clear, and the first has the plain names."""
    ways = ways_of([selection(NAMED, identifiers=["email"]), selection(KEYS, identifiers=["email"])])

    assert ['"id:email"', '"id:email 2"'] == [sent.column for sent in all_sent(ways)]
    assert ["reason", "reason 2"] == [way.column("reason").strip('"') for way in ways]


def test_each_binding_sees_what_it_would_have_read_by_itself():
    """Through the view of its columns, with the place of each row."""
    chosen = [selection(NAMED), selection(KEYS), selection(KEYS, identifiers=["phone"])]
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE profiles AS SELECT * FROM (VALUES (1, 'A@example.com', '+16505551111', 5, 'gold', true), "
            "(2, 'nothing', '+16505552222', 6, 'new', true), (3, NULL, NULL, 7, 'new', true)) "
            "people (id, mail, tel, ltv, plan, ok)"
        )
        connection.execute(f"CREATE TABLE several AS {desired_sql(ways_of(chosen), 'profiles', digest)}")
        for one, way in zip(chosen, ways_of(chosen), strict=True):
            (alone,) = ways_of([one])
            connection.execute(
                f"CREATE OR REPLACE TABLE single AS {desired_sql([alone], 'profiles', digest)}"
            )
            expected = connection.execute(f"{view_sql(alone, 'single', named=True)} ORDER BY row").fetchall()

            assert (
                expected
                == connection.execute(f"{view_sql(way, 'several', named=True)} ORDER BY row").fetchall()
            )
