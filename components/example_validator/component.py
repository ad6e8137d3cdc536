"""GatingExampleValidator: anomalies, skew and drift fail the step before anything is trained."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.example_validator.executor import ACCEPTED_STATISTICS_DIR, Executor


class GatingExampleValidatorSpec(ComponentSpec):
    """Interface of GatingExampleValidator."""

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
    """Checks statistics against the schema and against other statistics; fails on anomalies.

    The stock ExampleValidator records anomalies, lets the run continue, and cannot compare data
    with other data. Comparators in the schema say which features are compared:

    * `skew_comparator`: the other splits with the training images;
    * `drift_comparator`: the training images with those of the newest span accepted before.

    Nodes that must not run on bad data have to be placed after this one with `add_upstream_node`.

    The output `anomalies` is that of the stock component and includes the comparisons. An
    execution that is answered from the cache neither compares nor writes: the same statistics were
    accepted with the same schema before, and are still stored unless somebody removed them.
    """

    SPEC_CLASS = GatingExampleValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, statistics: types.BaseChannel, schema: types.BaseChannel, accepted_statistics_dir: str
    ) -> None:
        """Construct the component.

        Args:
          statistics: output of StatisticsGen with the options of `histograms.make_stats_options`.
          schema: the schema, with the comparators.
          accepted_statistics_dir: folder or bucket address of the statistics of accepted spans.
        """
        super().__init__(
            GatingExampleValidatorSpec(
                statistics=statistics,
                schema=schema,
                accepted_statistics_dir=accepted_statistics_dir,
                anomalies=types.Channel(type=standard_artifacts.ExampleAnomalies),
            )
        )
