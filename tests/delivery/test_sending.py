from __future__ import annotations

import pytest

from audiform.delivery.courier import Answer
from audiform.delivery.sending import _rejected_people, _settled
from audiform.outcome import Category, Outcome, OutcomeKind, RecordError
from audiform.state.ledger import Batch, Part, Settled

BATCH = Batch(0, Part.ADD, 10, 20)


def rejected(*indexes: int) -> tuple[RecordError, ...]:
    """Return records that were rejected, by their place in the request."""
    return tuple(RecordError(index, Category.INVALID_RECORD, "no") for index in indexes)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome(OutcomeKind.ACCEPTED), Settled(BATCH, [], [], [])),
        (Outcome(OutcomeKind.PENDING), Settled(BATCH, [], [], [])),
        (Outcome(OutcomeKind.ACCEPTED, rejected=rejected(2, 0)), Settled(BATCH, [10, 12], [], [])),
        (
            Outcome(OutcomeKind.ACCEPTED, rejected=rejected(2, 0), unsure=True),
            Settled(BATCH, [10, 12], [], [(10, 11), (12, 13)]),
        ),
        (Outcome(OutcomeKind.RETRY), Settled(BATCH, [], [], [(10, 20)])),
        (Outcome(OutcomeKind.FAILED, unsure=True), Settled(BATCH, [], [], [(10, 20)])),
        (Outcome(OutcomeKind.FAILED), Settled(BATCH, [], [(10, 20)], [])),
        (
            Outcome(OutcomeKind.REJECTED, rejected=rejected(0, 4)),
            Settled(BATCH, [10, 14], [(11, 14), (15, 20)], []),
        ),
        (Outcome(OutcomeKind.REJECTED), Settled(BATCH, [], [(10, 20)], [])),
    ],
)
def test_an_answer_is_settled_for_what_it_means(outcome: Outcome, expected: Settled):
    """Taken, rejected by name, unsure or certainly not taken; those that went down with others are not taken."""
    assert expected == _settled(BATCH, [Answer(10, 20, outcome)])


def test_one_record_is_named_by_the_answer_to_it():
    """A request of one record that is rejected needs no list."""
    one = Answer(10, 11, Outcome(OutcomeKind.REJECTED, Category.INVALID_RECORD, "no"))

    assert Settled(BATCH, [10], [], []) == _settled(BATCH, [one])
    assert 1 == _rejected_people(one)


@pytest.mark.parametrize("settled", [True, False])
def test_what_is_journalled_comes_back(settled: bool):
    """A settled batch as it was; one that was only started is unsure as a whole."""
    whole = Settled(BATCH, (10,), ((11, 13),), ((14, 20),))

    read = Settled.read(0, whole.data(), settled=settled)

    assert (whole if settled else Settled(BATCH, unsure=((10, 20),))) == read
