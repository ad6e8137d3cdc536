"""The exported model is asked in a process of its own, and broken or slow models are refused."""

import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import json_format
from tfx.types import standard_artifacts

from components.evaluator.component import Executor
from components.evaluator.eval_config import build_eval_config
from components.evaluator.failed_thresholds import describe_failed_thresholds
from components.evaluator.served.faults import (
    find_excesses,
    refuse_faults,
    refuse_other_decisions,
)
from components.evaluator.served.process import FreshProcess, Served
from components.evaluator.served.record import read_record
from data.invalid import InvalidData
from trainer.export.warm_up import write_warm_up_requests

pytestmark = pytest.mark.slow

CLASSES = ["signal", "noise"]
HEIGHT, WIDTH = 4, 6
IMAGES = 10
OUTPUTS = ("probabilities", "class", "score")
SIGNATURES = ("serving_default", "classify_spectrograms")


def make_served(
    probabilities=(0.75, 0.25), names=CLASSES, outputs=OUTPUTS, signatures=SIGNATURES, **other
) -> Served:
    """Return what a model with the same answer to everything gives."""

    def answer(images: int) -> dict[str, np.ndarray]:
        rows = np.tile(np.float32(probabilities), (images, 1))
        chosen = np.array(names, dtype="S")[rows.argmax(axis=1)]
        values = {"probabilities": rows, "class": chosen, "score": rows.max(axis=1)}
        return {output: values[output] for output in outputs}

    answers = {f"serving_default/{output}": value for output, value in answer(IMAGES).items()}
    for name in signatures:
        answers |= {f"warm_up/{name}/{output}": value for output, value in answer(1).items()}
    took = {"load_seconds": 1.0, "warm_up_seconds": 0.5, "memory_bytes": 600_000_000}
    known = dict.fromkeys(signatures, sorted(outputs))
    return Served(**{**took, "outputs": known, "answers": answers, **other})


def test_sound_answers_are_accepted():
    assert refuse_faults(make_served(), CLASSES) is None


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
def test_wrong_answers_are_refused_with_value_and_bound(faulty, fault):
    with pytest.raises(InvalidData) as raised:
        refuse_faults(make_served(**faulty), CLASSES)
    assert str(raised.value).split("\n") == [
        "The trained model cannot be evaluated or served. Correct the model or its export.",
        f"signature serving_default: {fault.format(images=IMAGES)}",
        f"signature classify_spectrograms: {fault.format(images=1)}",
    ]


def test_a_missing_signature_is_refused():
    with pytest.raises(InvalidData, match=r"ms: missing; the model has serving_default\."):
        refuse_faults(make_served(signatures=["serving_default"]), CLASSES)


def test_a_signature_without_a_warm_up_request_is_refused():
    served = make_served()
    del served.answers["warm_up/classify_spectrograms/class"]
    with pytest.raises(InvalidData, match=r"classify_spectrograms: has no warm-up request\."):
        refuse_faults(served, CLASSES)


def test_signatures_that_answer_differently_are_refused():
    served = make_served()
    served.answers["warm_up/classify_spectrograms/probabilities"][0] = 0.7, 0.3
    with pytest.raises(
        InvalidData, match=r"for the same image, a probability differs by 0\.0500; at most 0\.01 is"
    ):
        refuse_faults(served, CLASSES)


def test_a_lite_model_that_decides_otherwise_is_refused():
    served = make_served()
    lite = np.repeat([[0.75, 0.25], [0.4, 0.6]], [8, 2], axis=0)
    served.answers["tflite/probabilities"] = lite
    with pytest.raises(
        InvalidData, match=r"model\.tflite decides otherwise for 2 of 10 images; no"
    ):
        refuse_faults(served, CLASSES)
    served.answers["serving_default/probabilities"][8:] = 0.503, 0.497
    assert refuse_faults(served, CLASSES) is None, "rounding explains the difference"


@pytest.mark.parametrize(("tied", "differing", "refused"), [(0, 0, 0), (1, 1, 0), (1, 2, 1)])
def test_decisions_may_differ_from_the_evaluation_where_two_classes_are_all_but_tied(
    tied, differing, refused
):
    served = make_served()
    served.answers["serving_default/probabilities"][:tied] = 0.503, 0.497
    labels = np.zeros(IMAGES, dtype=np.int64)
    evaluated = np.array([[IMAGES - differing, differing], [0, 0]])
    if not refused:
        assert refuse_other_decisions(served, labels, evaluated) is None
        return
    with pytest.raises(InvalidData) as raised:
        refuse_other_decisions(served, labels, evaluated)
    assert str(raised.value) == (
        "The trained model answers differently in a process of its own: at least 2 of 10 decisions "
        "are not those of the evaluation, but rounding explains at most 1. Its answers must depend "
        "on nothing but the image."
    )


