"""GatingExampleValidator's executor with the curated schema, on simulated spectrograms."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx.components import StatisticsGen
from tfx.components.statistics_gen.executor import Executor as StatisticsGenExecutor
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import channel_utils, standard_artifacts

import data
from components.example_validator.accepted_statistics import AcceptedStatistics
from components.example_validator.executor import MIN_IMAGES, Executor
from components.example_validator.histograms import make_stats_options
from components.spectrogram_example_gen.examples import serialise_examples, write_shard
from data import example_features
from data.invalid import InvalidData
from data.reading.layout import Layout
from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH
from data.simulation.dataset import list_image_keys, simulate_image
from pipeline.beam_args import make_beam_args

SCHEMA = Path(data.__file__).parent / "schema.pbtxt"
LAYOUT = Layout(CLASS_NAMES, HEIGHT, WIDTH)
IMAGES = {"train": 240, "validation": MIN_IMAGES}
REMEDY = (
    "Correct the data. If the data are right, raise the thresholds of the comparators in a schema "
    "of your own (--schema FILE)."
)


class Images:
    """Spectrograms uint8 [N, height, width] and labels int64 [N] of each split."""

    def __init__(self, seed, preset="basic"):
        self.levels, self.labels = {}, {}
        for split, count in IMAGES.items():
            keys = list_image_keys(split, count, CLASS_NAMES)
            self.levels[split] = np.stack([simulate_image(key, seed, preset) for key in keys])
            self.labels[split] = np.array([CLASS_NAMES.index(key.class_name) for key in keys])

    def changed(self, change, splits=("train", "validation")):
        """Return a copy whose float64 grey levels [N, height, width], 0 to 1, are changed."""
        other = object.__new__(Images)
        other.labels, other.levels = self.labels, dict(self.levels)
        for split in splits:
            levels = change(self.levels[split] / 255)
            other.levels[split] = np.clip(np.rint(levels * 255), 0, 255).astype(np.uint8)
        return other

    def selected(self, split, rows):
        """Return a copy with only some rows of a split."""
        other = object.__new__(Images)
        other.labels = {**self.labels, split: self.labels[split][rows]}
        other.levels = {**self.levels, split: self.levels[split][rows]}
        return other

    def examples(self, split):
        levels = self.levels[split].reshape(len(self.levels[split]), -1)
        return list(serialise_examples(levels, self.labels[split], LAYOUT))


@pytest.fixture(scope="module")
def earlier():
    return Images(seed=1)


@pytest.fixture(scope="module")
def later():
    return Images(seed=2)


def read_value(example, name):
    kind = example.features.feature[name].WhichOneof("kind")
    return getattr(example.features.feature[name], kind).value[0]


def make_statistics(images, folder, span, features=example_features.SUMMARIES):
    """Write the artifact as StatisticsGen does, without the seconds that Beam takes."""
    artifact = standard_artifacts.ExampleStatistics()
    artifact.uri = str(folder)
    artifact.split_names = '["train", "validation"]'
    artifact.span = span
    for split in ("train", "validation"):
        examples = [tf.train.Example.FromString(record) for record in images.examples(split)]
        frame = pd.DataFrame(
            {name: [read_value(example, name) for example in examples] for name in features}
        )
        for name in ("brightness", "contrast", "dynamic_range"):
            frame[name] = frame[name].astype(np.float32)
        statistics = tfdv.generate_statistics_from_dataframe(frame, make_stats_options())
        (folder / f"Split-{split}").mkdir(parents=True)
        file = folder / f"Split-{split}" / "FeatureStats.pb"
        file.write_bytes(statistics.SerializeToString())
    return artifact


class Validator:
    """Runs the executor. Every run has its own artifacts; all share the accepted statistics."""

    def __init__(self, folder):
        self.folder, self.runs = folder, 0
        self.accepted_folder = folder / "accepted_statistics"

    def __call__(self, images, span, schema=None, **options):
        self.runs += 1
        folder = self.folder / f"run-{self.runs}"
        return self.validate(
            make_statistics(images, folder / "statistics", span, **options), folder, schema
        )

    def validate(self, statistics, folder, schema=None):
        (folder / "schema").mkdir(parents=True)
        (folder / "schema" / "schema.pbtxt").write_text(schema or SCHEMA.read_text())
        schema_artifact = standard_artifacts.Schema()
        schema_artifact.uri = str(folder / "schema")
        self.anomalies = standard_artifacts.ExampleAnomalies()
        self.anomalies.uri = str(folder / "anomalies")
        Executor().Do(
            {"statistics": [statistics], "schema": [schema_artifact]},
            {"anomalies": [self.anomalies]},
            {"accepted_statistics_dir": str(self.accepted_folder)},
        )

    def refused(self, *arguments, **options):
        """Return the message of a run that must be refused."""
        with pytest.raises(InvalidData) as refusal:
            self(*arguments, **options)
        return str(refusal.value)

    def read_anomalies(self, split):
        """Return the anomalies of the last run."""
        file = Path(self.anomalies.uri, f"Split-{split}", "SchemaDiff.pb")
        return anomalies_pb2.Anomalies.FromString(file.read_bytes())

    @property
    def accepted(self):
        return AcceptedStatistics(str(self.accepted_folder)).list_spans()


@pytest.fixture
def validator(tmp_path):
    return Validator(tmp_path)


def inverted(levels):
    return 1 - levels


def halved(levels):
    mean = levels.mean(axis=(1, 2), keepdims=True)
    return mean + (levels - mean) / 2


def with_dead_channels(levels):
    levels = levels.copy()
    levels[:, :, 40:44] = levels.mean(axis=(1, 2), keepdims=True)
    return levels


def noisier(levels):
    return levels + np.random.default_rng(0).normal(0, 0.02, levels.shape)


def list_drifted(message):
    """Return the features that a message names as drifted."""
    pieces = message.split("has drifted from span 6 in feature ")[1:]
    return {piece.split(" ")[0] for piece in pieces}


def test_clean_spans_are_accepted_and_stored(validator, earlier, later):
    validator(earlier, span=6)
    validator(later, span=7)
    assert validator.accepted == [6, 7]
    kept = validator.accepted_folder / "span-7" / "Split-train" / "FeatureStats.pb"
    assert (
        kept.read_bytes()
        == (
            validator.folder / "run-2" / "statistics" / "Split-train" / "FeatureStats.pb"
        ).read_bytes()
    )
    assert [path.name for path in kept.parent.iterdir()] == ["FeatureStats.pb"]


def test_the_anomalies_files_contain_the_comparisons(validator, earlier, later):
    validator(earlier, span=6)
    validator(later, span=7)
    compared = {"brightness", "contrast", "dynamic_range", "dead_channels", "class_name"}
    drift, skew = validator.read_anomalies("train"), validator.read_anomalies("validation")
    assert not drift.anomaly_info
    assert not skew.anomaly_info
    assert {info.path.step[0] for info in drift.drift_skew_info} == compared
    assert all(info.drift_measurements for info in drift.drift_skew_info)
    assert {info.path.step[0] for info in skew.drift_skew_info} == compared
    assert all(info.skew_measurements for info in skew.drift_skew_info)
    assert validator.anomalies.span == 7
    assert validator.anomalies.get_json_value_custom_property("blessed") == {
        "train": 1,
        "validation": 1,
    }


@pytest.mark.parametrize(
    ("change", "features"),
    [
        pytest.param(lambda levels: levels * 1.08, {"brightness", "contrast"}, id="gain up"),
        pytest.param(lambda levels: levels * 0.92, {"brightness", "contrast"}, id="gain down"),
        pytest.param(lambda levels: levels + 0.05, {"brightness"}, id="offset"),
        pytest.param(inverted, {"brightness"}, id="inverted"),
        pytest.param(halved, {"contrast", "dynamic_range"}, id="contrast halved"),
        pytest.param(with_dead_channels, {"dead_channels"}, id="dead channels"),
        pytest.param(noisier, {"contrast"}, id="another noise level"),
    ],
)
def test_a_drift_of_every_image_is_refused(validator, earlier, later, change, features):
    validator(earlier, span=6)
    message = validator.refused(later.changed(change), span=7)
    assert list_drifted(message) == features
    assert "validation" not in message, "it changed as train did"
    assert validator.accepted == [6]


def test_weaker_signals_are_a_drift(validator, earlier):
    validator(earlier, span=6)
    assert list_drifted(validator.refused(Images(seed=2, preset="hard"), span=7)) == {"brightness"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (inverted, "brightness (train): Jensen-Shannon divergence 1, at most 0.14 allowed"),
        (with_dead_channels, "dead_channels (train): Jensen-Shannon divergence 1, at most 0.2"),
    ],
)
def test_the_message_about_a_drift_has_spans_feature_amount_and_remedies(
    validator, earlier, later, change, sentence
):
    validator(earlier, span=6)
    message = validator.refused(later.changed(change), span=7)
    assert message == (
        f"The data do not fit the schema: span 7 has drifted from span 6 in feature "
        f"{sentence.removesuffix(' allowed')} allowed. {REMEDY} "
        f"To accept a drift once, remove {validator.accepted_folder} and run again."
    )
    anomaly = validator.read_anomalies("train").anomaly_info[sentence.split(" ")[0]]
    assert anomaly.short_description == (
        "High approximate Jensen-Shannon divergence between current and previous"
    )
    assert not validator.read_anomalies("validation").anomaly_info
    assert validator.anomalies.get_json_value_custom_property("blessed") == {
        "train": 0,
        "validation": 1,
    }


def test_the_message_about_another_mix_of_classes_has_the_fractions(validator, earlier):
    # 72 images of one class and 16 of each other class: 60 % instead of 25 %.
    validator(earlier, span=6)
    labels = earlier.labels["train"]
    rows = [np.flatnonzero(labels == label)[:16] for label in range(len(CLASS_NAMES))]
    rows[2] = np.tile(np.flatnonzero(labels == 2), 2)[:72]
    message = validator.refused(earlier.selected("train", np.concatenate(rows)), span=7)
    assert message.startswith(
        "The data do not fit the schema: span 7 has drifted from span 6 in feature class_name "
        "(train): the fraction of narrowband is 0.6 instead of 0.25, a difference of at most 0.25 "
        "is allowed"
    )


def test_validation_images_unlike_the_training_images_are_refused(validator, later):
    message = validator.refused(later.changed(inverted, ["validation"]), span=0)
    assert message == (
        "The data do not fit the schema: validation differs from train in feature brightness: "
        f"Jensen-Shannon divergence 1, at most 0.14 allowed. {REMEDY}"
    )
    assert set(validator.read_anomalies("validation").anomaly_info) == {"brightness"}
    assert not validator.read_anomalies("train").anomaly_info


def test_one_message_lists_everything_that_is_wrong(validator, earlier, later):
    validator(earlier, span=6)
    images = later.changed(with_dead_channels).changed(inverted, ["validation"])
    images.levels["train"][5] = 128
    message = validator.refused(images, span=7)
    sentences = message.removeprefix("The data do not fit the schema: ").split("; ")
    assert [sentence.split(":")[0] for sentence in sentences[:2]] == [
        "train, feature contrast",
        "train, feature dynamic_range",
    ]
    assert sentences[2].startswith(
        "span 7 has drifted from span 6 in feature dead_channels (train): "
    )
    assert sentences[3].startswith("validation differs from train in feature brightness: ")


def test_a_span_is_compared_with_the_newest_accepted_before_it(validator, earlier, later):
    changed = later.changed(inverted)
    validator(earlier, span=6)
    assert "span 7 has drifted from span 6 " in validator.refused(changed, span=7)
    assert "span 8 has drifted from span 6 " in validator.refused(changed, span=8)
    validator(later, span=8)
    assert "span 10 has drifted from span 8 " in validator.refused(changed, span=10)
    # A repeated span is compared with an earlier one, not with a later one or with itself.
    assert "span 8 has drifted from span 6 " in validator.refused(changed, span=8)
    validator(changed, span=3)
    assert validator.accepted == [3, 6, 8]


def test_removing_the_accepted_statistics_accepts_a_drift(validator, earlier, later):
    changed = later.changed(inverted)
    validator(earlier, span=6)
    validator.refused(changed, span=7)
    shutil.rmtree(validator.accepted_folder)
    validator(changed, span=7)
    assert validator.accepted == [7]
    assert "span 8 has drifted from span 7 " in validator.refused(earlier, span=8)


def test_statistics_of_data_without_spans_are_not_stored(validator, earlier, later):
    validator(earlier, span=0)
    validator(later.changed(inverted), span=0)
    assert not validator.accepted_folder.exists()


def test_too_few_images_are_neither_compared_nor_stored(validator, earlier, later):
    validator(earlier, span=6)
    few = later.changed(inverted).selected("train", np.arange(MIN_IMAGES - 1))
    validator(few, span=7)
    assert not validator.read_anomalies("train").drift_skew_info
    assert not validator.read_anomalies("validation").drift_skew_info
    assert validator.accepted == [6]


def test_a_single_unusual_image_is_not_a_drift(validator, earlier, later):
    unusual = later.changed(lambda levels: levels)
    unusual.levels["train"][7] = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH))
    unusual.levels["train"][8][:, :4] = 0
    validator(earlier, span=6)
    validator(unusual, span=7)
    assert validator.accepted == [6, 7]


def test_a_schema_without_comparators_compares_nothing(validator, earlier, later):
    schema = text_format.Parse(SCHEMA.read_text(), schema_pb2.Schema())
    for feature in schema.feature:
        feature.ClearField("drift_comparator")
        feature.ClearField("skew_comparator")
    validator(earlier, span=6)
    images = later.changed(inverted, ["train"])
    validator(images, span=7, schema=text_format.MessageToString(schema))
    inferred = tfdv.infer_schema(AcceptedStatistics(str(validator.accepted_folder)).read(7))
    validator(later, span=8, schema=text_format.MessageToString(inferred))
    assert validator.accepted == [6, 7, 8]


def test_a_higher_threshold_in_the_schema_accepts_a_drift(validator, earlier, later):
    validator(earlier, span=6)
    assert SCHEMA.read_text().count("threshold: 0.14") == 2
    schema = SCHEMA.read_text().replace("threshold: 0.14", "threshold: 1")
    validator(later.changed(inverted), span=7, schema=schema)
    assert validator.accepted == [6, 7]


def test_incomplete_statistics_and_foreign_folders_are_ignored(validator, earlier, later):
    validator(earlier, span=6)
    incomplete = validator.accepted_folder / "span-7" / "Split-train"
    incomplete.mkdir(parents=True)
    (incomplete / "FeatureStats.pb.unfinished-1").write_bytes(b"half")
    (validator.accepted_folder / "span-old").mkdir()
    (validator.accepted_folder / "notes.txt").write_text("kept by hand")
    assert validator.accepted == [6]
    message = validator.refused(later.changed(inverted), span=8)
    assert "span 8 has drifted from span 6 " in message


@pytest.mark.parametrize(
    ("feature", "image"),
    [
        ("brightness", np.full((HEIGHT, WIDTH), 2) + np.arange(WIDTH) % 5),
        ("brightness", np.full((HEIGHT, WIDTH), 253) - np.arange(WIDTH) % 5),
        ("contrast", np.full((HEIGHT, WIDTH), 128)),
        ("dynamic_range", np.full((HEIGHT, WIDTH), 128) + np.arange(WIDTH) % 3),
    ],
)
def test_a_single_image_that_is_not_a_spectrogram_is_refused(validator, later, feature, image):
    images = later.changed(lambda levels: levels)
    images.levels["validation"][3] = image
    assert f"validation, feature {feature}: " in validator.refused(images, span=0)


def test_statistics_may_contain_the_pixels_or_leave_them_out(validator, earlier):
    validator(earlier, span=1)
    validator(earlier, span=2, features=(example_features.IMAGE, *example_features.SUMMARIES))
    assert validator.accepted == [1, 2]


def test_statistics_gen_passes_on_the_span_of_the_examples(validator, earlier, later):
    validator(earlier, span=6)
    examples = standard_artifacts.Examples()
    examples.uri = str(validator.folder / "examples")
    examples.split_names = '["train", "validation"]'
    examples.span = 7
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    for split in ("train", "validation"):
        folder = Path(examples.uri, f"Split-{split}")
        folder.mkdir(parents=True)
        write_shard(str(folder), 0, 1, later.changed(inverted).examples(split))
    component = StatisticsGen(
        examples=channel_utils.as_channel([examples]),
        stats_options=make_stats_options(feature_allowlist=list(example_features.SUMMARIES)),
    )
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = str(validator.folder / "statistics")
    context = StatisticsGenExecutor.Context(
        beam_pipeline_args=make_beam_args(), tmp_dir=str(validator.folder), unique_id="1"
    )
    StatisticsGenExecutor(context).Do(
        {"examples": [examples]}, {"statistics": [statistics]}, dict(component.exec_properties)
    )
    with pytest.raises(InvalidData, match="span 7 has drifted from span 6 in feature brightness"):
        validator.validate(statistics, validator.folder / "run")
