"""How Beam's RunInference loads and asks a model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from apache_beam.ml.inference.base import ModelHandler
from numpy.typing import NDArray

from pipeline.serving.served_model import PROBABILITIES, ServedModel, load_model


@dataclass(frozen=True)
class Spectrogram:
    """One image.

    Attributes:
      source: its file.
      row: its 1-based row in the file.
      label: index of its class; `BAD` if it has none.
      levels: uint8 [pixels].
    """

    source: str
    row: int
    label: int
    levels: NDArray[np.uint8]


Classified = tuple[Spectrogram, NDArray[np.float32]]
"""An image without its levels, and the probability of each class."""


class PushedModelHandler(ModelHandler[Spectrogram, Classified, ServedModel]):
    """Loads a pushed model once in each worker process, and classifies batches."""

    def __init__(self, path: str, version: int, batch_size: int) -> None:
        """Constructs it.

        Args:
          path: folder or address of the version, which every worker can read.
          version: its number.
          batch_size: greatest number of images that the model gets at a time.
        """
        super().__init__(max_batch_size=batch_size)
        self._path, self._version = path, version

    def load_model(self) -> ServedModel:
        """See `ModelHandler`."""
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        return load_model(self._path, self._version)

    def run_inference(
        self,
        batch: Sequence[Spectrogram],
        model: ServedModel,
        _inference_args: Mapping[str, Any] | None = None,
    ) -> Iterable[Classified]:
        """See `ModelHandler`."""
        levels = np.stack([each.levels for each in batch])
        answers = model.classify(levels.reshape(-1, model.height, model.width))
        nothing = np.zeros(0, np.uint8)
        return [
            (Spectrogram(each.source, each.row, each.label, nothing), probabilities)
            for each, probabilities in zip(batch, answers[PROBABILITIES], strict=True)
        ]
