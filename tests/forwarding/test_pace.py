"""When a destination is asked again, and how long things took."""

from __future__ import annotations

import pytest

from audiform.forwarding.breaker import Breaker, Circuit, backoff
from audiform.forwarding.latency import Recent, bucket_of, upper


def test_a_breaker_opens_after_three_failures_and_tries_one():
    """While it tries, nothing else is sent; a success closes it, a failure waits twice as long."""
    now = [0.0]
    breaker = Breaker(lambda: now[0], lambda: 1.0)
    for _ in range(3):
        breaker.begin()
        breaker.fail()
    opened = breaker.state, breaker.wait()
    now[0] = 1.0
    trying = breaker.state, breaker.wait()
    breaker.begin()
    others = breaker.wait()
    breaker.fail()
    longer = breaker.wait()
    now[0] = 3.0
    breaker.begin()
    breaker.succeed()

    assert (Circuit.OPEN, 1.0) == opened
    assert (Circuit.TRYING, 0.0) == trying
    assert (float("inf"), 2.0) == (others, longer)
    assert (Circuit.CLOSED, 0.0) == (breaker.state, breaker.wait())


def test_what_needs_somebody_opens_at_once():
    """A credential that is not valid will not be valid in the next second."""
    breaker = Breaker(lambda: 0.0, lambda: 1.0)
    breaker.fail(hopeless=True)

    assert Circuit.OPEN is breaker.state


@pytest.mark.parametrize(("attempt", "chance", "wait"), [(1, 1, 0.5), (2, 1, 1), (2, 0, 0.5), (99, 1, 300)])
def test_waits_double_up_to_five_minutes(attempt, chance, wait):
    """Jittered to half of it, so that many events do not come back at once."""
    assert wait == backoff(attempt, chance)


def test_quantiles_are_those_of_the_last_minutes():
    """Within a fifth of the truth, whatever the number of events."""
    now = [0.0]
    recent = Recent(lambda: now[0])
    nothing = recent.quantiles(0.5)
    for number in range(1, 1_001):
        recent.add(number / 1_000)
    p50, p99 = recent.quantiles(0.5, 0.99)
    rate = recent.per_second()
    now[0] = 400.0

    assert [None] == nothing
    assert p50 is not None
    assert p99 is not None
    assert 0.5 <= p50 <= 0.6
    assert 0.99 <= p99 <= 1.19
    assert (1_000.0, [None], 1_000) == (rate, recent.quantiles(0.5), recent.total)


@pytest.mark.parametrize("seconds", [0.0005, 0.001, 0.1, 3.0, 1e9])
def test_a_bucket_holds_what_is_in_it(seconds):
    """Its upper bound is not below, except for what is longer than everything."""
    assert upper(bucket_of(seconds)) >= min(seconds, upper(99)) * 0.999
