"""Writes scalars and plots of a training run for TensorBoard."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from trainer.watching.misclassified import find_mistakes
from trainer.watching.training_plots import plot_confusion_matrix, plot_mistakes, render

if TYPE_CHECKING:
    from trainer.quality.confusion_matrix import ConfusionMatrix

_MISTAKES_SHOWN = 16


class TensorBoardLog(keras.callbacks.Callback):
    """Writes scalars and plots of every epoch, which are visible as soon as the epoch ends.

    Keras's own callback flushes its files after ten values or two minutes. In a run of one minute
    that is three epochs late. It also counts epochs from 0, where the terminal counts from 1.

    TensorBoard's run `train` gets Keras's training logs, including learning rate and images/s. The
    run `validation` gets the validation logs, the confusion matrix and misclassified spectrograms.
    The callback must come after the one that adds learning rate and speed to the logs. It draws no
    random numbers and changes no weights.
    """

    def __init__(
        self,
        folder: str,
        classes: Sequence[str],
        confusion_matrix: ConfusionMatrix,
        validation: tf.data.Dataset | None,
        mistakes_every: int = 25,
    ) -> None:
        """Create the callback.

        Args:
          folder: where to write event files, local or in a bucket.
          classes: names of the classes, in the order of the labels.
          confusion_matrix: the metric that the model was compiled with.
          validation: the batches that the model is validated on: inputs and one-hot labels, in
            stored order. None plots no misclassified spectrograms.
          mistakes_every: epochs between two plots of misclassified spectrograms. Each takes one
            pass over the validation images; the confusion matrix takes none.
        """
        super().__init__()
        self._folder = folder
        self._classes = classes
        self._confusion_matrix = confusion_matrix
        self._validation = validation
        self._mistakes_every = mistakes_every
        self._writers: dict[str, tf.summary.SummaryWriter] = {}
        # Drawing takes a tenth of a second, and a trained model repeats its decisions.
        self._draw = functools.lru_cache(1)(self._draw_confusion_matrix)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Write the scalars and plots of the epoch."""
        number = epoch + 1
        for name, value in logs.items():
            run = "validation" if name.startswith("val_") else "train"
            with self._get_writer(run).as_default(step=number):
                tf.summary.scalar(f"epoch/{name.removeprefix('val_')}", value)
        counts = self._confusion_matrix.counts()
        self._write_plot("confusion matrix", self._draw(tuple(map(tuple, counts.tolist()))), number)
        if number % self._mistakes_every == 0:
            self.show_mistakes("misclassified", number)
        self._flush()

    def on_train_end(self, _logs: dict[str, float] | None = None) -> None:
        """Flush the event files."""
        self._flush()

    def show_mistakes(self, tag: str, epoch: int) -> None:
        """Plot the validation spectrograms that the model misclassifies with its current weights.

        Without validation batches nothing is plotted.

        Args:
          tag: name of the plot.
          epoch: number, from 1, of the epoch that the weights are from.
        """
        if self._validation is None:
            return
        mistakes = find_mistakes(self.model, self._validation, _MISTAKES_SHOWN)
        self._write_plot(tag, render(plot_mistakes(*mistakes, self._classes)), epoch)
        self._flush()

    def _draw_confusion_matrix(self, counts: tuple[tuple[int, ...], ...]) -> NDArray[np.uint8]:
        return render(plot_confusion_matrix(np.array(counts), self._classes))

    def _write_plot(self, tag: str, plot: NDArray[np.uint8], epoch: int) -> None:
        with self._get_writer("validation").as_default(step=epoch):
            tf.summary.image(f"pictures/{tag}", plot[None])

    def _get_writer(self, run: str) -> tf.summary.SummaryWriter:
        if run not in self._writers:
            self._writers[run] = tf.summary.create_file_writer(os.path.join(self._folder, run))
        return self._writers[run]

    def _flush(self) -> None:
        for writer in self._writers.values():
            writer.flush()
