"""Envelopes: a tone's amplitude (0 to 1) as a function of time (observations)."""

import numpy as np
import pytest

from data.simulation.envelopes import (
    constant_envelope,
    single_pulse_envelope,
    square_wave_envelope,
)

TIMES = np.linspace(0.0, 1.0, 10001)


def test_a_constant_envelope_is_always_on():
    np.testing.assert_array_equal(constant_envelope()(TIMES), 1.0)


def test_a_single_pulse_is_on_once_for_its_duration():
    amplitude = single_pulse_envelope(start=0.3, duration=0.05)
    np.testing.assert_array_equal(
        amplitude(np.array([0.0, 0.299, 0.3, 0.349, 0.351, 1.0])), [0, 0, 1, 1, 0, 0]
    )
    assert amplitude(TIMES).mean() == pytest.approx(0.05, abs=2e-4)


def test_a_square_wave_is_on_for_its_duty_cycle_of_every_period():
    amplitude = square_wave_envelope(start=0.1, period=0.4, duty_cycle=0.25)
    times = np.array([0.05, 0.1, 0.15, 0.19, 0.21, 0.45, 0.5, 0.59, 0.61, 0.95])
    np.testing.assert_array_equal(amplitude(times), [0, 1, 1, 1, 0, 0, 1, 1, 0, 1])


def test_a_square_wave_was_already_running_when_the_observation_began():
    amplitude = square_wave_envelope(start=0.3, period=0.4, duty_cycle=0.5)
    np.testing.assert_array_equal(amplitude(np.array([0.0, 0.09, 0.11])), [1, 1, 0])


@pytest.mark.parametrize(("duty_cycle", "mean"), [(0.0, 0.0), (0.3, 0.3), (1.0, 1.0)])
def test_the_duty_cycle_is_the_fraction_of_the_time_that_a_square_wave_is_on(duty_cycle, mean):
    amplitude = square_wave_envelope(start=0.03, period=0.2, duty_cycle=duty_cycle)
    assert amplitude(TIMES).mean() == pytest.approx(mean, abs=1e-3)
