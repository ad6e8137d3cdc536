"""What TensorBoard shows of a training run."""

from __future__ import annotations

import os
from collections.abc import Sequence

import keras
import tensorflow as tf

from trainer.quality.confusion_matrix import ConfusionMatrix
from trainer.quality.misclassified import find_mistakes
from trainer.watching.training_plots import confusion_matrix_figure, mistakes_figure, pixels

_MISTAKES_SHOWN = 16


class TensorBoardLog(keras.callbacks.Callback):
    """Writes scalars and pictures of every epoch, to be seen as soon as the epoch ends.

    Keras's own callback flushes its files after ten values or two minutes, three epochs late in a
    run of one minute, and numbers epochs from 0 where the terminal says 1.

    TensorBoard's run `train` gets Keras's logs of training, learning rate and images/s among
    them; `validation` gets those of validation, the confusion matrix, and the misclassified
    spectrograms. Must come after the callback that adds learning rate and speed to the logs. It
    draws no random number and changes no weight.
    """

    def __init__(
        self,
        folder: str,
        classes: Sequence[str],
        confusion_matrix: ConfusionMatrix,
        validation: tf.data.Dataset | None,
        mistakes_every: int = 10,
    ):
        """Constructs the callback.

        Args:
          folder: where the event files go, local or in a bucket.
          classes: their names, in the order of the labels.
          confusion_matrix: the metric that the model was compiled with.
          validation: the batches that the model is validated on, (image float32 [B, H, W, 1],
            one-hot label), in stored order; None draws no misclassified spectrograms.
          mistakes_every: epochs between two pictures of misclassified spectrograms. Each takes a
            pass over the validation images; the confusion matrix takes none.
        """
        super().__init__()
        self._folder = folder
        self._classes = classes
        self._confusion_matrix = confusion_matrix
        self._validation = validation
        self._mistakes_every = mistakes_every
        self._writers: dict[str, tf.summary.SummaryWriter] = {}

    def on_epoch_end(self, epoch, logs=None):
        number = epoch + 1
        for name, value in logs.items():
            run = "validation" if name.startswith("val_") else "train"
            with self._writer(run).as_default(step=number):
                tf.summary.scalar(f"epoch/{name.removeprefix('val_')}", value)
        figure = confusion_matrix_figure(self._confusion_matrix.counts(), self._classes)
        self._picture("confusion matrix", figure, number)
        if number % self._mistakes_every == 0:
            self.show_mistakes("misclassified", number)
        self._flush()

    def on_train_end(self, logs=None):
        self._flush()

    def show_mistakes(self, tag: str, epoch: int) -> None:
        """Draw the validation spectrograms that the model gets wrong with its present weights.

        Nothing is drawn where there are no validation batches.

        Args:
          tag: the picture's name.
          epoch: the number, from 1, of the epoch that the weights are of.
        """
        if self._validation is None:
            return
        found = find_mistakes(self.model, self._validation, _MISTAKES_SHOWN)
        self._picture(tag, mistakes_figure(*found, self._classes), epoch)
        self._flush()

    def _picture(self, tag: str, figure, epoch: int) -> None:
        with self._writer("validation").as_default(step=epoch):
            tf.summary.image(f"pictures/{tag}", pixels(figure)[None])

    def _writer(self, run: str) -> tf.summary.SummaryWriter:
        if run not in self._writers:
            self._writers[run] = tf.summary.create_file_writer(os.path.join(self._folder, run))
        return self._writers[run]

    def _flush(self) -> None:
        for writer in self._writers.values():
            writer.flush()
