"""CheckedStatisticsGen on simulated examples, in Beam's direct runner."""

import json
from pathlib import Path

import numpy as np
import pytest
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import channel_utils, standard_artifacts

from components.example_validator.histograms import make_stats_options
from components.spectrogram_example_gen.examples import serialise_examples, write_shard
from components.statistics_gen.component import CheckedStatisticsGen, Executor
from data import example_features
from data.invalid import InvalidData
from data.reading.layout import Layout
from data.stored_images import FINDINGS_FILE, STORED
from pipeline.beam_args import make_beam_args

LAYOUT = Layout(("noise", "squiggle"), 16, 16)
IMAGES = {"train": 6, "validation": 4}


@pytest.fixture
def compute(tmp_path):
    """Return a function that runs the step on examples of which some counts are recorded."""
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path / "examples")
    examples.split_names = json.dumps(list(IMAGES))
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    rng, paths = np.random.default_rng(0), {}
    for split, count in IMAGES.items():
        folder = Path(examples.uri, f"Split-{split}")
        folder.mkdir(parents=True)
        levels = rng.integers(0, 256, (count, LAYOUT.pixels), np.uint8)
        labels = rng.integers(0, len(LAYOUT.classes), count)
        write_shard(str(folder), 0, 1, serialise_examples(levels, labels, LAYOUT))
        (path,) = folder.iterdir()
        paths[split] = f"{folder.name}/{path.name}"

    def run(recorded):
        stored = {paths[split]: count for split, count in recorded.items()}
        Path(examples.uri, FINDINGS_FILE).write_text(json.dumps({STORED: stored}))
        component = CheckedStatisticsGen(
            examples=channel_utils.as_channel([examples]),
            stats_options=make_stats_options(feature_allowlist=list(example_features.SUMMARIES)),
        )
        statistics = standard_artifacts.ExampleStatistics()
        statistics.uri = str(tmp_path / "statistics")
        context = Executor.Context(
            beam_pipeline_args=make_beam_args(), tmp_dir=str(tmp_path), unique_id="1"
        )
        Executor(context).Do(
            {"examples": [examples]}, {"statistics": [statistics]}, dict(component.exec_properties)
        )
        return statistics

    return run


def test_statistics_of_all_stored_images_are_accepted(compute):
    assert json.loads(compute(IMAGES).split_names) == list(IMAGES)


def test_statistics_that_count_fewer_images_than_are_stored_fail_the_step(compute, tmp_path):
    with pytest.raises(InvalidData) as failure:
        compute({**IMAGES, "validation": 5})
    assert str(failure.value) == (
        "The statistics of validation count 4 images, but 5 are stored in "
        f"{tmp_path}/examples. If no file there was damaged, the Beam runner lost part of the "
        "work, as Spark can after a worker died. Run again; docs/beam-runners.md has the settings "
        "that prevent it."
    )
