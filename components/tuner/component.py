"""Tuner that also writes a leaderboard."""

from __future__ import annotations

from typing import Any

from tfx.components import Tuner
from tfx.components.tuner.executor import Executor as TunerExecutor
from tfx.components.tuner.executor import search, write_best_hyperparameters
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils, standard_component_specs


class Executor(TunerExecutor):
    """The stock search; TFX's own list of results lacks failed trials, epochs and seconds."""

    def Do(self, input_dict, output_dict, exec_properties: dict[str, Any]) -> None:
        tuner = search(input_dict, exec_properties, self._get_tmp_dir())
        write_best_hyperparameters(tuner, output_dict)
        tuner.write_leaderboard(
            artifact_utils.get_single_uri(output_dict[standard_component_specs.TUNER_RESULTS_KEY])
        )


class LeaderboardTuner(Tuner):
    """The stock Tuner, whose `tuner_results` also hold the files of `trainer.tuning.leaderboard`.

    What `tuner_fn` returns has to have `write_leaderboard`, as `trainer.tuning.search.Search` has.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
