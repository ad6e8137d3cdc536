"""Stored tf.Examples: TFRecord files as the step SpectrogramExampleGen writes them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np

from data.example_features import CLASS_NAME, IMAGE, LABEL
from data.invalid import InvalidData
from data.reading.formats.format import Rows
from data.reading.input_files import LOCAL, is_compressed, open_input
from data.reading.labels import BAD, convert_indices, parse_cells
from data.reading.layout import Layout
from data.reading.problems import Fault

# A record: its length, a checksum of the length, the example, a checksum of the example.
_HEAD = struct.Struct("<QI")
_TAIL_BYTES = 4

_RECORDS_AT_A_TIME = 128

# A record holds an image and some small features.
_MOST_OTHER_BYTES = 1 << 20


def read_examples(path: str, layout: Layout) -> Iterator[Rows]:
    """Yield the images and the labels of a file; `BAD` for an image without a label.

    Args:
      path: a file of this machine. It is gzipped if its name ends with .gz.
      layout: what the images look like.

    Raises:
      InvalidData: the file is damaged.
    """
    import tensorflow as tf

    from trainer.inputs.records import UNTUNED

    compression = "GZIP" if is_compressed(path) else ""
    dataset = tf.data.TFRecordDataset(path, compression).batch(_RECORDS_AT_A_TIME)
    dataset = dataset.with_options(UNTUNED)
    with open_input(path, LOCAL) as stream:
        iterator, first = dataset.as_numpy_iterator(), 1
        while count := _pass_records(stream, path, layout.pixels + _MOST_OTHER_BYTES):
            try:
                records = next(iterator)
            except (tf.errors.OpError, StopIteration):
                raise InvalidData(
                    f"{path} is damaged or cut off in rows {first:,} to {first + count - 1:,}. "
                    "Copy or write it again."
                ) from None
            yield _parse(records, layout)
            first += count


def _pass_records(stream: IO[bytes], path: str, longest: int) -> int:
    """Skip the next records; return how many.

    TensorFlow would take the length of a record at its word, and reserve that much memory.
    """
    for count in range(_RECORDS_AT_A_TIME):
        head = stream.read(_HEAD.size)
        if not head:
            return count
        length = _HEAD.unpack(head)[0] if len(head) == _HEAD.size else 0
        if length > longest:
            raise InvalidData(
                f"{path} has a record of {length:,} bytes, and one with such a spectrogram has at "
                f"most {longest:,}. Is it a file of tf.Examples?"
            )
        stream.seek(length + _TAIL_BYTES, 1)
    return _RECORDS_AT_A_TIME


def _parse(records: Sequence[bytes], layout: Layout) -> Rows:
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    levels = np.zeros((len(records), layout.pixels), np.uint8)
    labels = np.full(len(records), BAD, np.int64)
    faults = []
    for row, record in enumerate(records):
        try:
            features = tf.train.Example.FromString(record).features.feature
        except DecodeError:
            faults.append(Fault(row, 0, "this is not a serialised tf.Example."))
            continue
        image = b"".join(features[IMAGE].bytes_list.value)
        fault = ""
        if len(image) != layout.pixels:
            fault = (
                f"the feature {IMAGE} holds {len(image):,} bytes where {layout.pixels:,} are "
                f"expected, one for each of {layout.height} x {layout.width} grey levels."
            )
        else:
            levels[row] = np.frombuffer(image, np.uint8)
            labels[row], fault = _read_label(features, layout)
        if fault:
            faults.append(Fault(row, 0, fault))
    return Rows(levels, faults, labels)


def _read_label(features: Any, layout: Layout) -> tuple[int, str]:
    """Return the class of an example, by its name or else by its number, and what is wrong."""
    if names := features[CLASS_NAME].bytes_list.value:
        index, faults = parse_cells(names[:1], layout.classes)
    elif numbers := features[LABEL].int64_list.value:
        index, faults = convert_indices(np.array(numbers[:1]), layout.classes)
    else:
        return BAD, ""
    return int(index[0]), faults[0].text if faults else ""
