"""LeaderboardTuner: TFX's Tuner, which also writes a leaderboard."""

from __future__ import annotations

from typing import Any

from tfx.components import Tuner
from tfx.components.tuner.executor import Executor as TunerExecutor
from tfx.components.tuner.executor import search, write_best_hyperparameters
from tfx.dsl.components.base import executor_spec
from tfx.types import Artifact, artifact_utils, standard_component_specs


class Executor(TunerExecutor):
    """Runs the stock search and replaces TFX's list of results with a leaderboard.

    TFX's list lacks failed trials, epochs and seconds.
    """

    def Do(  # noqa: N802 - TFX calls it by this name.
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write the best hyperparameters and the leaderboard."""
        tuner = search(input_dict, exec_properties, self._get_tmp_dir())
        write_best_hyperparameters(tuner, output_dict)
        tuner.write_leaderboard(
            artifact_utils.get_single_uri(output_dict[standard_component_specs.TUNER_RESULTS_KEY])
        )


class LeaderboardTuner(Tuner):
    """The stock Tuner with the files of `trainer.tuning.leaderboard` in `tuner_results`.

    The tuner that `tuner_fn` returns must have `write_leaderboard`, as
    `trainer.tuning.search.Search` has.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
