"""The mock cluster that librdkafka brings, made so that its groups form at once."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest

SESSION_SECONDS = 1.8
"""The mock lets a group wait for its members for a second less than this."""


def _library() -> Any:
    """Return librdkafka itself: Python's side of it can make a cluster, but not say how long its groups wait."""
    folder = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    found = sorted(folder.glob("librdkafka-*.so*"))
    if not found:
        pytest.skip("confluent-kafka brings no librdkafka of its own here: its wheels for Linux do")
    library = ctypes.CDLL(str(found[0]))
    pointer, number = ctypes.c_void_p, ctypes.c_int
    for name, result, arguments in (
        ("rd_kafka_conf_new", pointer, ()),
        ("rd_kafka_new", pointer, (number, pointer, pointer, ctypes.c_size_t)),
        ("rd_kafka_conf_set", number, (pointer, ctypes.c_char_p, ctypes.c_char_p, pointer, ctypes.c_size_t)),
        ("rd_kafka_mock_cluster_new", pointer, (pointer, number)),
        ("rd_kafka_mock_cluster_bootstraps", ctypes.c_char_p, (pointer,)),
        ("rd_kafka_mock_topic_create", number, (pointer, ctypes.c_char_p, number, number)),
        ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, (pointer, ctypes.c_int32)),
        (
            "rd_kafka_mock_push_request_errors_array",
            None,
            (pointer, ctypes.c_int16, ctypes.c_size_t, pointer),
        ),
        ("rd_kafka_mock_broker_set_down", number, (pointer, ctypes.c_int32)),
        ("rd_kafka_mock_broker_set_up", number, (pointer, ctypes.c_int32)),
        ("rd_kafka_mock_cluster_destroy", None, (pointer,)),
        ("rd_kafka_destroy", None, (pointer,)),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


@dataclass
class Brokers:
    """A cluster of one broker."""

    library: Any = field(repr=False)
    cluster: Any = field(repr=False)

    @property
    def address(self) -> str:
        """Its host and port."""
        found: bytes = self.library.rd_kafka_mock_cluster_bootstraps(self.cluster)
        return found.decode()

    def make(self, topic: str, partitions: int) -> str:
        """Make a topic; return the URL of a log there."""
        assert 0 == self.library.rd_kafka_mock_topic_create(self.cluster, topic.encode(), partitions, 1)
        return f"kafka://{self.address}/{topic}"

    def down(self) -> None:
        """Let the broker go away."""
        self.library.rd_kafka_mock_broker_set_down(self.cluster, 1)

    def up(self) -> None:
        """Let it come back."""
        self.library.rd_kafka_mock_broker_set_up(self.cluster, 1)


@contextmanager
def brokers() -> Iterator[Brokers]:
    """Run a cluster."""
    library = _library()
    config = library.rd_kafka_conf_new()
    library.rd_kafka_conf_set(config, b"log_level", b"0", None, 0)
    owner = library.rd_kafka_new(0, config, None, 0)
    cluster = library.rd_kafka_mock_cluster_new(owner, 1)
    library.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0)
    try:
        yield Brokers(library, cluster)
    finally:
        library.rd_kafka_mock_cluster_destroy(cluster)
        library.rd_kafka_destroy(owner)
