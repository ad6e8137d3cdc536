"""CheckedStatisticsGen: the stock StatisticsGen, whose result must count every stored image."""

from __future__ import annotations

from typing import Any

from tfx.components import StatisticsGen
from tfx.components.statistics_gen import executor as stock
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base import executor_spec
from tfx.types import Artifact, artifact_utils, standard_component_specs

from data.invalid import InvalidData
from data.storage import files
from data.stored_images import read_stored_images


class Executor(stock.Executor):
    """Runs the stock executor and compares the number of images with that of ExampleGen.

    TFDV draws random keys, so a Beam runner that repeats only the lost part of a job after a worker
    died can lose images without an error; Spark does. This check is here and not in
    ExampleValidator, because the output of a failed step is not reused.
    """

    def Do(  # noqa: N802 - TFX calls it by this name.
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write the statistics of each split.

        Raises:
          InvalidData: the statistics of a split count more or fewer images than are stored.
        """
        super().Do(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(
            input_dict[standard_component_specs.EXAMPLES_KEY]
        )
        statistics = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.STATISTICS_KEY]
        )
        for split in artifact_utils.decode_split_names(statistics.split_names):
            counts = read_stored_images([files.join(examples.uri, f"Split-{split}", "*")])
            stored = sum(counts.values())
            computed = stats_artifact_utils.load_statistics(statistics, split).proto()
            counted = int(computed.datasets[0].num_examples)
            if counts and counted != stored:
                raise InvalidData(
                    f"The statistics of {split} count {counted:,} images, but {stored:,} are "
                    f"stored in {examples.uri}. If no file there was damaged, the Beam runner lost "
                    "part of the work, as Spark can after a worker died. Run again; "
                    "docs/beam-runners.md has the settings that prevent it."
                )


class CheckedStatisticsGen(StatisticsGen):
    """The stock StatisticsGen with `Executor`. Interface and output are the same."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
