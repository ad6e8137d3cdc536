"""Models whose answers are wrong are refused, and models that learnt nothing are not blessed."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import json_format
from tfx.types import standard_artifacts

from components.evaluator.component import Executor
from components.evaluator.eval_config import build_eval_config
from components.evaluator.failed_thresholds import describe_failed_thresholds
from components.evaluator.served_answers import check_answers
from data.invalid import InvalidData

CLASSES = ["signal", "noise"]
HEIGHT, WIDTH = 4, 6
IMAGES = 10


class Model(tf.Module):
    """Answers with given probabilities, whatever it is asked."""

    def __init__(self, probabilities: list[float], names: list[str], outputs: set[str]) -> None:
        super().__init__()
        self._probabilities, self._names, self._outputs = probabilities, names, outputs

    def answer(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        images = tf.shape(inputs)[0]
        probabilities = tf.tile([self._probabilities], [images, 1])
        answers = {
            "probabilities": probabilities,
            "class": tf.gather(self._names, tf.argmax(probabilities, axis=1)),
            "score": tf.reduce_max(probabilities, axis=1),
        }
        return {name: answers[name] for name in self._outputs}


def save_model(
    folder: Path,
    probabilities=(0.75, 0.25),
    names=CLASSES,
    outputs=("probabilities", "class", "score"),
    signatures=("serving_default", "classify_spectrograms"),
) -> str:
    model = Model(list(probabilities), list(names), set(outputs))
    specs = {
        "serving_default": tf.TensorSpec([None], tf.string, "examples"),
        "classify_spectrograms": tf.TensorSpec([None, HEIGHT, WIDTH], tf.float32, "spectrograms"),
    }
    functions = {name: tf.function(model.answer, [specs[name]]) for name in signatures}
    # The module must hold its functions.
    for name, function in functions.items():
        setattr(model, name, function)
    tf.saved_model.save(model, str(folder), functions)
    return str(folder)


@pytest.fixture(scope="module")
def examples() -> list[bytes]:
    return [make_example(number % 2) for number in range(IMAGES)]


def make_example(label: int) -> bytes:
    values = {
        "image": tf.train.BytesList(value=[bytes(HEIGHT * WIDTH)]),
        "class_name": tf.train.BytesList(value=[CLASSES[label].encode()]),
    }
    features = {name: tf.train.Feature(bytes_list=value) for name, value in values.items()}
    features["label"] = tf.train.Feature(int64_list=tf.train.Int64List(value=[label]))
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def test_a_sound_model_is_accepted(tmp_path, examples):
    assert check_answers(save_model(tmp_path), examples, CLASSES) is None


@pytest.mark.parametrize(
    ("faulty", "fault"),
    [
        (
            {"probabilities": (0.5, 0.25, 0.25), "names": ["a", "b", "c"]},
            "probabilities have the shape [images, 3] instead of [images, 2].",
        ),
        (
            {"probabilities": (np.nan, 0.5)},
            "probabilities of {images} of {images} images are NaN or infinite; none may be.",
        ),
        (
            {"probabilities": (0.9, 0.2)},
            "probabilities of an image sum to 1.1000 instead of 1 +/- 0.001.",
        ),
        ({"probabilities": (1.5, -0.5)}, "a probability is -0.5000; the least allowed is 0."),
        ({"names": ["noise", "signal"]}, "class 0 is called noise, not signal."),
        (
            {"outputs": ("probabilities", "score")},
            "has no output class; it has probabilities, score.",
        ),
    ],
)
def test_wrong_answers_are_refused_with_value_and_bound(tmp_path, examples, faulty, fault):
    with pytest.raises(InvalidData) as raised:
        check_answers(save_model(tmp_path, **faulty), examples, CLASSES)
    assert str(raised.value).split("\n") == [
        "The trained model cannot be evaluated or served. Correct the model or its export.",
        f"signature serving_default: {fault.format(images=IMAGES)}",
        f"signature classify_spectrograms: {fault.format(images=2)}",
    ]


def test_a_missing_signature_is_refused(tmp_path, examples):
    model = save_model(tmp_path, signatures=["serving_default"])
    with pytest.raises(InvalidData, match="signature classify_spectrograms: missing; the model h"):
        check_answers(model, examples, CLASSES)


def evaluate(folder: Path, examples: list[bytes], **model) -> tuple[bool, list[str]]:
    """Run the Evaluator without thresholds; return whether it blesses, and why not."""
    artifacts = {
        "examples": standard_artifacts.Examples(),
        "model": standard_artifacts.Model(),
        "evaluation": standard_artifacts.ModelEvaluation(),
        "blessing": standard_artifacts.ModelBlessing(),
    }
    for name, artifact in artifacts.items():
        artifact.uri = str(folder / name)
    artifacts["examples"].split_names = '["validation"]'
    save_model(folder / "model" / "Format-Serving", **model)
    split = folder / "examples" / "Split-validation"
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split / "data")) as writer:
        for example in examples:
            writer.write(example)
    config = build_eval_config(CLASSES, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    Executor().Do(
        {name: [artifacts[name]] for name in ("examples", "model")},
        {name: [artifacts[name]] for name in ("evaluation", "blessing")},
        {
            "eval_config": json_format.MessageToJson(config, preserving_proto_field_name=True),
            "example_splits": '["validation"]',
            "module_path": "components.evaluator.slices",
            "fairness_indicator_thresholds": "null",
        },
    )
    blessed = bool(artifacts["blessing"].get_int_custom_property("blessed"))
    return blessed, describe_failed_thresholds(artifacts["evaluation"].uri)


@pytest.mark.slow
# TFMA turns an array with one element into a number, and divides by the images of a class.
@pytest.mark.filterwarnings(
    "ignore:Conversion of an array with ndim > 0:DeprecationWarning",
    "ignore:invalid value encountered in divide:RuntimeWarning",
)
def test_the_evaluator_never_blesses_a_model_that_predicts_one_class(tmp_path, examples):
    assert evaluate(tmp_path, examples) == (
        False,
        ["the model predicts only 1 of the classes, but must predict at least 2"],
    )


def test_the_evaluator_refuses_a_model_that_answers_nan(tmp_path, examples):
    with pytest.raises(InvalidData, match="10 of 10 images are NaN or infinite; none may be"):
        evaluate(tmp_path, examples, probabilities=(np.nan, np.nan))
    assert not (tmp_path / "blessing").exists()
