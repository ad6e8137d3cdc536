"""SpectrogramExampleGen: turns labelled spectrograms into shuffled tf.Examples."""

from __future__ import annotations

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import Channel, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.spectrogram_example_gen.driver import Driver
from components.spectrogram_example_gen.executor import Executor
from components.spectrogram_example_gen.properties import NEWEST


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
        "validation_fraction": ExecutionParameter(type=float),
        "resize": ExecutionParameter(type=int),
        "colour_map": ExecutionParameter(type=str),
    }
    INPUTS: dict[str, ChannelParameter] = {}
    OUTPUTS = {
        standard_component_specs.EXAMPLES_KEY: ChannelParameter(type=standard_artifacts.Examples)
    }


class SpectrogramExampleGen(base_beam_component.BaseBeamComponent):
    """Reads labelled spectrograms in any of the formats of `data.reading.formats`.

    The output `examples` has TFRecord files for the splits `train` and `validation`. Files of
    spectrograms are usually sorted by class, so the rows are shuffled, in an order that `seed`
    determines. `data.example_features` names the features. `findings.json`, beside the splits,
    lists dropped rows and warnings.

    Beam's workers read the files in chunks and write the examples in shards, and no worker holds
    more than one of these in memory. All errors in the data are collected first, and then reported
    together as one `InvalidData`.

    The fingerprint of all files, labels included, is part of the cache key: changed data are read
    again, and unchanged data are not. It is the artifact's property `input_fingerprint`.
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
        format: str = "auto",  # noqa: A002 - the name of the configuration key.
        label_column: str = "auto",
        values: str = "auto",
        max_bad_rows: int = 0,
        allow_duplicates: bool = False,
        validation_fraction: float = 0.0,
        resize: bool = True,
        colour_map: str = "",
    ) -> None:
        """Constructs the component.

        Args:
          data: folder or bucket address of the data, or one that holds span-1/, span-2/ and so on.
          classes: names of the classes; a label with index i means `classes[i]`.
          height: pixels of a spectrogram along time.
          width: pixels of a spectrogram along frequency.
          seed: seed of the shuffle, and of the division by `validation_fraction`.
          span: the span to read; None for the newest.
          format: a key of `data.reading.formats.FORMATS`, or "auto".
          label_column: see `data.reading.layout.Layout`.
          values: see `data.reading.layout.Layout`.
          max_bad_rows: see `data.reading.layout.Tolerance`.
          allow_duplicates: see `data.reading.layout.Tolerance`.
          validation_fraction: see `data.reading.layout.Division`.
          resize: see `data.reading.layout.Layout`.
          colour_map: see `data.reading.layout.Layout`.
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
                validation_fraction=validation_fraction,
                resize=int(resize),
                colour_map=colour_map,
                examples=Channel(type=standard_artifacts.Examples),
            )
        )
