"""The robustness benchmark: its conditions, its metrics, and a complete run on few images."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from benchmarks.robustness.__main__ import format_markdown, measure
from benchmarks.robustness.conditions import (
    UNCHANGED,
    Shot,
    cut_by_edge,
    list_conditions,
    simulate,
)
from benchmarks.robustness.measure import SAGITTAS, STRENGTHS, Benchmark, compute_metrics
from benchmarks.robustness.plots import draw_conditions, draw_curvature, draw_strength
from data.seed_layout import CLASS_NAMES
from data.simulation.classes import Signal
from data.simulation.envelopes import single_pulse_envelope
from data.simulation.paths import straight_path
from data.simulation.presets import BASIC


@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("fraction", [0.9, 0.3])
def test_a_signal_cut_by_the_edge_is_inside_for_the_requested_fraction_of_its_time(fraction, upper):
    time = np.linspace(0, 1, 10_001)
    frequency = cut_by_edge(Signal(straight_path(0.4, 0.2), 10.0), fraction, upper).path(time)
    assert np.mean((frequency >= 0) & (frequency < 1)) == pytest.approx(fraction, abs=2e-3)
    assert (frequency.max() > 1) == upper
    np.testing.assert_allclose(np.diff(frequency), 0.2e-4, atol=1e-9)


def test_only_the_time_in_which_a_pulse_is_on_counts():
    pulse = Signal(straight_path(0.4, 0.2), 10.0, single_pulse_envelope(0.5, 0.2))
    frequency = cut_by_edge(pulse, 0.5, upper=True).path(np.linspace(0.5, 0.7, 1001))
    assert np.mean(frequency < 1) == pytest.approx(0.5, abs=0.01)


def test_every_condition_has_its_own_name_and_changes_the_image():
    every = list_conditions(64, 128)
    assert len({condition.name for condition in every}) == len(every)
    shots = {condition.shot for condition in every}
    images = {
        simulate(Shot("squiggle", 0), 1, BASIC, 64, 128, condition).tobytes() for condition in shots
    }
    assert len(images) == len(shots) == len(every) - 4, "four change only the rendering"


def test_an_image_depends_only_on_seed_class_and_number():
    def image(number=3, seed=1, name="narrowband"):
        return simulate(Shot(name, number), seed, BASIC, 64, 128, UNCHANGED)

    np.testing.assert_array_equal(image(), image())
    others = [image(number=4), image(seed=2), image(name="noise")]
    assert all((other != image()).any() for other in others)


def test_the_metrics_name_the_class_with_the_lowest_recall_and_its_most_frequent_error():
    predicted = [0, 0, 0, 1, 1, 1, 1, 2, 1, 0, 2, 1]
    labels = np.repeat([0, 1, 2], 4)
    metrics = compute_metrics(np.eye(3)[predicted], labels, ["noise", "b", "c"])
    assert metrics["confusion_matrix"] == [[3, 1, 0], [0, 3, 1], [1, 2, 1]]
    assert metrics["recall"] == {"noise": 0.75, "b": 0.75, "c": 0.25}
    assert (metrics["lowest"], metrics["taken_for"]) == ("c", "b")
    assert metrics["accuracy"] == pytest.approx(7 / 12)
    assert metrics["signal_accuracy"] == pytest.approx(4 / 8)
    assert metrics["expected_calibration_error"] == pytest.approx(5 / 12), "certain each time"


def test_without_errors_no_class_is_confused():
    metrics = compute_metrics(np.eye(2), np.array([0, 1]), ["a", "b"])
    assert (metrics["accuracy"], metrics["taken_for"]) == (1.0, None)


@dataclasses.dataclass
class DarkestColumn:
    """Classifies an image as a straight line if one of its columns is dark, else as noise."""

    classes = list(CLASS_NAMES)
    height, width = 16, 32

    def predict_probabilities(self, images: np.ndarray) -> np.ndarray:
        columns = images.mean(axis=1)
        dark = columns.min(axis=1) < columns.mean(axis=1) - 4 * np.median(columns.std(axis=1))
        return np.where(dark[:, None], [0.1, 0.1, 0.7, 0.1], [0.1, 0.1, 0.1, 0.7])


def test_a_few_images_are_enough_for_every_table_and_plot(tmp_path):
    benchmark = Benchmark(DarkestColumn(), images_per_class=2, seed=7)
    measured = measure(benchmark)
    assert set(measured["conditions"]) == {"basic", "hard"}
    for rows in measured["conditions"].values():
        names = [row["condition"] for row in rows]
        assert names == [condition.name for condition in list_conditions(16, 32)]
        assert {row["images"] for row in rows} == {8}
    assert {name: len(recalls) for name, recalls in measured["strength"].items()} == dict.fromkeys(
        CLASS_NAMES, len(STRENGTHS)
    )
    assert len(set(measured["strength"]["noise"])) == 1
    curves = measured["curvature"]["curves"]
    np.testing.assert_allclose(np.sum(list(curves.values()), axis=0), np.ones(len(SAGITTAS)))

    text = format_markdown(measured)
    assert text.startswith("2 images per class in every row; simulator seed 7.")
    assert text.count("| polarity inverted | ") == 2
    assert text.count("\n| 20 | ") == 1
    draw_conditions(benchmark.render_conditions()).savefig(tmp_path / "conditions.png")
    draw_strength(STRENGTHS, measured["strength"], 2).savefig(tmp_path / "strength.png")
    draw_curvature(SAGITTAS, **measured["curvature"], images=2).savefig(tmp_path / "curve.png")
    assert min(path.stat().st_size for path in tmp_path.iterdir()) > 10_000
