"""What is said of deliveries that were stopped in the middle: what they had done, and what it costs to go on."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from audiform.state.ledger import Settled
from audiform.state.store import Run, StateReader


def resumed(store: StateReader, bindings: Collection[str]) -> Iterator[str]:
    """Yield a note for each run of these bindings that did not end; it is folded into the ledger when that is opened next.

    None of them is being sent now.
    """
    for run in store.open_runs():
        if run.binding not in bindings:
            continue
        taken, unsure = _rows(store, run)
        if taken or unsure:
            yield (
                f"binding.{run.binding}: the run of {run.started:%Y-%m-%d %H:%M} UTC was stopped after {taken:,} people, who are "
                f"not sent again; {unsure:,} were on their way and are sent again. The audience was read and compared anew"
            )


def _rows(store: StateReader, run: Run) -> tuple[int, int]:
    """Return for how many people the platform answered, and for how many nobody saw an answer."""
    taken = unsure = 0
    for item in store.batches(run.id):
        settled = Settled.read(item.number, item.data, settled=item.settled)
        doubtful = sum(last - first for first, last in settled.unsure)
        failed = sum(last - first for first, last in settled.failed)
        unsure += doubtful
        taken += settled.batch.last - settled.batch.first - doubtful - failed
    return taken, unsure