def test_limits_of_time_and_memory_are_named_with_their_keys():
    served = make_served()
    assert find_excesses(served, seconds=1.5, memory=0.6) == []
    assert find_excesses(served, seconds=0, memory=0) == []
    assert find_excesses(served, seconds=1, memory=0.5) == [
        "loading the model and its first answers took 1.5 s, more than the 1 s allowed "
        "(serving_check.seconds)",
        "a process with the model needed 0.60 GB of memory, more than the 0.5 GB allowed "
        "(serving_check.memory)",
    ]


class Model(tf.Module):
    """Prefers the first class by as much as the first grey level is above one half."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")], autograph=False)
    def classify_examples(self, examples):
        images = tf.io.parse_example(examples, {"image": tf.io.FixedLenFeature([], tf.string)})
        levels = tf.io.decode_raw(images["image"], tf.uint8, fixed_length=HEIGHT * WIDTH)
        return self.classify(tf.cast(levels[:, 0], tf.float32) / 255)

    @tf.function(
        input_signature=[tf.TensorSpec([None, HEIGHT, WIDTH], name="spectrograms")], autograph=False
    )
    def classify_spectrograms(self, spectrograms):
        return self.classify(spectrograms[:, 0, 0])

    def classify(self, level):
        probabilities = tf.stack([level, 1 - level], axis=1)
        return {
            "probabilities": probabilities,
            "class": tf.gather(CLASSES, tf.argmax(probabilities, axis=1)),
            "score": tf.reduce_max(probabilities, axis=1),
        }


class BrokenModel(Model):
    """Answers NaN."""

    def classify(self, level):
        return super().classify(level * np.nan)


class BlindModel(Model):
    """Predicts the first class, whatever it is asked."""

    def classify(self, level):
        return super().classify(0.75 + 0 * level)


class BoundModel(Model):
    """Calls Python, so it answers only in the process that built it."""

    def classify(self, level):
        return super().classify(tf.ensure_shape(tf.py_function(abs, [level], tf.float32), [None]))


class StuckModel(Model):
    """Never answers."""

    def classify(self, level):
        return super().classify(tf.while_loop(lambda x: x[0] < 2, lambda x: (x,), (level,))[0])


def save_model(model: Model, folder: Path) -> str:
    signatures = {
        "serving_default": model.classify_examples,
        "classify_spectrograms": model.classify_spectrograms,
    }
    tf.saved_model.save(model, str(folder), signatures)
    write_warm_up_requests(str(folder), HEIGHT, WIDTH)
    return str(folder)


def write_examples(folder: Path) -> str:
    """Write images whose first grey levels are 0, 20, 40 and so on."""
    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "data")) as writer:
        for number in range(IMAGES):
            label = int(number < IMAGES / 2)
            values = {
                "image": bytes([20 * number] * HEIGHT * WIDTH),
                "class_name": CLASSES[label].encode(),
            }
            features = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                for name, value in values.items()
            }
            features["label"] = tf.train.Feature(int64_list=tf.train.Int64List(value=[label]))
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
    return str(folder / "*")


def test_a_model_is_asked_in_a_process_with_tensorflow_alone(tmp_path):
    model, examples = save_model(Model(), tmp_path / "model"), write_examples(tmp_path / "examples")
    with FreshProcess(model, [examples], most_seconds=600) as process:
        served = process.finish()
    assert refuse_faults(served, CLASSES) is None
    expected = np.arange(IMAGES) * 20 / 255
    np.testing.assert_allclose(
        served.answers["serving_default/score"], np.maximum(expected, 1 - expected), rtol=1e-6
    )
    assert served.answers["serving_default/class"].tolist() == [b"noise"] * 7 + [b"signal"] * 3
    assert served.outputs == dict.fromkeys(SIGNATURES, sorted(OUTPUTS))
    # TensorFlow alone takes about 0.4 GB. The memory of this process would be more.
    assert 2e8 < served.memory_bytes < 9e8
    assert served.load_seconds > 0 < served.warm_up_seconds


def test_a_model_that_needs_code_of_ours_is_refused(tmp_path):
    model, examples = (
        save_model(BoundModel(), tmp_path / "m"),
        write_examples(tmp_path / "examples"),
    )
    with FreshProcess(model, [examples]) as process, pytest.raises(InvalidData) as raised:
        process.finish()
    # The number counts the functions of this process.
    assert re.sub(r"pyfunc_\d+", "pyfunc_N", str(raised.value)) == (
        "The trained model cannot be loaded, or does not answer, in a process with TensorFlow "
        "alone. Correct the model or its export.\n"
        "ValueError: Could not find callback with key=pyfunc_N in the registry."
    )


def test_a_model_that_does_not_answer_is_given_up(tmp_path):
    model, examples = (
        save_model(StuckModel(), tmp_path / "m"),
        write_examples(tmp_path / "examples"),
    )
    with (
        FreshProcess(model, [examples], most_seconds=3) as process,
        pytest.raises(InvalidData, match=r"did not answer the warm-up requests .* within 3 s\."),
    ):
        process.finish()


def evaluate(
    folder: Path, model: Model, most_seconds: float = 0.0, servable: bool = True
) -> tuple[bool, list[str]]:
    """Run the Evaluator without thresholds; return whether it blesses, and why not."""
    artifacts = {
        "infra_blessing": standard_artifacts.InfraBlessing(),
        "examples": standard_artifacts.Examples(),
        "model": standard_artifacts.Model(),
        "evaluation": standard_artifacts.ModelEvaluation(),
        "blessing": standard_artifacts.ModelBlessing(),
    }
    for name, artifact in artifacts.items():
        artifact.uri = str(folder / name)
    artifacts["infra_blessing"].set_int_custom_property("blessed", int(servable))
    artifacts["examples"].split_names = '["validation"]'
    save_model(model, folder / "model" / "Format-Serving")
    write_examples(folder / "examples" / "Split-validation")
    config = build_eval_config(CLASSES, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    Executor().Do(
        {name: [artifacts[name]] for name in ("examples", "model", "infra_blessing")},
        {name: [artifacts[name]] for name in ("evaluation", "blessing")},
        {
            "eval_config": json_format.MessageToJson(config, preserving_proto_field_name=True),
            "example_splits": '["validation"]',
            "module_path": "components.evaluator.slices",
            "fairness_indicator_thresholds": "null",
            "most_seconds": most_seconds,
            "most_memory": 0.0,
        },
    )
    blessing = artifacts["blessing"]
    blessed = bool(blessing.get_int_custom_property("blessed"))
    assert [file.name for file in Path(blessing.uri).iterdir()] == [
        "BLESSED" if blessed else "NOT_BLESSED"
    ]
    return blessed, describe_failed_thresholds(artifacts["evaluation"].uri)


# TFMA makes a number of an array that holds one, and divides by the number of images of a class.
evaluates = pytest.mark.filterwarnings(
    "ignore:Conversion of an array with ndim > 0:DeprecationWarning",
    "ignore:invalid value encountered:RuntimeWarning",
)


@evaluates
def test_the_evaluator_never_blesses_a_model_that_predicts_one_class(tmp_path):
    assert evaluate(tmp_path, BlindModel()) == (
        False,
        ["the model predicts only 1 of the classes, but must predict at least 2"],
    )


@evaluates
def test_the_evaluator_does_not_bless_a_model_that_is_too_slow_or_that_no_server_loads(tmp_path):
    blessed, failures = evaluate(tmp_path, Model(), most_seconds=0.001, servable=False)
    record = read_record(str(tmp_path / "evaluation"))
    took = record["load_seconds"] + record["warm_up_seconds"]
    assert not blessed
    assert failures == [
        f"loading the model and its first answers took {took:.1f} s, more than the 0.001 s allowed "
        "(serving_check.seconds)",
        "TensorFlow Serving did not load the model or did not answer "
        "(serving_check.server_image); the log of the step InfraValidator says why",
    ]


@evaluates
def test_the_evaluator_refuses_a_model_that_answers_nan(tmp_path):
    with pytest.raises(InvalidData, match="10 of 10 images are NaN or infinite; none may be"):
        evaluate(tmp_path, BrokenModel())
