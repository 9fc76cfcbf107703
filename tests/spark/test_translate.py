"""SQL of DuckDB in Spark's words."""

from __future__ import annotations

import pytest

from audiform.address import Address, Kind
from audiform.diagnostics import DiagnosticError
from audiform.spark.translate import own, translate

BUYERS = Address(Kind.AUDIENCE, "buyers")


def test_a_query_keeps_its_meaning_and_its_order():
    """Types, functions and where nulls stand are said in Spark's way; it is known that the query has an order."""
    found = translate("SELECT id, email::VARCHAR AS email FROM people WHERE id // 2 > 1 ORDER BY id", BUYERS)

    assert (
        "SELECT id, CAST(email AS STRING) AS email FROM people WHERE id DIV 2 > 1 ORDER BY id NULLS LAST"
        == found.sql
    )
    assert found.ordered
    assert not translate("SELECT id FROM people", BUYERS).ordered


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELECT list_aggregate(scores, 'sum') AS score FROM people", "`list_aggregate`"),
        ("SELECT id FROM people WHERE (", "it cannot be parsed"),
    ],
    ids=["unknown function", "no SQL"],
)
def test_what_cannot_be_said_is_an_error(query, why):
    """A function that the translator does not know is no guess: nothing is read."""
    with pytest.raises(DiagnosticError) as error:
        translate(query, BUYERS)

    (found,) = error.value.diagnostics
    assert "query-not-translated" == found.code
    assert why in found.detail


def test_the_difference_in_sparks_words():
    """Tables without a schema, the row's number as a column, replaced columns and pairs as Spark has them."""
    assert (
        "SELECT * EXCEPT (`id:email`), NULL AS `id:email` FROM `audiform_held` WHERE ('remove', content) IN "
        "(SELECT signal, content FROM `audiform_letters`)"
    ) == own(
        "SELECT * REPLACE (NULL AS \"id:email\") FROM audiform.held WHERE ('remove', content) IN "
        "(SELECT (signal, content) FROM audiform.letters) ORDER BY identity"
    )
    assert "SELECT row AS place FROM `audiform_people`" == own("SELECT rowid AS place FROM audiform.people")
