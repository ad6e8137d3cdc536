"""The learning-rate schedule."""

import pytest

from trainer.models import compact, reference
from trainer.schedule import exponential_decay


def rate(schedule, step: int) -> float:
    return float(schedule(step))


def test_the_reference_decays_as_in_the_tutorial():
    schedule = exponential_decay(1200, **reference.SCHEDULE)
    assert rate(schedule, 4) == pytest.approx(0.005)
    assert rate(schedule, 5) == pytest.approx(0.005 * 0.96)
    assert rate(schedule, 1200) == pytest.approx(0.005 * 0.96**240, rel=1e-4)


@pytest.mark.parametrize("total_steps", [25, 300, 1200, 50_000])
def test_without_decay_steps_the_rate_ends_at_a_hundredth_whatever_the_length(total_steps):
    schedule = exponential_decay(total_steps, **compact.SCHEDULE)
    assert rate(schedule, 0) == pytest.approx(0.004)
    assert rate(schedule, total_steps) == pytest.approx(0.00004, rel=1e-3)


def test_a_decay_rate_of_one_keeps_the_rate():
    schedule = exponential_decay(100, initial_rate=0.01, decay_rate=1.0)
    assert rate(schedule, 100) == pytest.approx(0.01)


def test_a_staircase_holds_the_rate_between_drops():
    schedule = exponential_decay(100, 0.1, 0.5, decay_steps=10, staircase=True)
    assert [rate(schedule, step) for step in (0, 9, 10, 19)] == pytest.approx(
        [0.1, 0.1, 0.05, 0.05]
    )
