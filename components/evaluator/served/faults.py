"""Judges what an exported model answers in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from components.evaluator.served.process import Served
from data.invalid import InvalidData

# How far the sum of the probabilities of an image may be from 1; float32 rounds to 1e-6.
_SUM_TOLERANCE = 1e-3

# How far a probability may depend on the size of the batch or on the device. A GPU that multiplies
# in TF32 differs from a CPU by about 1e-3.
_ROUNDING = 0.01

_EXAMPLES, _SPECTROGRAMS = "serving_default", "classify_spectrograms"
_OUTPUTS = ("probabilities", "class", "score")


def refuse_faults(served: Served, classes: Sequence[str]) -> None:
    """Refuse a model whose answers cannot be used.

    Args:
      served: its answers.
      classes: class names in the order of the labels.

    Raises:
      InvalidData: a signature, an output or a warm-up request is missing, probabilities are not
        finite, do not sum to 1 or have another shape, the classes have other names, the
        signatures answer differently, or the model for TensorFlow Lite decides otherwise.
    """
    faults = [
        f"signature {name}: {fault}"
        for name, answers in {
            _EXAMPLES: _EXAMPLES,
            _SPECTROGRAMS: f"warm_up/{_SPECTROGRAMS}",
        }.items()
        for fault in _find_faults(served, name, answers, classes)
    ] or [*_compare_signatures(served), *_compare_lite(served)]
    if faults:
        raise InvalidData(
            "The trained model cannot be evaluated or served. Correct the model or its export.\n"
            + "\n".join(faults)
        )


def refuse_other_decisions(
    served: Served, labels: NDArray[np.int64], evaluated: NDArray[np.int64]
) -> None:
    """Refuse a model that decides otherwise in a process of its own than in the evaluation.

    Args:
      served: its answers, without faults.
      labels: int [N], index of the actual class of each example.
      evaluated: int [classes, classes], the Evaluator's confusion matrix.

    Raises:
      InvalidData: more decisions differ than there are images whose decision rounding can change.
    """
    probabilities = served.probabilities
    decisions = confusion_matrix(labels, probabilities.argmax(axis=1), labels=range(len(evaluated)))
    different = int(np.abs(decisions - evaluated).sum()) // 2
    second, first = np.sort(probabilities, axis=1)[:, -2:].T
    tied = int((first - second < _ROUNDING).sum())
    if different > tied:
        raise InvalidData(
            "The trained model answers differently in a process of its own: at least "
            f"{different:,} of {len(labels):,} decisions are not those of the evaluation, but "
            f"rounding explains at most {tied:,}. Its answers must depend on nothing but the image."
        )


def find_excesses(served: Served, seconds: float, memory: float) -> list[str]:
    """Return a sentence for each limit that the model exceeded.

    Args:
      served: what the model took.
      seconds: the longest time to load it and to answer the warm-up requests; 0 for no limit.
      memory: the most memory of the process, in GB; 0 for no limit.
    """
    excesses = []
    took = served.load_seconds + served.warm_up_seconds
    if seconds and took > seconds:
        excesses.append(
            f"loading the model and its first answers took {took:.1f} s, more than the "
            f"{seconds:g} s allowed (serving_check.seconds)"
        )
    needed = served.memory_bytes / 1e9
    if memory and needed > memory:
        excesses.append(
            f"a process with the model needed {needed:.2f} GB of memory, more than the "
            f"{memory:g} GB allowed (serving_check.memory)"
        )
    return excesses


def _find_faults(served: Served, name: str, answers: str, classes: Sequence[str]) -> Iterator[str]:
    if name not in served.outputs:
        yield f"missing; the model has {', '.join(sorted(served.outputs)) or 'none'}."
        return
    outputs = served.outputs[name]
    missing = [output for output in _OUTPUTS if output not in outputs]
    if missing:
        yield f"has no output {' or '.join(missing)}; it has {', '.join(outputs)}."
    elif f"warm_up/{name}/class" not in served.answers:
        yield "has no warm-up request."
    else:
        yield from _check_values(
            {out: served.answers[f"{answers}/{out}"] for out in _OUTPUTS}, classes
        )


def _check_values(answers: dict[str, NDArray[Any]], classes: Sequence[str]) -> Iterator[str]:
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


def _compare_lite(served: Served) -> Iterator[str]:
    """Compare the decisions of the model for TensorFlow Lite, if there is one."""
    lite = served.answers.get("tflite/probabilities")
    if lite is None:
        return
    probabilities = served.probabilities
    second, first = np.sort(probabilities, axis=1)[:, -2:].T
    differs = lite.argmax(axis=1) != probabilities.argmax(axis=1)
    # Where two classes are all but tied, rounding decides.
    different = int((differs & (first - second > _ROUNDING)).sum())
    if different:
        yield (
            f"assets.extra/model.tflite decides otherwise for {different:,} of {len(lite):,} "
            "images; none may differ. Leave export.tflite out."
        )


def _compare_signatures(served: Served) -> Iterator[str]:
    """Compare the answers to the warm-up requests, which hold the same image."""
    by_example, by_pixels = (
        served.answers[f"warm_up/{name}/probabilities"] for name in (_EXAMPLES, _SPECTROGRAMS)
    )
    difference = float(np.abs(by_example - by_pixels).max())
    if difference > _ROUNDING:
        yield (
            f"signatures {_EXAMPLES} and {_SPECTROGRAMS}: for the same image, a probability "
            f"differs by {difference:.4f}; at most {_ROUNDING:g} is rounding."
        )
