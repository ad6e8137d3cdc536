"""A pushed model, loaded by TensorFlow alone, that answers arrays.

Everything that asks a model for its answers can use it: it knows nothing of HTTP.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.example_features import IMAGE
from data.invalid import InvalidData
from data.storage import files
from trainer.export.model_card import MODEL_CARD, find_damage, read_model_card
from trainer.export.model_card_page import MODEL_CARD_PAGE

EXAMPLES, SPECTROGRAMS = "serving_default", "classify_spectrograms"
"""Names of the signatures: for serialised tf.Examples and for arrays of grey levels."""

PROBABILITIES, CLASS, SCORE = "probabilities", "class", "score"
"""Names of the outputs of both."""

Answers = dict[str, NDArray[Any]]
"""The outputs, in this order: `PROBABILITIES` [n, classes], `CLASS` [n] as bytes, `SCORE` [n]."""

_SUM_TOLERANCE = 1e-3


class UnusableModelError(InvalidData):
    """The files of a model are as they were exported, but it does not load or does not answer."""


@dataclass(frozen=True)
class Tensor:
    """An input or an output.

    Attributes:
      name: its name in the signature.
      dtype: NumPy's type; object for bytes.
      shape: without the axis of the images.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Signature:
    """A function of the model.

    Attributes:
      name: its name.
      input: its only argument.
      outputs: what it returns, by name.
      call: the function itself.
    """

    name: str
    input: Tensor
    outputs: Mapping[str, Tensor]
    call: Callable[..., Mapping[str, Any]]


