"""GatingExampleValidator: anomalies, skew and drift fail the step, so that none is trained on."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.example_validator.executor import ACCEPTED_STATISTICS_DIR, Executor


class GatingExampleValidatorSpec(ComponentSpec):
    PARAMETERS = {ACCEPTED_STATISTICS_DIR: ExecutionParameter(type=str)}
    INPUTS = {
        standard_component_specs.STATISTICS_KEY: ChannelParameter(
            type=standard_artifacts.ExampleStatistics
        ),
        standard_component_specs.SCHEMA_KEY: ChannelParameter(type=standard_artifacts.Schema),
    }
    OUTPUTS = {
        standard_component_specs.ANOMALIES_KEY: ChannelParameter(
            type=standard_artifacts.ExampleAnomalies
        )
    }


class GatingExampleValidator(base_component.BaseComponent):
    """Holds statistics against the schema and against other statistics; anomalies fail it.

    The stock ExampleValidator only records anomalies and lets the run go on, and it has no way to
    compare with other data. What is compared is for the schema to say, by its comparators:

    * `skew_comparator`: the other splits with the training images;
    * `drift_comparator`: the training images with those of the newest span accepted before.

    Nodes that must not run on bad data have to be placed after this one with `add_upstream_node`.

    Output `anomalies`: as of the stock component, comparisons included. An execution answered from
    the cache compares and writes nothing: the same statistics were accepted with the same schema
    before, and are in the history unless somebody has removed them.
    """

    SPEC_CLASS = GatingExampleValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, statistics: types.BaseChannel, schema: types.BaseChannel, accepted_statistics_dir: str
    ):
        """Constructs the component.

        Args:
          statistics: of StatisticsGen, told to count as `histograms.stats_options` says.
          schema: what the data must look like.
          accepted_statistics_dir: folder or bucket address that keeps, span by span, the
            statistics of accepted data.
        """
        super().__init__(
            GatingExampleValidatorSpec(
                statistics=statistics,
                schema=schema,
                accepted_statistics_dir=accepted_statistics_dir,
                anomalies=types.Channel(type=standard_artifacts.ExampleAnomalies),
            )
        )
