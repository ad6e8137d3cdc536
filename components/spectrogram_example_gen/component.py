"""SpectrogramExampleGen: CSV spectrograms in, shuffled tf.Examples out."""

from __future__ import annotations

from google.protobuf import struct_pb2
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2

from components.spectrogram_example_gen.driver import Driver
from components.spectrogram_example_gen.executor import Executor
from data.seed_layout import SPLITS


class SpectrogramExampleGen(FileBasedExampleGen):
    """Reads `images.csv` and `labels.csv` of each split and pairs them row by row.

    Output `examples`: gzipped TFRecords, splits `train` and `validation`, rows in an order
    shuffled by `seed` (files of this kind come sorted by class). The features are those of
    `data.example_features`.

    The fingerprint of all CSV files, labels included, is part of the cache key: changed data are
    read again and unchanged data are not. It is the artifact's property `input_fingerprint`.
    """

    DRIVER_CLASS = Driver
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        input_base: str,
        classes: list[str],
        height: int,
        width: int,
        seed: int,
    ):
        """Constructs the component.

        Args:
          input_base: the data folder or bucket address.
          classes: class names in the order of the label columns.
          height, width: pixels along time and along frequency.
          seed: of the shuffle.
        """
        layout = struct_pb2.Struct()
        layout.update({"classes": classes, "height": height, "width": width, "seed": seed})
        custom_config = example_gen_pb2.CustomConfig()
        custom_config.custom_config.Pack(layout)
        super().__init__(
            input_base=input_base,
            input_config=example_gen_pb2.Input(
                splits=[
                    example_gen_pb2.Input.Split(name=split, pattern=f"{split}/*.csv")
                    for split in SPLITS
                ]
            ),
            custom_config=custom_config,
        )