@dataclass(frozen=True)
class ServedModel:
    """One version of a model. Several threads may ask it.

    Attributes:
      version: number of the version.
      card: the model card.
      signatures: `EXAMPLES` and `SPECTROGRAMS` by name.
      signature_defs: what TensorFlow stores of each signature, in the form of JSON.
      card_page: the model card for people, in Markdown; empty if there is none.
    """

    version: int
    card: Mapping[str, Any]
    signatures: Mapping[str, Signature]
    signature_defs: Mapping[str, Any]
    card_page: str = ""

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in the order of the probabilities."""
        return list(self.card["classes"])

    @property
    def height(self) -> int:
        """Rows of a spectrogram."""
        return int(self.card["height"])

    @property
    def width(self) -> int:
        """Columns of a spectrogram."""
        return int(self.card["width"])

    def answer(self, signature: str, inputs: NDArray[Any]) -> Answers:
        """Answer a batch: [n, ...] of the type and shape of the signature's input, n at least 1.

        Serialised tf.Examples must be such that `find_bad_example` finds none.
        """
        import tensorflow as tf

        called = self.signatures[signature]
        outputs = called.call(**{called.input.name: tf.constant(inputs)})
        return {name: outputs[name].numpy() for name in called.outputs}

    def classify(self, levels: NDArray[np.uint8]) -> Answers:
        """Classify spectrograms, uint8 [n, height, width]: the grey levels 0 to 255."""
        return self.answer(SPECTROGRAMS, np.divide(levels, np.float32(255), dtype=np.float32))

    def find_bad_example(self, examples: NDArray[Any]) -> tuple[int, str] | None:
        """Return the number of the first serialised tf.Example that is none, and what is wrong."""
        import tensorflow as tf
        from google.protobuf.message import DecodeError

        pixels = self.height * self.width
        for number, content in enumerate(examples):
            try:
                features = tf.train.Example.FromString(content).features.feature
            except DecodeError:
                return number, "this is not a serialised tf.Example."
            lengths = [len(value) for value in features[IMAGE].bytes_list.value]
            if lengths != [pixels]:
                sizes = " and ".join(f"{size:,}" for size in lengths) or "no"
                return number, (
                    f"the feature {IMAGE} of the tf.Example holds {sizes} bytes where {pixels:,} "
                    f"are expected, one for each of {self.height} x {self.width} grey levels."
                )
        return None


def load_model(path: str, version: int, warm_images: int = 8) -> ServedModel:
    """Load a version and have it answer, so that its next answers come fast.

    Args:
      path: folder of the SavedModel, or its address in a store.
      version: its number.
      warm_images: size of the greatest batch that it answers now, besides a single image. It may
        work otherwise on several images.

    Raises:
      InvalidData: files are damaged or missing.
      UnusableModelError: TensorFlow cannot load them, or the answers cannot be used.
    """
    card = read_model_card(path)
    damage = find_damage(path) if card else f"{MODEL_CARD} is missing"
    if damage:
        raise InvalidData(f"{path} cannot be served because {damage}.")
    with _bring_here(path) as local:
        try:
            signatures, definitions = _load_signatures(local)
        except Exception as error:  # TensorFlow raises many kinds for damaged graphs
            reason = (str(error).strip() or repr(error)).splitlines()[0]
            raise UnusableModelError(
                f"{path} cannot be served because TensorFlow cannot load it: {reason}"
            ) from error
    card_page = ""
    with contextlib.suppress(FileNotFoundError):
        card_page = files.read_text(files.join(path, MODEL_CARD_PAGE))
    model = ServedModel(version, card, signatures, definitions, card_page)
    if fault := _find_fault(model, warm_images):
        raise UnusableModelError(f"{path} cannot be served because {fault}.")
    return model


@contextlib.contextmanager
def _bring_here(path: str) -> Iterator[str]:
    """Yield a folder of this machine that holds the files; TensorFlow does not know every store."""
    if "://" not in path:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="radio-signals-") as folder:
        local = files.join(folder, "model")
        files.copy_folder(path, local)
        yield local


def _load_signatures(path: str) -> tuple[dict[str, Signature], dict[str, Any]]:
    import tensorflow as tf
    from google.protobuf import json_format
    from tensorflow.core.protobuf import saved_model_pb2

    functions = tf.saved_model.load(path).signatures
    signatures = {}
    for name in (EXAMPLES, SPECTROGRAMS):
        function = functions[name]
        ((argument, spec),) = function.structured_input_signature[1].items()
        specs = function.structured_outputs
        outputs = {key: _describe(key, specs[key]) for key in (PROBABILITIES, CLASS, SCORE)}
        signatures[name] = Signature(name, _describe(argument, spec), outputs, function)
    with files.open_file(files.join(path, "saved_model.pb"), "rb") as file:
        stored = saved_model_pb2.SavedModel.FromString(file.read())
    definitions = {
        name: json_format.MessageToDict(definition, preserving_proto_field_name=True)
        for name, definition in stored.meta_graphs[0].signature_def.items()
    }
    return signatures, definitions


def _describe(name: str, spec: Any) -> Tensor:
    return Tensor(name, np.dtype(spec.dtype.as_numpy_dtype), tuple(spec.shape[1:]))


def _find_fault(model: ServedModel, warm_images: int) -> str:
    """Have both signatures answer noise; return what is wrong with the answers, if anything is."""
    import tensorflow as tf

    shape = (warm_images, model.height, model.width)
    levels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[levels[0].tobytes()]))
    example = tf.train.Example(features=tf.train.Features(feature={IMAGE: feature}))
    try:
        answers = [
            model.answer(EXAMPLES, np.array([example.SerializeToString()], object)),
            model.classify(levels[:1]),
            model.classify(levels),
        ]
    except Exception as error:  # whatever the graph raises
        return f"it does not answer: {str(error).strip().splitlines()[0]}"
    for answer in answers:
        probabilities = answer[PROBABILITIES]
        if probabilities.shape[1:] != (len(model.classes),):
            return (
                f"it gives {probabilities.shape[1]} probabilities for {len(model.classes)} classes"
            )
        if not (np.abs(probabilities.sum(axis=1) - 1) <= _SUM_TOLERANCE).all():
            return "its probabilities do not sum to 1"
    return ""
