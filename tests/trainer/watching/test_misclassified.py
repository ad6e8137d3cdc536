"""The spectrograms that are shown as misclassified."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.watching.misclassified import find_mistakes
from trainer.watching.training_plots import plot_mistakes, render

# For each image: the class that the model below predicts, and its confidence.
PREDICTED = [0, 1, 2, 0, 1, 2, 0, 1]
PROBABILITY = [0.9, 0.5, 0.8, 0.6, 0.7, 0.95, 0.6, 0.99]


def make_batches(actual: list[int], height: int = 2, width: int = 3):
    """Return images whose first pixels are the probabilities that the model returns."""
    images = np.zeros((len(actual), height, width, 1), np.float32)
    for row, (predicted, probability) in enumerate(zip(PREDICTED, PROBABILITY, strict=True)):
        images[row, 0, :3, 0] = (1 - probability) / 2
        images[row, 0, predicted, 0] = probability
    labels = np.eye(3, dtype=np.float32)[actual]
    return images, tf.data.Dataset.from_tensor_slices((images, labels)).batch(3)


def build_model(height: int = 2, width: int = 3) -> keras.Model:
    image = keras.Input((height, width, 1))
    return keras.Model(image, image[:, 0, :3, 0])


def test_the_most_confident_mistakes_come_first_and_ties_in_stored_order():
    actual = [1, 1, 0, 2, 1, 1, 2, 1]
    images, dataset = make_batches(actual)
    mistakes, wrong, images_seen = find_mistakes(build_model(), dataset, limit=16)
    assert (wrong, images_seen) == (5, 8)
    assert [mistake.position for mistake in mistakes] == [5, 0, 2, 3, 6]
    assert [mistake.probability for mistake in mistakes] == pytest.approx(
        [0.95, 0.9, 0.8, 0.6, 0.6]
    )
    assert [mistake.predicted for mistake in mistakes] == [2, 0, 2, 0, 0]
    assert [mistake.actual for mistake in mistakes] == [1, 1, 0, 2, 2]
    np.testing.assert_array_equal(mistakes[1].image, images[0, ..., 0])


def test_only_the_limit_is_kept_but_all_mistakes_are_counted():
    _, dataset = make_batches([1, 1, 0, 2, 1, 1, 2, 1])
    mistakes, wrong, _ = find_mistakes(build_model(), dataset, limit=2)
    assert [mistake.position for mistake in mistakes] == [5, 0]
    assert wrong == 5


def test_the_plot_of_a_model_without_mistakes_says_so():
    _, dataset = make_batches(PREDICTED)
    mistakes = find_mistakes(build_model(), dataset, limit=16)
    assert mistakes == ([], 0, 8)
    figure = plot_mistakes(*mistakes, ["a", "b", "c"])
    assert figure.get_suptitle() == "0 of 8 validation spectrograms misclassified"
    assert render(figure).std() > 0, "the sentence is drawn"


def test_the_plot_names_both_classes_and_the_axes():
    _, dataset = make_batches([1, 1, 0, 2, 1, 1, 2, 1], 384, 512)
    names = ["noise", "squarepulsednarrowband", "squiggle"]
    figure = plot_mistakes(*find_mistakes(build_model(384, 512), dataset, limit=3), names)
    assert figure.get_suptitle() == (
        "5 of 8 validation spectrograms misclassified; the 3 that the model is most sure of"
    )
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [
        "squiggle 0.95\nactually squarepulsednarrowband",
        "noise 0.90\nactually squarepulsednarrowband",
        "squiggle 0.80\nactually noise",
        "",
    ]
    assert figure.get_supxlabel() == "frequency (channel)"
    assert figure.get_supylabel() == "time (row)"
    assert figure.axes[0].images[0].get_array().shape == (384, 512)
    assert render(figure).shape == (300, 1200, 3)
