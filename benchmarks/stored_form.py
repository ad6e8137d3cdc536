#!/usr/bin/env python3
"""Measures what the stored form of an example costs the steps around training.

    python benchmarks/stored_form.py DATA MODEL [--repeat 3] [--variants NAME ...]

DATA is a data folder of the default size and classes, MODEL a pushed model (runs/serving/VERSION).
Each variant runs ingest, StatisticsGen, Schema, ExampleValidator, Transform and Evaluator in a
process of its own, one variant after another. The output has the median seconds of each step and
the bytes stored. The time to import libraries does not count. Variants:

    bytes            as the product stores images: one byte per pixel, not compressed
    bytes-gzip1      the same, gzip level 1
    bytes-gzip6      the same, gzip's default level
    bytes-1-shard    one file per split
    bytes-16-shards  sixteen files per split
    bytes-statistics the bytes of the images in the statistics too
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
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

STEPS = (
    "SpectrogramExampleGen",
    "StatisticsGen",
    "Schema",
    "ExampleValidator",
    "Transform",
    "Evaluator",
)


@dataclass(frozen=True)
class Variant:
    """A stored form.

    Attributes:
      gzip_level: level of compression; None for no compression.
      shards: files of each split.
      floats: whether images are lists of floats, and not bytes.
      image_statistics: whether images are in the statistics.
    """

    gzip_level: int | None = None
    shards: int = 4
    floats: bool = False
    image_statistics: bool = False


VARIANTS = {
    "bytes": Variant(),
    "bytes-gzip1": Variant(gzip_level=1),
    "bytes-gzip6": Variant(gzip_level=6),
    "bytes-1-shard": Variant(shards=1),
    "bytes-16-shards": Variant(shards=16),
    "bytes-statistics": Variant(image_statistics=True),
    "floats": Variant(gzip_level=6, floats=True, image_statistics=True),
    "floats-plain": Variant(floats=True, image_statistics=True),
}


def float_preprocessing(inputs, custom_config):
    """Normalise as the product does, but from lists of floats."""
    import tensorflow as tf

    from trainer.preprocessing import standardise

    images = tf.reshape(
        inputs["image"], [-1, int(custom_config["height"]), int(custom_config["width"]), 1]
    )
    return {"image": standardise(images), "label": tf.reshape(inputs["label"], [-1])}


def change_ingest(variant: Variant) -> None:
    """Make ingest, in this process, store examples in another form."""
    import tensorflow as tf

    from components.spectrogram_example_gen import ingest

    serialise_bytes = ingest.serialise_examples

    def serialise_floats(levels, labels, layout, paths=(), rows=()):
        for row, record in enumerate(serialise_bytes(levels, labels, layout, paths, rows)):
            example = tf.train.Example.FromString(record)
            del example.features.feature["image"]
            values = (levels[row] / np.float32(255)).tolist()
            example.features.feature["image"].float_list.value.extend(values)
            yield example.SerializeToString(deterministic=True)

    def write_compressed(folder: str, shard: int, shards: int, records: Iterable[bytes]) -> None:
        path = f"{folder}/data_tfrecord-{shard:05d}-of-{shards:05d}.gz"
        options = tf.io.TFRecordOptions(
            compression_type="GZIP", compression_level=variant.gzip_level
        )
        with tf.io.TFRecordWriter(path, options) as writer:
            for record in records:
                writer.write(record)

    ingest.count_shards = lambda *_: variant.shards
    if variant.floats:
        ingest.serialise_examples = serialise_floats
    if variant.gzip_level:
        ingest.write_shard = write_compressed


def export_for_floats(model: Path, folder: Path, pixels: int, shape: tuple[int, int]) -> None:
    """Export the same model behind a signature that parses lists of floats."""
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


def write_float_schema(schema_file: str, target: Path, pixels: int) -> None:
    """Write the product's schema with images as lists of floats."""
    size = f"shape {{ dim {{ size: {pixels} }} }}"
    always = "presence { min_fraction: 1.0 min_count: 1 }"
    text = Path(schema_file).read_text()
    text = text.replace(
        'name: "image"\n  type: BYTES', f'name: "image"\n  type: FLOAT\n  {always}\n  {size}'
    )
    target.write_text(text.replace('column_name: "image" shape {}', f'column_name: "image" {size}'))


