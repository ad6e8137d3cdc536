"""Plots of many classes, and of classes with any names."""

import time

import numpy as np
import pytest

from tests.data.plots.test_labels import NAMES
from trainer.watching.misclassified import Mistake
from trainer.watching.training_plots import plot_confusion_matrix, plot_mistakes, render


def make_counts(classes: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 50, (classes, classes))


def number_of_texts(classes: int) -> int:
    figure = plot_confusion_matrix(make_counts(classes), [f"class {n}" for n in range(classes)])
    return len(figure.axes[0].texts)


def test_up_to_twenty_classes_each_cell_has_its_count():
    assert number_of_texts(20) == 400
    assert number_of_texts(21) == 0


def test_two_hundred_classes_are_drawn_in_seconds():
    started = time.process_time()
    figure = plot_confusion_matrix(make_counts(200), [f"class {n}" for n in range(200)])
    picture = render(figure)
    assert time.process_time() - started < 5
    assert max(picture.shape) < 4000, "pixels"
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == [f"class {n}" for n in range(0, 200, 4)]


@pytest.mark.parametrize("classes", [NAMES, [*NAMES, *(f"${n}^" for n in range(20))]])
def test_a_confusion_matrix_shows_any_names(classes):
    picture = render(plot_confusion_matrix(make_counts(len(classes)), classes))
    assert len(np.unique(picture)) > 50, "it is not empty"


def test_mistakes_show_any_names():
    mistakes = [
        Mistake(np.zeros((4, 4), np.float32), n, (n + 1) % len(NAMES), 0.5, n)
        for n in range(len(NAMES))
    ]
    figure = plot_mistakes(mistakes, len(mistakes), 20, NAMES)
    render(figure)
    assert figure.axes[0].get_title() == "\\$ 0.50\nactually a\\$_\\$b"
