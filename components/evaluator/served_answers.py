"""Checks that an exported model answers as its clients expect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from data.invalid import InvalidData

# How far the sum of the probabilities of an image may be from 1; float32 rounds to 1e-6.
_SUM_TOLERANCE = 1e-3
_IMAGES_PER_BATCH = 64

_EXAMPLES, _SPECTROGRAMS = "serving_default", "classify_spectrograms"
_OUTPUTS = ("probabilities", "class", "score")

Answers = dict[str, NDArray[np.generic]]


def check_answers(model_dir: str, examples: tf.Tensor, classes: Sequence[str]) -> None:
    """Refuse a model whose answers cannot be used.

    Args:
      model_dir: a SavedModel.
      examples: serialised tf.Examples, string [N].
      classes: class names in the order of the labels.

    Raises:
      InvalidData: a signature or an output is missing, probabilities are not finite, do not sum to
        1 or have another shape, or the classes have other names.
    """
    signatures = tf.saved_model.load(model_dir).signatures
    faults = [
        f"signature {name}: {fault}"
        for name in (_EXAMPLES, _SPECTROGRAMS)
        for fault in _find_faults(signatures, name, examples, classes)
    ]
    if faults:
        raise InvalidData(
            "The trained model cannot be evaluated or served. Correct the model or its export.\n"
            + "\n".join(faults)
        )


def _find_faults(
    signatures: Mapping[str, tf.types.experimental.ConcreteFunction],
    name: str,
    examples: tf.Tensor,
    classes: Sequence[str],
) -> Iterator[str]:
    if name not in signatures:
        yield f"missing; the model has {', '.join(sorted(signatures)) or 'none'}."
        return
    signature = signatures[name]
    missing = [output for output in _OUTPUTS if output not in signature.structured_outputs]
    if missing:
        outputs = ", ".join(sorted(signature.structured_outputs))
        yield f"has no output {' or '.join(missing)}; it has {outputs}."
        return
    ((argument, spec),) = signature.structured_input_signature[1].items()
    yield from _check_values(_query(signature, argument, spec, examples), classes)


def _query(
    signature: tf.types.experimental.ConcreteFunction,
    argument: str,
    spec: tf.TensorSpec,
    examples: tf.Tensor,
) -> Answers:
    """Return the answers for all examples, or for a few spectrograms of noise."""
    if spec.dtype == tf.string:
        inputs = examples
    else:
        inputs = tf.random.stateless_uniform([2, *spec.shape[1:]], [0, 0])
    batches = tf.data.Dataset.from_tensor_slices(inputs).batch(_IMAGES_PER_BATCH)
    answers = [signature(**{argument: batch}) for batch in batches]
    return {output: np.concatenate([a[output].numpy() for a in answers]) for output in _OUTPUTS}


def _check_values(answers: Answers, classes: Sequence[str]) -> Iterator[str]:
    probabilities = answers["probabilities"]
    if probabilities.ndim != 2 or probabilities.shape[1] != len(classes):
        shape = ", ".join(map(str, probabilities.shape[1:]))
        yield f"probabilities have the shape [images, {shape}] instead of [images, {len(classes)}]."
        return
    images = len(probabilities)
    unusable = images - int(np.isfinite(probabilities).all(axis=1).sum())
    if unusable:
        yield f"probabilities of {unusable} of {images} images are NaN or infinite; none may be."
        return
    sums = probabilities.sum(axis=1)
    worst = float(sums[np.abs(sums - 1).argmax()])
    if abs(worst - 1) > _SUM_TOLERANCE:
        yield f"probabilities of an image sum to {worst:.4f} instead of 1 +/- {_SUM_TOLERANCE:g}."
    if probabilities.min() < 0:
        yield f"a probability is {probabilities.min():.4f}; the least allowed is 0."
    chosen = probabilities.argmax(axis=1)
    for index in np.unique(chosen):
        names = {bytes(name).decode() for name in answers["class"][chosen == index]}
        if names != {classes[index]}:
            yield f"class {index} is called {' and '.join(sorted(names))}, not {classes[index]}."
