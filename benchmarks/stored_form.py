#!/usr/bin/env python3
"""What the stored form of an example costs the steps around training.

    python benchmarks/stored_form.py DATA MODEL [--repeat 3] [--variants NAME ...]

DATA is a data folder of the default size and classes, MODEL a pushed model (runs/serving/VERSION).
Runs ingest, StatisticsGen, Schema, ExampleValidator, Transform and Evaluator, each variant in a
process of its own, one after another, and prints the median seconds of each step and the bytes
stored. Importing the libraries is not counted. Variants:

    bytes            as the product stores them: one byte a pixel, not compressed
    bytes-gzip1      the same, gzip level 1
    bytes-gzip6      the same, gzip's default level
    bytes-1-shard    one file a split
    bytes-16-shards  sixteen
    bytes-statistics the image's bytes in the statistics too
    floats           the stock layout: 8,192 floats, gzip's default level, all in the statistics
    floats-plain     the same, not compressed
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

# By variant: compression, its level, shards, floats or bytes, images in the statistics.
VARIANTS = {
    "bytes": ("", None, 4, False, False),
    "bytes-gzip1": ("GZIP", 1, 4, False, False),
    "bytes-gzip6": ("GZIP", 6, 4, False, False),
    "bytes-1-shard": ("", None, 1, False, False),
    "bytes-16-shards": ("", None, 16, False, False),
    "bytes-statistics": ("", None, 4, False, True),
    "floats": ("GZIP", 6, 4, True, True),
    "floats-plain": ("", None, 4, True, True),
}
STEPS = (
    "SpectrogramExampleGen",
    "StatisticsGen",
    "Schema",
    "ExampleValidator",
    "Transform",
    "Evaluator",
)


def float_preprocessing(inputs, custom_config):
    """The product's normalisation, of a list of floats."""
    import tensorflow as tf

    from trainer.preprocessing import standardise

    images = tf.reshape(
        inputs["image"], [-1, int(custom_config["height"]), int(custom_config["width"]), 1]
    )
    return {"image": standardise(images), "label": tf.reshape(inputs["label"], [-1])}


def store_floats(examples_module) -> None:
    """Make ingest store each image as a list of floats."""
    import tensorflow as tf

    as_bytes = examples_module.serialised

    def as_floats(levels, labels, layout, files=(), rows=()):
        for row, record in enumerate(as_bytes(levels, labels, layout, files, rows)):
            example = tf.train.Example.FromString(record)
            del example.features.feature["image"]
            values = (levels[row] / np.float32(255)).tolist()
            example.features.feature["image"].float_list.value.extend(values)
            yield example.SerializeToString(deterministic=True)

    examples_module.serialised = as_floats


def export_for_floats(model: Path, folder: Path, pixels: int, shape: tuple[int, int]) -> None:
    """The same model behind a signature that parses lists of floats."""
    import tensorflow as tf

    class Wrapped(tf.Module):
        def __init__(self):
            super().__init__()
            self.model = tf.saved_model.load(str(model))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def serve(self, examples):
            spec = {"image": tf.io.FixedLenFeature([pixels], tf.float32)}
            images = tf.io.parse_example(examples, spec)["image"]
            classify = self.model.signatures["classify_spectrograms"]
            return classify(tf.reshape(images, [-1, *shape]))

    wrapped = Wrapped()
    tf.saved_model.save(wrapped, str(folder), signatures={"serving_default": wrapped.serve})


