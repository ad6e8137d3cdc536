"""SpectrogramExampleGen: labelled spectrograms in, shuffled tf.Examples out."""

from __future__ import annotations

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import Channel, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.spectrogram_example_gen.driver import Driver
from components.spectrogram_example_gen.executor import Executor
from components.spectrogram_example_gen.properties import NEWEST
from data.reading.inventory import AUTO


class SpectrogramExampleGenSpec(ComponentSpec):
    """Interface of SpectrogramExampleGen."""

    PARAMETERS = {
        "data": ExecutionParameter(type=str),
        "wanted_span": ExecutionParameter(type=int),
        "format": ExecutionParameter(type=str),
        "label_column": ExecutionParameter(type=str),
        "values": ExecutionParameter(type=str),
        "classes": ExecutionParameter(type=list[str]),
        "height": ExecutionParameter(type=int),
        "width": ExecutionParameter(type=int),
        "seed": ExecutionParameter(type=int),
        "max_bad_rows": ExecutionParameter(type=int),
        "allow_duplicates": ExecutionParameter(type=int),
    }
    INPUTS = {}
    OUTPUTS = {
        standard_component_specs.EXAMPLES_KEY: ChannelParameter(type=standard_artifacts.Examples)
    }


class SpectrogramExampleGen(base_beam_component.BaseBeamComponent):
    """Reads labelled spectrograms in any of the formats of `data.reading.formats`.

    Output `examples`: TFRecords, splits `train` and `validation`, rows in an order shuffled by
    `seed` (files of this kind come sorted by class). The features are those of
    `data.example_features`. `findings.json` beside the splits lists dropped rows and warnings.

    Files are divided into parts that Beam's workers read, and examples into shards that they
    write; no worker holds more than one of either. Everything that is wrong with the data is
    found first, and then refused at once with `InvalidData`.

    The fingerprint of all files, labels included, is part of the cache key: changed data are read
    again and unchanged data are not. It is the artifact's property `input_fingerprint`.
    """

    SPEC_CLASS = SpectrogramExampleGenSpec
    DRIVER_CLASS = Driver
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        data: str,
        classes: list[str],
        height: int,
        width: int,
        seed: int,
        span: int | None = None,
        format: str = AUTO,
        label_column: str = "auto",
        values: str = "auto",
        max_bad_rows: int = 0,
        allow_duplicates: bool = False,
    ):
        """Constructs the component.

        Args:
          data: the data folder or bucket address, or one that holds span-1/, span-2/ and so on.
          classes: class names; index i of a label means `classes[i]`.
          height, width: pixels along time and along frequency.
          seed: of the shuffle.
          span: which span to read; None for the newest.
          format: a key of `data.reading.formats.FORMATS`, or "auto".
          label_column, values: as of `data.reading.layout.Layout`.
          max_bad_rows, allow_duplicates: as of `data.reading.layout.Tolerance`.
        """
        super().__init__(
            SpectrogramExampleGenSpec(
                data=data,
                wanted_span=NEWEST if span is None else span,
                format=format,
                label_column=label_column,
                values=values,
                classes=classes,
                height=height,
                width=width,
                seed=seed,
                max_bad_rows=max_bad_rows,
                allow_duplicates=int(allow_duplicates),
                examples=Channel(type=standard_artifacts.Examples),
            )
        )
