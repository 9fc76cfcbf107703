"""Both engines send the same requests and keep the same ledger, byte by byte."""

from __future__ import annotations

import pytest

from delivery.deliveries import KEYS, NAMED, shop
from spark.recorder import recording
from spark.twins import EMBEDDED, SPARK, changed, deliveries, generated

pytestmark = pytest.mark.slow
ALL_MAY_LEAVE = {"buyers": {"guards": {"max_removed": "100%"}}}


@pytest.mark.parametrize(
    ("kind", "audience"), [(KEYS, {}), (NAMED, {"variables": {"value": "ltv"}})], ids=["by keys", "by name"]
)
def test_the_engines_take_turns(tmp_path, kind, audience):
    """Generated people, then some that left, came and changed: sent by Spark as without it, and nothing is left for the other."""
    first = generated(300, 1)
    second = changed(first, 2)
    root = tmp_path / "shop"
    root.mkdir()
    with (
        shop(root, kind, audience=audience, bindings=ALL_MAY_LEAVE) as opened,
        recording(opened.endpoint) as sent,
    ):
        opened.endpoint = sent.url
        opened.people()
        opened.apply()
        embedded = deliveries(opened, sent, [(EMBEDDED, first), (EMBEDDED, second), (EMBEDDED, second)])
        taking_turns = deliveries(opened, sent, [(SPARK, first), (SPARK, second), (EMBEDDED, second)])

    assert embedded == taking_turns
    assert [True, True, False] == [bool(seen.requests) for seen in taking_turns]
