"""What is remembered of one partition of Kafka."""

from __future__ import annotations

import random

from audiform.eventlog.kafka.marks import Marks, restored


def test_what_was_saved_is_restored():
    """What is settled is never handed out again, and all the rest is; whichever it is, in a few hundred cases."""
    chance = random.Random(1)
    for _ in range(300):
        first, count = chance.randrange(6), chance.randrange(60)
        settled = set(chance.sample(range(66), chance.randrange(66)))
        marks, end = Marks(first), first + count
        handed = [offset for offset in range(first, end) if marks.hand_out(offset)]
        for offset in settled:
            marks.settle(offset)
        place, text = marks.saved()
        after = restored(place, text)

        assert list(range(first, end)) == handed
        assert [each for each in range(first, end + 3) if each not in settled or each >= end] == [
            each for each in range(place, end + 3) if after.hand_out(each)
        ]
        assert (place, True) == (marks.floor, len(text) < 4_096)


def test_a_text_that_is_too_long_forgets_and_loses_nothing():
    """A broker keeps 4,096 bytes of it: what does not fit is handed out again."""
    marks = Marks(0)
    for offset in range(20_000):
        marks.hand_out(offset)
    for offset in range(1, 20_000, 2):
        marks.settle(offset)
    offset, text = marks.saved()
    after = restored(offset, text)

    assert (0, True) == (offset, len(text) < 4_096)
    assert set(range(0, 20_000, 2)) <= {each for each in range(20_000) if after.hand_out(each)}


def test_texts_of_others_mean_nothing():
    """Somebody else's tool may have set the offset."""
    assert [Marks(7), Marks(7), Marks(7)] == [restored(7, text) for text in (None, "", "set by hand: 3.4")]


def test_messages_that_are_not_there_are_passed():
    """Not every offset has a message: topics are compacted, and transactions leave marks of their own."""
    marks = Marks(3)

    assert [True, True, False] == [marks.hand_out(offset) for offset in (5, 9, 9)]
    marks.settle(5)
    assert (9, "") == marks.saved()
    marks.settle(9)
    assert (10, "") == marks.saved()
