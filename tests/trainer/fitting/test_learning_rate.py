"""The learning rate over a training run."""

import json

import pytest
from keras.optimizers import schedules

from trainer.fitting.learning_rate import make_learning_rate
from trainer.models import reference


def rate(schedule, step: int) -> float:
    return float(schedule(step))


def test_the_reference_decays_as_in_the_tutorial():
    schedule = make_learning_rate(12, 100, **reference.SCHEDULE)
    assert rate(schedule, 4) == pytest.approx(0.005)
    assert rate(schedule, 5) == pytest.approx(0.005 * 0.96)
    assert rate(schedule, 1200) == pytest.approx(0.005 * 0.96**240, rel=1e-4)


@pytest.mark.parametrize("total_steps", [25, 300, 1200, 50_000])
def test_without_decay_steps_the_rate_ends_at_a_hundredth_for_any_length(total_steps):
    schedule = make_learning_rate(1, total_steps, initial_rate=0.004)
    assert rate(schedule, 0) == pytest.approx(0.004)
    assert rate(schedule, total_steps) == pytest.approx(0.00004, rel=1e-3)


def test_a_decay_rate_of_one_keeps_the_rate_constant():
    schedule = make_learning_rate(1, 100, initial_rate=0.01, decay_rate=1.0)
    assert rate(schedule, 100) == pytest.approx(0.01)


def test_a_staircase_holds_the_rate_between_drops():
    schedule = make_learning_rate(1, 100, 0.1, decay_rate=0.5, decay_steps=10, staircase=True)
    assert [rate(schedule, step) for step in (0, 9, 10, 19)] == pytest.approx(
        [0.1, 0.1, 0.05, 0.05]
    )


# Ten epochs of a hundred steps, up to two of them for the warm-up.
@pytest.mark.parametrize(
    ("kind", "after_half", "at_the_end"),
    [
        ("exponential", 0.01, 0.001),
        # Half a cosine wave from 0.1 to 0.001 is at the mean of both in the middle.
        ("cosine", 0.0505, 0.001),
        ("constant", 0.1, 0.1),
    ],
)
@pytest.mark.parametrize("warmup_epochs", [0, 2])
def test_every_kind_can_warm_up_and_then_spans_the_rest_of_the_run(
    kind, after_half, at_the_end, warmup_epochs
):
    schedule = make_learning_rate(10, 100, 0.1, kind=kind, warmup_epochs=warmup_epochs)
    warm = 100 * warmup_epochs
    if warm:
        rising = [rate(schedule, step) for step in (0, 50, 100, 199)]
        assert rising == pytest.approx([0, 0.025, 0.05, 0.0995])
    assert rate(schedule, warm) == pytest.approx(0.1)
    assert rate(schedule, warm + (1000 - warm) // 2) == pytest.approx(after_half, rel=1e-3)
    assert rate(schedule, 1000) == pytest.approx(at_the_end, rel=1e-3)


def test_the_default_is_the_exponential_decay_without_warm_up():
    schedule = make_learning_rate(12, 100, initial_rate=0.004)
    assert isinstance(schedule, schedules.ExponentialDecay)
    assert rate(schedule, 600) == pytest.approx(0.0004, rel=1e-3), "half of the way to 0.00004"


def test_a_warm_up_can_take_half_an_epoch_or_more_than_the_whole_run():
    assert rate(make_learning_rate(2, 100, 0.1, warmup_epochs=0.5), 50) == pytest.approx(0.1)
    assert rate(make_learning_rate(2, 100, 0.1, warmup_epochs=5), 198) < 0.1


def test_a_schedule_with_warm_up_can_be_serialised():
    schedule = make_learning_rate(10, 100, initial_rate=0.004, warmup_epochs=1)
    written = schedules.serialize(schedule)
    read = schedules.deserialize(json.loads(json.dumps(written)))
    assert [rate(read, step) for step in (0, 50, 100, 900)] == [
        rate(schedule, step) for step in (0, 50, 100, 900)
    ]
