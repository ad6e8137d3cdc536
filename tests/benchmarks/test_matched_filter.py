"""The matched-filter classifier finds the paths that were simulated."""

from functools import partial

import numpy as np
import pytest

from benchmarks.matched_filter.curves import CurveSearch
from benchmarks.matched_filter.pulses import PulseSearch
from benchmarks.matched_filter.response import (
    Whitening,
    draw_straight_tone,
    draw_wandering_tone,
    learn_profiles,
)
from benchmarks.matched_filter.wander import Wander, WanderSearch
from data.simulation.classes import Signal
from data.simulation.envelopes import single_pulse_envelope, square_wave_envelope
from data.simulation.paths import curved_path, straight_path
from data.simulation.spectrogram import simulate_spectrogram

STRENGTHS = np.array([5.0, 10.0, 15.0])


@pytest.fixture(scope="module")
def whiten():
    return Whitening.learn(30, seed=1)


@pytest.fixture(scope="module")
def profiles(whiten):
    moves = np.arange(0.0, 1.76, 0.25)
    return learn_profiles(draw_straight_tone, moves, STRENGTHS, 10.0, whiten, 1, 60, smoothing=0.15)


def whitened_image(signal, whiten, seed=0):
    image = simulate_spectrogram(signal, 64, 128, np.random.default_rng(seed))
    return whiten(image[None])[0]


def curve(middle, drift, bend, strength):
    """x(u) = middle + drift u + 4 bend u^2 in pixels, u from -1/2 to 1/2."""
    derivative = 8.0 * bend / 128
    start = (middle + 0.375 - 0.5 * drift + bend) / 128
    return Signal(curved_path(start, drift / 128 - 0.5 * derivative, derivative), strength)


def test_whitened_noise_has_uncorrelated_neighbours(whiten):
    noise = np.stack([whitened_image(None, whiten, seed) for seed in range(10, 20)])
    noise -= noise.mean(axis=(1, 2), keepdims=True)
    variance = np.mean(noise**2)
    assert variance == pytest.approx(1.0, abs=0.15)
    assert abs(np.mean(noise[:, :, 1:] * noise[:, :, :-1])) < 0.02 * variance
    assert abs(np.mean(noise[:, 1:] * noise[:, :-1])) < 0.02 * variance


@pytest.mark.parametrize(
    ("middle", "drift", "bend"), [(40.0, 20.0, 0.0), (70.0, -45.0, 1.5), (60.0, 5.0, -8.0)]
)
def test_the_best_parabola_is_the_one_that_was_simulated(middle, drift, bend, whiten, profiles):
    search = CurveSearch(profiles, STRENGTHS)
    scores = search(whitened_image(curve(middle, drift, bend, 12.0), whiten))
    assert scores["curve middle"] == pytest.approx(middle, abs=0.4)
    assert scores["curve drift"] == pytest.approx(drift, abs=0.6)
    assert scores["curve sagitta"] == pytest.approx(abs(bend), abs=0.3)
    gain = scores["curve likelihood"] - scores["line likelihood"]
    assert gain > 20.0 if bend else gain < 20.0


def test_noise_gives_no_evidence_for_a_path(whiten, profiles):
    scores = CurveSearch(profiles, STRENGTHS)(whitened_image(None, whiten))
    assert max(scores["line evidence"], scores["curve evidence"]) < 0.0


def test_a_wandering_tone_has_most_evidence_at_its_own_standard_deviation_and_strength(whiten):
    rng = np.random.default_rng(3)
    image = whitened_image(draw_wandering_tone(rng, 15.0, 2.0), whiten)
    evidence = {}
    for deviation in (0.8, 2.0):
        wander = Wander(deviation, 1.0, (-0.5, 0.5))
        moves = np.arange(0.0, wander.moves[-1] + 0.1)
        draw = partial(draw_wandering_tone, deviation=deviation)
        responses = learn_profiles(draw, moves, STRENGTHS, 14.0, whiten, 2, 30, smoothing=0.3)
        both = np.stack([image, whitened_image(None, whiten)])
        evidence[deviation] = WanderSearch(wander, responses, STRENGTHS)(both)
    assert evidence[2.0][0].max() > evidence[0.8][0].max() + 10.0
    assert evidence[2.0][0].argmax() == 2
    assert evidence[2.0][1].max() < 0.0


def test_a_pulsed_line_is_explained_by_its_pulses(whiten, profiles):
    envelope = square_wave_envelope(0.05, 14 / 64, 0.3)
    signal = Signal(straight_path(0.3, 0.2), 13.0, envelope)
    curves = CurveSearch(profiles, STRENGTHS)
    rows = curves.filter(whitened_image(signal, whiten))
    scores = PulseSearch(curves, profiles, STRENGTHS, STRENGTHS)(rows)
    on = envelope(np.linspace(0.0, 1.0, 6401)).mean()
    assert scores["pulsed duty"] == pytest.approx(on, abs=0.02)
    assert scores["pulsed on"] > 5 * abs(scores["pulsed off"])
    line = curves.score(rows)["line evidence"]
    assert scores["pulsed evidence"] > line + 30


def test_a_steady_line_is_as_bright_between_the_pulses_that_explain_it_best(whiten, profiles):
    curves = CurveSearch(profiles, STRENGTHS)
    rows = curves.filter(whitened_image(Signal(straight_path(0.3, 0.2), 13.0), whiten))
    scores = PulseSearch(curves, profiles, STRENGTHS, STRENGTHS)(rows)
    assert scores["pulsed off"] > 0.5 * scores["pulsed on"]
    line = curves.score(rows)["line evidence"]
    assert scores["pulsed evidence"] < line


def test_a_single_pulse_has_evidence_of_its_own(whiten, profiles):
    curves = CurveSearch(profiles, STRENGTHS)
    search = PulseSearch(curves, profiles, STRENGTHS, STRENGTHS)

    def score(strength):
        signal = Signal(straight_path(0.4, 0.0), strength, single_pulse_envelope(0.5, 1.5 / 64))
        return search(curves.filter(whitened_image(signal, whiten)))

    assert score(20.0)["short evidence"] > 10
    assert score(20.0)["short evidence"] > score(20.0)["pulsed evidence"]
    assert score(-20.0)["short evidence"] < 0


def test_a_pulsed_squiggle_has_more_evidence_if_it_may_be_silent(whiten):
    rng = np.random.default_rng(3)
    steady = draw_wandering_tone(rng, 15.0, 1.0)
    pulsed = Signal(steady.path, 15.0, square_wave_envelope(0.0, 20 / 64, 0.5))
    wander = Wander(1.0, 1.0, (-0.5, 0.5))
    moves = np.arange(0.0, wander.moves[-1] + 0.1)
    draw = partial(draw_wandering_tone, deviation=1.0)
    profiles = learn_profiles(draw, moves, STRENGTHS, 14.0, whiten, 2, 40, smoothing=0.2)
    searches = [WanderSearch(wander, profiles, STRENGTHS, may_stop) for may_stop in (False, True)]
    for signal, gain in ((pulsed, (20, np.inf)), (steady, (-20, 0))):
        always, sometimes = (
            np.logaddexp.reduce(search(whitened_image(signal, whiten)[None])[0])
            for search in searches
        )
        assert gain[0] < sometimes - always < gain[1]
