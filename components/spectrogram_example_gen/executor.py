"""The Beam executor of SpectrogramExampleGen."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
from apache_beam.io.filesystems import FileSystems
from google.protobuf import struct_pb2
from tfx.components.example_gen.base_example_gen_executor import BaseExampleGenExecutor
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from data import example_features
from data.invalid import InvalidData
from data.seed_layout import IMAGES, LABELS, RECORD
from data.spectrogram_csv import check_layout, read_images, read_labels

# Custom property of the examples: where the data came from, in words.
SOURCE_PROPERTY = "source"

# A record with the place that the shuffle gave it.
PlacedRecord = tuple[int, bytes]

# Enough for a few readers at once, and files that stay handy at the published size.
_SHARDS = 4


class Executor(BaseExampleGenExecutor):
    """Pairs, checks, shuffles and stores the rows of every split."""

    def GetInputSourceToExamplePTransform(self) -> beam.PTransform:
        return ReadSplit

    def Do(self, input_dict, output_dict, exec_properties: dict[str, Any]) -> None:
        """Writes one folder of TFRecord shards for each split.

        Overrides the base class's writer, whose shuffle draws new random keys each time: the
        same data and seed must give the same files for a training run to be repeatable.

        Raises:
          InvalidData: naming file, row and column; nothing is published then.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        layout = _layout(exec_properties)
        examples = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.EXAMPLES_KEY]
        )
        counts = check_layout(
            exec_properties[standard_component_specs.INPUT_BASE_KEY],
            layout["height"],
            layout["width"],
            len(layout["classes"]),
            opener=_open,
        )
        with self._make_beam_pipeline() as pipeline:
            records = self.GenerateExamplesByBeam(pipeline, exec_properties)
            examples.split_names = artifact_utils.encode_split_names(list(records))
            for split, split_records in records.items():
                folder = artifact_utils.get_split_uri([examples], split)
                tf.io.gfile.makedirs(folder)
                _ = (
                    split_records
                    | f"ToShards[{split}]" >> beam.GroupByKey()
                    | f"Write[{split}]" >> beam.Map(_write_shard, folder=folder)
                )
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        for split, count in counts.items():
            examples.set_int_custom_property(f"{split}_rows", count)
        source = exec_properties[standard_component_specs.INPUT_BASE_KEY]
        examples.set_string_custom_property(SOURCE_PROPERTY, describe_source(source))


def _open(path: str):
    """Open a file on any of Beam's file systems; missing is FileNotFoundError on all of them."""
    if not FileSystems.exists(path):
        raise FileNotFoundError(path)
    return FileSystems.open(path)


def describe_source(folder: str) -> str:
    """Return the data folder, and whether it holds simulated data, for people to read."""
    try:
        with _open(os.path.join(folder, RECORD)) as file:
            record = json.load(file)
    except FileNotFoundError:
        return folder
    return f"{folder} (SIMULATED: preset {record.get('preset')}, seed {record.get('seed')})"


@beam.ptransform_fn
def ReadSplit(
    pipeline: beam.Pipeline, exec_properties: dict[str, Any], split_pattern: str
) -> beam.PCollection[tuple[int, list[PlacedRecord]]]:
    """Reads one split: (shard, records with their places) pairs.

    Args:
      pipeline: the Beam pipeline.
      exec_properties: `input_base` and the layout in `custom_config`.
      split_pattern: "SPLIT/*.csv".
    """
    folder = os.path.join(
        exec_properties[standard_component_specs.INPUT_BASE_KEY], os.path.dirname(split_pattern)
    )
    return (
        pipeline
        | beam.Create([folder])
        | beam.FlatMap(_read_split, layout=_layout(exec_properties))
    )


def _layout(exec_properties: dict[str, Any]) -> dict[str, Any]:
    custom_config = example_gen_pb2.CustomConfig()
    proto_utils.json_to_proto(
        exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY], custom_config
    )
    packed = struct_pb2.Struct()
    custom_config.custom_config.Unpack(packed)
    layout = dict(packed)
    return {
        "classes": list(layout["classes"]),
        "height": int(layout["height"]),
        "width": int(layout["width"]),
        "seed": int(layout["seed"]),
    }


def _read_split(folder: str, layout: dict[str, Any]) -> Iterator[tuple[int, list[PlacedRecord]]]:
    images = os.path.join(folder, IMAGES)
    labels = read_labels(os.path.join(folder, LABELS), len(layout["classes"]), opener=_open)
    places = np.random.default_rng(layout["seed"]).permutation(len(labels))
    names = [name.encode() for name in layout["classes"]]
    pixels = layout["height"] * layout["width"]
    rows_read = 0
    for block in read_images(images, pixels, opener=_open):
        rows = slice(block.first_row, block.first_row + len(block.levels))
        records = _examples(block.levels, labels[rows], names)
        shards: dict[int, list[PlacedRecord]] = {}
        for place, record in zip(places[rows].tolist(), records, strict=True):
            shards.setdefault(place % _SHARDS, []).append((place, record))
        rows_read += len(block.levels)
        yield from shards.items()
    if rows_read != len(labels):
        raise InvalidData(f"{images} has {rows_read} rows but there are {len(labels)} labels.")


def _examples(levels: np.ndarray, labels: np.ndarray, names: list[bytes]) -> Iterator[bytes]:
    """Serialise rows: levels uint8 [rows, pixels], labels int64 [rows]."""
    brightness = levels.mean(axis=1, dtype=np.float64) / 255
    contrast = levels.std(axis=1, dtype=np.float64) / 255
    for row, label in enumerate(labels.tolist()):
        feature = {
            example_features.IMAGE: _bytes(levels[row].tobytes()),
            example_features.LABEL: tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
            example_features.CLASS_NAME: _bytes(names[label]),
            example_features.BRIGHTNESS: _float(brightness[row]),
            example_features.CONTRAST: _float(contrast[row]),
        }
        example = tf.train.Example(features=tf.train.Features(feature=feature))
        yield example.SerializeToString(deterministic=True)


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _float(value: float) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))


def _write_shard(content: tuple[int, Iterable[list[PlacedRecord]]], folder: str) -> None:
    shard, pieces = content
    # Noise hardly compresses: level 1 takes two thirds of the default's time, for 3 % more bytes.
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
    path = os.path.join(folder, f"data_tfrecord-{shard:05d}-of-{_SHARDS:05d}.gz")
    # Beam may run a bundle twice: only a whole file ever gets the name that readers look for.
    unfinished = f"{folder}.unfinished-{shard}-{uuid.uuid4().hex}"
    with tf.io.TFRecordWriter(unfinished, options) as writer:
        for _, record in sorted(record for piece in pieces for record in piece):
            writer.write(record)
    tf.io.gfile.rename(unfinished, path, overwrite=True)
