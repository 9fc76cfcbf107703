"""The rows of parts in the order of the embedded engine, cut where it cuts them: one partition of Spark for each batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiform.spark.compare import Group, handed
from audiform.sql import literal
from audiform.state.ledger import Part

BATCH = "batch"
PLACE = "place"
PART = "part"
_NUMBER = f"array_position(array({', '.join(literal(part.value) for part in Part)}), {PART}) - 1"
"""The SQL of Spark of a part's place among all."""


@dataclass(frozen=True, slots=True)
class Batches:
    """One part: `count` rows, `size` to a partition, in the partitions from `partition` on. `group`: what it came from.

    The rows are kept as they are now, so that a task that is tried again sends the same.
    """

    frame: Any
    partition: int
    count: int
    size: int
    group: Group

    @property
    def number(self) -> int:
        """How many batches there are."""
        return -(-self.count // self.size)

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Yield the first row of each batch, and how many it has."""
        for first in range(0, self.count, self.size):
            yield first, min(self.size, self.count - first)


def in_batches(spark: Any, group: Group, sizes: Mapping[Part, int], file: Path) -> dict[Part, Batches]:
    """Number the rows of each part from 0 in their order, and put those of one batch into one partition.

    `file`: to hand the executors how many rows come before which.
    """
    from pyspark.sql import Window, functions

    offsets = handed(spark, file, _offsets(group, sizes), "int64")
    place = functions.row_number().over(Window.partitionBy(PART, "bucket").orderBy(group.order)) - 1
    numbered = (
        group.frame.withColumn(PLACE, place)
        .withColumn("number", functions.expr(_NUMBER))
        .join(functions.broadcast(offsets), ["number", "bucket"])
        .withColumn(PLACE, functions.expr(f"before + {PLACE}"))
        .withColumn(BATCH, functions.expr(f"{PLACE} div size"))
        .withColumn("partition", functions.expr(f"CAST(partition + {BATCH} AS INT)"))
        .drop("bucket", "before", "size", "number")
    )
    total = sum(-(-count // sizes[part]) for part, count in group.sizes.items())
    frame = numbered.repartitionById(total, functions.col("partition")).drop("partition")
    kept = frame.sortWithinPartitions(PLACE).localCheckpoint(eager=False)
    first = _first_partitions(group, sizes)
    return {
        part: Batches(kept, first[part], count, sizes[part], group) for part, count in group.sizes.items()
    }


def _offsets(group: Group, sizes: Mapping[Part, int]) -> dict[str, list[int]]:
    """Return, for each bucket of a part, how many of its rows come before; with what is the same for the whole part."""
    first, parts = _first_partitions(group, sizes), list(Part)
    found: dict[str, list[int]] = {key: [] for key in ("number", "bucket", "before", "size", "partition")}
    for part, buckets in group.counts.items():
        before = 0
        for bucket in sorted(buckets):
            row = (parts.index(part), bucket, before, sizes[part], first[part])
            for column, value in zip(found.values(), row, strict=True):
                column.append(value)
            before += buckets[bucket]
    return found


def _first_partitions(group: Group, sizes: Mapping[Part, int]) -> dict[Part, int]:
    found: dict[Part, int] = {}
    partition = 0
    for part, count in group.sizes.items():
        found[part] = partition
        partition += -(-count // sizes[part])
    return found
