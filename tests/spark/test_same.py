"""Both engines send the same requests and keep the same ledger, byte by byte."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
import yaml

from audiform.bundled import bundled
from audiform.sandbox.serve import serve
from audiform.sql import literal
from audiform.state.ledger import tombstone_text
from audiform.state.store import Tombstone
from delivery.deliveries import KEYS, NAMED, NOON, shop
from spark.recorder import recording
from spark.twins import EMBEDDED, SPARK, changed, deliveries, generated, ledger, put_back
from whole.engine import Engine, said
from whole.shop import ON_SPARK, services

pytestmark = pytest.mark.slow
ALL_MAY_LEAVE = {"buyers": {"guards": {"max_removed": "100%"}}}


def test_the_engines_take_turns(tmp_path):
    """Generated people, then some that left, came and changed: sent by Spark as without it, and nothing is left for the other."""
    first = generated(300, 1)
    second = changed(first, 2)
    forgotten = [str(one["email"]) for one in first if one["ok"] and str(one["email"]).startswith("u")][:3]
    root = tmp_path / "shop"
    root.mkdir()
    with shop(root, KEYS, bindings=ALL_MAY_LEAVE) as opened, recording(opened.endpoint) as sent:
        opened.endpoint = sent.url
        opened.people()
        opened.apply()
        opened.ask(entombing(*forgotten))
        embedded = deliveries(opened, sent, [(EMBEDDED, first), (EMBEDDED, second), (EMBEDDED, second)])
        taking_turns = deliveries(opened, sent, [(SPARK, first), (SPARK, second), (EMBEDDED, second)])

    assert embedded == taking_turns
    assert [True, True, False] == [bool(seen.requests) for seen in taking_turns]
    assert {"suppressed", "duplicate_identity", "invalid_identifier"} <= taking_turns[0].report[
        "left_out"
    ].keys()


def test_variables_rejections_and_clear_values(tmp_path):
    """People with variables, known by their name, of whom the platform has rejected some: the same is sent and kept."""
    first = generated(120, 1)
    root = tmp_path / "shop"
    root.mkdir()
    with (
        shop(root, NAMED, bindings=ALL_MAY_LEAVE, audience={"variables": {"value": "ltv"}}) as opened,
        recording(opened.endpoint) as sent,
    ):
        opened.endpoint = sent.url
        opened.people(*first)
        opened.sandbox.faults.add("partial_failure", rows=4, operation="add")
        opened.deliver()
        second = changed(first, 2)
        embedded = deliveries(opened, sent, [(EMBEDDED, second)])
        on_spark = deliveries(opened, sent, [(SPARK, second)])

    assert embedded == on_spark
    assert {"add", "modify", "remove"} == set(on_spark[0].report["sent"])
    assert on_spark[0].report["left_out"]["rejected_before"] > 0


def test_the_shop(tmp_path):
    """The example's audiences, with joins, groups and dates in their SQL: a month later both engines send and keep the same.

    Their queries are given an order: without one, groups come in any.
    """
    root = tmp_path / "shop"
    shutil.copytree(bundled() / "examples" / "shop", root)
    in_order(root)
    bindings = None if os.environ.get("AUDIFORM_WHOLE") else ["lapsed_on_meta", "repeat_in_klaviyo"]
    keep_bindings(root, bindings)
    with serve(services(root)) as sandbox, recording(sandbox.url) as sent:
        connect(root, sent.url)
        orders = (root / "data" / "orders.parquet").read_bytes()
        duckdb.sql(
            f"COPY (FROM read_parquet('{root}/data/orders.parquet') WHERE ordered_on <= DATE '1997-03-01') "
            f"TO '{root}/data/earlier.parquet'"
        )
        (root / "data" / "earlier.parquet").rename(root / "data" / "orders.parquet")
        assert [[], []] == [said(report) for report in Engine(root).run()]
        (root / "data" / "orders.parquet").write_bytes(orders)
        found = []
        for engine in (None, ON_SPARK):
            with put_back(root, sandbox):
                project = yaml.safe_load((root / "audiform.yaml").read_text())
                (root / "audiform.yaml").write_text(
                    yaml.safe_dump(project | ({"engine": engine} if engine else {}))
                )
                sent.taken()
                report = Engine(root).sync()
                figures = {one.binding: (one.sent, one.impact) for one in report.delivered}
                found.append((said(report), figures, sent.masked(), ledger(root)))

    embedded, on_spark = found
    assert embedded == on_spark
    assert [] == on_spark[0]
    assert len(bindings or range(4)) == len(on_spark[1])
    assert len(on_spark[2]) >= len(on_spark[1])


def entombing(*emails: str):
    """Return what lets people have asked to be forgotten."""

    async def entomb(runtime) -> None:
        with closing(runtime.ledger.open(write=True)) as session:
            texts = [session.digest(tombstone_text("email", literal(email))) for email in emails]
            found = session.connection.execute(
                f"SELECT {', '.join(f'CAST({text} AS VARCHAR)' for text in texts)}"
            )
            (digests,) = found.fetchall()
            runtime.store.entomb([Tombstone(digest, "email", "request", NOON) for digest in digests])

    return entomb


def in_order(root: Path) -> None:
    """End each query of the example with an order."""
    for file in (root / "audiences").glob("*.yaml"):
        audiences = yaml.safe_load(file.read_text())
        for audience in audiences["audiences"].values():
            if isinstance(audience["query"], str):
                audience["query"] = f"{audience['query'].rstrip()}\nORDER BY customer_id"
        file.write_text(yaml.safe_dump(audiences))
    for file in (root / "audiences").glob("*.sql"):
        file.write_text(f"{file.read_text().rstrip()}\nORDER BY customer_id\n")


def keep_bindings(root: Path, names: list[str] | None) -> None:
    """Leave only these bindings, with guards that let the month pass."""
    file = root / "bindings.yaml"
    bindings = yaml.safe_load(file.read_text())["bindings"]
    kept = {name: body | {"guards": {}} for name, body in bindings.items() if names is None or name in names}
    file.write_text(yaml.safe_dump({"bindings": kept}))


def connect(root: Path, url: str) -> None:
    """Let the connectors of the staging environment lead to the sandbox."""
    (root / "secret.txt").write_text("any-secret-will-do")
    (root / "secret.txt").chmod(0o600)
    file = root / "environments" / "staging.yaml"
    environment = yaml.safe_load(file.read_text())
    connectors = yaml.safe_load((root / "connectors.yaml").read_text())["connectors"]
    environment["overrides"] = {
        "connectors": {
            name: {
                "endpoint": f"{url}/{name}",
                "credentials": {key: {"from_file": "secret.txt"} for key in body["credentials"]},
            }
            for name, body in connectors.items()
        }
    }
    file.write_text(yaml.safe_dump(environment))
