"""Paths: a tone's frequency (band widths) as a function of time (observations)."""

import numpy as np
import pytest

from data.simulation.paths import curved_path, sagitta, straight_path, wandering_path

TIMES = np.array([0.0, 0.25, 0.5, 1.0])


def test_a_straight_path_drifts_at_a_constant_rate():
    np.testing.assert_allclose(straight_path(0.2, 0.4)(TIMES), [0.2, 0.3, 0.4, 0.6])


def test_a_curved_path_drifts_at_a_rate_that_changes():
    path = curved_path(0.5, -0.2, 0.4)
    np.testing.assert_allclose(path(TIMES), [0.5, 0.4625, 0.45, 0.5])


def test_a_curved_path_without_a_derivative_is_straight():
    np.testing.assert_allclose(curved_path(0.1, 0.3, 0.0)(TIMES), straight_path(0.1, 0.3)(TIMES))


@pytest.mark.parametrize("derivative", [0.4, -0.4, 0.0, 0.0625])
def test_the_sagitta_is_the_greatest_departure_from_the_chord(derivative):
    time = np.linspace(0.0, 1.0, 1001)
    frequency = curved_path(0.3, 0.1, derivative)(time)
    chord = frequency[0] + (frequency[-1] - frequency[0]) * time
    assert sagitta(derivative) == pytest.approx(np.abs(frequency - chord).max(), abs=1e-12)


def test_a_sagitta_of_eight_pixels_of_128_takes_a_derivative_of_one_half():
    assert sagitta(0.5) * 128 == 8.0


def test_a_wandering_path_passes_through_its_walk_and_is_straight_in_between():
    path = wandering_path(0.5, 0.2, np.array([0.1, -0.3]))
    times = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    np.testing.assert_allclose(path(times), [0.5, 0.6, 0.7, 0.6, 0.5])


def test_a_walk_of_n_steps_spreads_as_the_square_root_of_n():
    rng = np.random.default_rng(0)
    ends = [
        wandering_path(0.0, 0.0, rng.normal(0.0, 0.01, 400))(np.array([1.0]))[0]
        for _ in range(2000)
    ]
    # 0.01 x 20 = 0.2; the standard deviation of 2,000 draws is known to 1.6 %.
    assert np.std(ends) == pytest.approx(0.2, rel=0.06)


def test_a_path_gives_the_same_values_however_often_it_is_asked():
    path = wandering_path(0.5, 0.0, np.random.default_rng(1).normal(size=50))
    np.testing.assert_array_equal(path(TIMES), path(TIMES))