def create_nodes(variant: Variant, data: Path, schema_file: str, work: Path) -> list[Any]:
    """Return the nodes of the graph; the model is in `work`."""
    from tfx.components import StatisticsGen, Transform
    from tfx.proto import transform_pb2

    from components.curated_schema.component import CuratedSchema
    from components.example_validator.component import GatingExampleValidator
    from components.spectrogram_example_gen.component import SpectrogramExampleGen
    from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH
    from pipeline import dag

    layout = {"classes": list(CLASS_NAMES), "height": HEIGHT, "width": WIDTH}
    example_gen = SpectrogramExampleGen(data=str(data), seed=0, **layout).with_id(STEPS[0])
    examples = example_gen.outputs["examples"]
    options = dag.make_summary_options(with_images=variant.image_statistics)
    statistics_gen = StatisticsGen(examples=examples, stats_options=options)
    schema_gen = CuratedSchema(schema_file=schema_file).with_id("Schema")
    schema = schema_gen.outputs["schema"]
    validator = GatingExampleValidator(
        statistics=statistics_gen.outputs["statistics"],
        schema=schema,
        accepted_statistics_dir=str(work / "accepted_statistics"),
    ).with_id("ExampleValidator")
    transform = Transform(
        examples=examples,
        schema=schema,
        preprocessing_fn="stored_form.float_preprocessing"
        if variant.floats
        else "trainer.preprocessing.preprocessing_fn",
        splits_config=transform_pb2.SplitsConfig(
            analyze=["train"], transform=["train", "validation"]
        ),
        materialize=False,
        disable_statistics=True,
        custom_config=layout,
    )
    transform.add_upstream_node(validator)
    importer, evaluator = create_evaluation_nodes(examples, schema, work)
    evaluator.add_upstream_node(transform)
    return [example_gen, statistics_gen, schema_gen, validator, transform, importer, evaluator]


def create_evaluation_nodes(examples: Any, schema: Any, work: Path) -> tuple[Any, Any]:
    """Return the node that imports the model and the Evaluator."""
    from tfx.components import Evaluator
    from tfx.dsl.components.common.importer import Importer
    from tfx.types import standard_artifacts

    from components.evaluator.eval_config import build_eval_config
    from data.seed_layout import CLASS_NAMES
    from pipeline.config.sections import Thresholds

    importer = Importer(source_uri=str(work / "model"), artifact_type=standard_artifacts.Model)
    importer = importer.with_id("Model")
    evaluator = Evaluator(
        examples=examples,
        model=importer.outputs["result"],
        schema=schema,
        eval_config=build_eval_config(CLASS_NAMES, **Thresholds().model_dump()),
    )
    return importer, evaluator


def run_variant(variant: Variant, data: Path, model: Path) -> dict[str, float]:
    """Run the steps and return the seconds of each, and the bytes stored."""
    from rich.console import Console
    from tfx.orchestration.pipeline import Pipeline

    from data.seed_layout import HEIGHT, WIDTH
    from pipeline.beam_args import make_beam_args
    from pipeline.dag import find_packaged_schema
    from pipeline.history.records import connect_to_metadata, read_newest_run, read_steps
    from pipeline.local.stepwise_runner import StepwiseRunner
    from pipeline.terminal.run_display import RunDisplay

    work = Path(tempfile.mkdtemp(prefix="stored-form-"))
    schema_file = find_packaged_schema()
    # The Evaluator expects the model in this folder of the artifact.
    served = work / "model" / "Format-Serving"
    if variant.floats:
        export_for_floats(model, served, HEIGHT * WIDTH, (HEIGHT, WIDTH))
        write_float_schema(schema_file, work / "schema.pbtxt", HEIGHT * WIDTH)
        schema_file = str(work / "schema.pbtxt")
    else:
        shutil.copytree(model, served)
    change_ingest(variant)
    nodes = create_nodes(variant, data, schema_file, work)
    connection = connect_to_metadata(str(work))
    pipeline = Pipeline(
        pipeline_name="stored-form",
        pipeline_root=str(work / "artifacts"),
        components=nodes,
        metadata_connection_config=connection,
        enable_cache=False,
        beam_pipeline_args=make_beam_args(),
    )
    with RunDisplay(Console(stderr=True), steps=len(nodes)) as display:
        StepwiseRunner(connection, display.start, display.finish).run(pipeline)
    steps = read_steps(connection, read_newest_run(connection).run_id)
    size = sum(path.stat().st_size for path in work.rglob("data_tfrecord*"))
    shutil.rmtree(work)
    return {**{step: steps[step].seconds for step in STEPS}, "bytes": size}


def main() -> None:
    """Print the results as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each variant (3)")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--one", choices=VARIANTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    data, model = arguments.data.absolute(), arguments.model.absolute()
    if arguments.one:
        print(json.dumps(run_variant(VARIANTS[arguments.one], data, model)))
        return

    results: dict[str, list[dict[str, float]]] = {name: [] for name in arguments.variants}
    for _ in range(arguments.repeat):
        for name in arguments.variants:
            process = subprocess.run(
                [sys.executable, __file__, str(data), str(model), "--one", name],
                capture_output=True,
                text=True,
                check=False,
            )
            if process.returncode:
                sys.exit("".join(process.stderr.splitlines(keepends=True)[-20:]))
            results[name].append(json.loads(process.stdout.splitlines()[-1]))
    print("| | " + " | ".join([*STEPS, "total, s", "stored, MB"]) + " |")
    print("|---|" + "---:|" * (len(STEPS) + 2))
    for name, runs in results.items():
        medians = [statistics.median(run[step] for run in runs) for step in STEPS]
        total = statistics.median(sum(run[step] for step in STEPS) for run in runs)
        cells = [f"{value:.1f}" for value in [*medians, total, runs[0]["bytes"] / 1e6]]
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
