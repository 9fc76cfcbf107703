"""What executors have no way to is said before anybody is read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audiform.address import Address, Kind
from audiform.config.engine import Engine
from audiform.config.kinds import Source
from audiform.delivery.barred import Barred
from audiform.diagnostics import DiagnosticError
from audiform.spark.carried import carried
from audiform.spark.check import Place, _differing
from audiform.spark.engine import SparkHands
from audiform.spark.reading import check_source
from audiform.spark.session import properties
from delivery.deliveries import KEYS, Shop

BUYERS = Address(Kind.AUDIENCE, "buyers")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("duckdb", {"database": "shop.duckdb"}),
        ("postgresql", {"url": "postgresql://db.example.com/shop"}),
        ("sqlite", {"database": "shop.sqlite"}),
    ],
    ids=["file of a database", "server", "embedded database"],
)
def test_a_source_that_is_not_for_executors(kind, settings):
    """A database is read by one process: the error says so, and nothing is connected to."""
    source = Source.model_validate({"type": kind, "settings": settings})

    with pytest.raises(DiagnosticError) as error:
        check_source("shop", source)

    assert ["source-not-distributed"] == [item.code for item in error.value.diagnostics]


def test_files_are_for_executors():
    """Parquet, CSV and JSON are."""
    check_source(
        "shop", Source.model_validate({"type": "duckdb", "settings": {"tables": {"people": "people.csv"}}})
    )


def test_values_come_back_as_what_they_were():
    """A type that Spark lacks travels as one that it has; one that has no way is an error with the column's name."""
    huge = carried("total", "HUGEINT", BUYERS)

    assert "`total` decimal(38,0)" == huge.field
    assert 'CAST("total" AS HUGEINT) AS "total"' == huge.unpacked
    with pytest.raises(DiagnosticError, match="scores"):
        carried("scores", "INTEGER[]", BUYERS)


def test_a_ledger_that_executors_do_not_see(tmp_path):
    """A cluster cannot work on the ledger of a state that the driver alone has on its disk."""
    shop = Shop(tmp_path, KEYS, "", None, engine=Engine(type="spark", master="yarn"))  # type: ignore[arg-type]
    project = replace(shop.project(), state=shop.project().state.model_copy(update={"url": "s3://bucket/x"}))

    class Session:
        class shelf:  # noqa: N801 - stands for a field
            directory = tmp_path

    class Selection:
        tracked = None

    hands = SparkHands(Session(), project, "buyers", Selection())  # type: ignore[arg-type]
    with pytest.raises(DiagnosticError) as error:
        hands.compare(None, Barred())

    assert ["ledger-not-shared"] == [item.code for item in error.value.diagnostics]


def test_executors_with_other_versions_are_named():
    """What is normalised and hashed must not depend on where: a different library is said with its host."""
    own = Place("driver", (("Python", "3.11.7"), ("duckdb", "2.0.1")), ())
    same, other = (
        Place("one", own.versions, ()),
        Place("two", (("Python", "3.11.7"), ("duckdb", "1.4.0")), ()),
    )

    found = _differing(own, [same, other])

    assert ["two"] == list(found)
    assert "duckdb" == found["two"][0]


def test_what_could_send_people_twice_is_always_off():
    """Whatever the settings say, no task runs twice at once; people on the executors' disks are encrypted by default."""
    found = properties(Engine(type="spark", settings={"spark.executor.cores": "2"}))

    assert "false" == found["spark.speculation"]
    assert "true" == found["spark.io.encryption.enabled"]
    assert "2" == found["spark.executor.cores"]