def run_variant(name: str, data: Path, model: Path) -> dict:
    """Run the steps and return the seconds of each, and the bytes stored."""
    from rich.console import Console
    from tfx.components import Evaluator, StatisticsGen, Transform
    from tfx.dsl.components.common.importer import Importer
    from tfx.orchestration.pipeline import Pipeline
    from tfx.proto import transform_pb2
    from tfx.types import standard_artifacts

    from components.curated_schema.component import CuratedSchema
    from components.evaluator.eval_config import build_eval_config
    from components.example_validator.component import GatingExampleValidator
    from components.spectrogram_example_gen import examples as stored
    from components.spectrogram_example_gen import executor
    from components.spectrogram_example_gen.component import SpectrogramExampleGen
    from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH
    from pipeline import dag
    from pipeline.beam_args import beam_args
    from pipeline.config.sections import Thresholds
    from pipeline.dag import find_packaged_schema
    from pipeline.history.records import connect_to_metadata, read_newest_run, read_steps
    from pipeline.local.stepwise_runner import StepwiseRunner
    from pipeline.terminal.run_display import RunDisplay

    compression, level, shards, floats, image_statistics = VARIANTS[name]
    stored.COMPRESSION, stored.COMPRESSION_LEVEL = compression, level
    executor.shard_count = lambda rows, pixels: shards
    work = Path(tempfile.mkdtemp(prefix=f"stored-{name}-"))
    schema_file = find_packaged_schema()
    # Where the Evaluator looks below a model artifact.
    served = work / "model" / "Format-Serving"
    if not floats:
        shutil.copytree(model, served)
    if floats:
        store_floats(stored)
        executor.serialised = stored.serialised
        export_for_floats(model, served, HEIGHT * WIDTH, (HEIGHT, WIDTH))
        size = f"shape {{ dim {{ size: {HEIGHT * WIDTH} }} }}"
        always = "presence { min_fraction: 1.0 min_count: 1 }"
        text = Path(schema_file).read_text()
        text = text.replace(
            'name: "image"\n  type: BYTES', f'name: "image"\n  type: FLOAT\n  {always}\n  {size}'
        )
        text = text.replace('column_name: "image" shape {}', f'column_name: "image" {size}')
        schema_file = work / "schema.pbtxt"
        schema_file.write_text(text)

    layout = {"classes": list(CLASS_NAMES), "height": HEIGHT, "width": WIDTH}
    example_gen = SpectrogramExampleGen(data=str(data), seed=0, **layout).with_id(STEPS[0])
    options = {} if image_statistics else {"stats_options": dag.make_summary_options()}
    statistics_gen = StatisticsGen(examples=example_gen.outputs["examples"], **options)
    schema = CuratedSchema(schema_file=str(schema_file)).with_id("Schema")
    validator = GatingExampleValidator(
        statistics=statistics_gen.outputs["statistics"],
        schema=schema.outputs["schema"],
        accepted_statistics_dir=str(work / "accepted_statistics"),
    ).with_id("ExampleValidator")
    transform = Transform(
        examples=example_gen.outputs["examples"],
        schema=schema.outputs["schema"],
        preprocessing_fn="stored_form.float_preprocessing"
        if floats
        else "trainer.preprocessing.preprocessing_fn",
        splits_config=transform_pb2.SplitsConfig(
            analyze=["train"], transform=["train", "validation"]
        ),
        materialize=False,
        disable_statistics=True,
        custom_config=layout,
    )
    transform.add_upstream_node(validator)
    importer = Importer(source_uri=str(work / "model"), artifact_type=standard_artifacts.Model)
    importer = importer.with_id("Model")
    evaluator = Evaluator(
        examples=example_gen.outputs["examples"],
        model=importer.outputs["result"],
        schema=schema.outputs["schema"],
        example_splits=["validation"],
        eval_config=build_eval_config(CLASS_NAMES, **Thresholds().model_dump()),
    )
    evaluator.add_upstream_node(transform)
    nodes = [example_gen, statistics_gen, schema, validator, transform, importer, evaluator]
    connection = connect_to_metadata(str(work))
    pipeline = Pipeline(
        pipeline_name="stored-form",
        pipeline_root=str(work / "artifacts"),
        components=nodes,
        metadata_connection_config=connection,
        enable_cache=False,
        beam_pipeline_args=beam_args(),
    )
    with RunDisplay(Console(stderr=True), steps=len(nodes)) as display:
        StepwiseRunner(connection, display.start, display.finish).run(pipeline)
    steps = read_steps(connection, read_newest_run(connection).run_id)
    size = sum(path.stat().st_size for path in work.rglob("data_tfrecord*"))
    return {**{step: steps[step].seconds for step in STEPS}, "bytes": size}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--one", choices=VARIANTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    data, model = arguments.data.absolute(), arguments.model.absolute()
    if arguments.one:
        print(json.dumps(run_variant(arguments.one, data, model)))
        return

    results: dict[str, list[dict]] = {name: [] for name in arguments.variants}
    for _ in range(arguments.repeat):
        for name in arguments.variants:
            command = [sys.executable, __file__, data, model, "--one", name]
            finished = subprocess.run(
                [str(part) for part in command], capture_output=True, text=True
            )
            if finished.returncode:
                sys.exit("".join(finished.stderr.splitlines(keepends=True)[-20:]))
            results[name].append(json.loads(finished.stdout.splitlines()[-1]))
    print("| | " + " | ".join([*STEPS, "total, s", "stored, MB"]) + " |")
    print("|---|" + "---:|" * (len(STEPS) + 2))
    for name, runs in results.items():
        medians = [statistics.median(run[step] for run in runs) for step in STEPS]
        total = statistics.median(sum(run[step] for step in STEPS) for run in runs)
        cells = [f"{value:.1f}" for value in [*medians, total, runs[0]["bytes"] / 1e6]]
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
