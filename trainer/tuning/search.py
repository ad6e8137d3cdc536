"""`tuner_fn` of the Tuner step: searches for better training settings with KerasTuner.

A search can be killed at any moment, and continues with the trials that are left. It does not use
KerasTuner's own project folder for this. KerasTuner writes that folder in place, so a kill can
leave half a file, and does not store all of the Bayesian search's random state. Instead, a search
is repeatable: it asks for the same trials in the same order, and takes the results of finished
trials from storage (`trainer.tuning.trial`). A search with a larger budget continues in the same
way.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import keras_tuner
from keras_tuner.errors import FailedTrialError, FatalError
from keras_tuner.oracles import BayesianOptimizationOracle, HyperbandOracle, RandomSearchOracle
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult

from data.invalid import InvalidData
from data.storage import files
from data.storage.object_store import StoreError
from trainer.config import Tuning
from trainer.inputs.records import read_records
from trainer.settings import resolve
from trainer.tuning.leaderboard import (
    BEST_SETTINGS,
    LEADERBOARD,
    FinishedTrial,
    format_configuration,
    format_csv,
    rank_trials,
)
from trainer.tuning.search_space import build_search_space, describe
from trainer.tuning.trial import TrialData, TrialResult, run_trial

logger = logging.getLogger("radio_signals.tuning")

# Folder of the trials' results and checkpoints, inside the folder of checkpoints.
_TRIALS = "trials"
# The name of a trial's number of epochs in Hyperband's values.
_EPOCHS = "tuner/epochs"


class SearchConfig(Tuning):
    """The configuration of a search.

    Attributes:
      fixed: configuration keys that the search must not choose.
    """

    fixed: tuple[str, ...] = ()


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Return the tuner that searches.

    Args:
      fn_args: TFX's arguments. `custom_config` is what `trainer.settings.resolve` takes, with the
        `epochs` of a trial, and `tuning`, the keys of `SearchConfig`.

    Raises:
      InvalidData: nothing is left to tune.
    """
    config = dict(fn_args.custom_config)
    tuning = SearchConfig.model_validate(config.pop("tuning"))
    if config.get("checkpoint_dir"):
        config["checkpoint_dir"] = files.join(config["checkpoint_dir"], _TRIALS)
    data = TrialData(
        read_records(fn_args.train_files),
        read_records(fn_args.eval_files),
        fn_args.transform_graph_path,
    )
    return TunerFnResult(Search(config, tuning, data, fn_args.working_dir), fit_kwargs={})


class Search(keras_tuner.Tuner):
    """A search whose first trial has the untuned settings, so that the best is never worse."""

    def __init__(
        self, config: Mapping[str, Any], tuning: SearchConfig, data: TrialData, directory: str
    ) -> None:
        """Create the search.

        Args:
          config: what `trainer.settings.resolve` takes, with the `epochs` of a trial.
          tuning: configuration of the search.
          data: the data to train on.
          directory: folder for KerasTuner's own files, which are not needed afterwards.

        Raises:
          InvalidData: nothing is left to tune.
        """
        settings = resolve(config)
        space = build_search_space(settings, tuning.fixed, tuning.objective)
        oracle = _make_oracle(space, tuning, settings.epochs, settings.seed)
        super().__init__(oracle, directory=directory, project_name="search", overwrite=True)
        self._config = config
        self._data = data
        self._trials = tuning.trials
        self._budget = _Budget(tuning.minutes)
        self._objective = tuning.objective
        self._finished: list[FinishedTrial] = []

    @property
    def leaderboard(self) -> list[FinishedTrial]:
        """The trials so far, best first."""
        return rank_trials(self._finished, self._objective)

    def run_trial(self, trial: keras_tuner.engine.trial.Trial) -> dict[str, float]:
        """Train with the values that KerasTuner proposes, and return the objective."""
        values = trial.hyperparameters.values
        settings = resolve(
            {**self._config, "epochs": values.get(_EPOCHS, self._config["epochs"])},
            {"values": values},
        )
        number = len(self._finished) + 1
        label = f"trial {number:>{len(str(self._trials))}}/{self._trials}"
        epochs = f", {settings.epochs} epochs" if _EPOCHS in values else ""
        logger.info("%s  %s%s", label, describe(values), epochs)
        self._budget.start_trial()
        try:
            result, stored = run_trial(settings, self._data, self._budget.is_spent, label)
        except (InvalidData, StoreError) as error:
            # Every other trial would fail in the same way.
            raise FatalError(str(error)) from error
        except Exception as error:
            # For example a model that does not fit into memory; other trials may fit.
            logging.getLogger(__name__).exception("%s", label)
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            result, stored = TrialResult(failure=f"{type(error).__name__}: {reason}"), False
        self._budget.end_trial(result.seconds)
        self._finished.append(FinishedTrial(number, settings.tuned, result))
        indent = " " * len(label)
        logger.info(
            "%s  %s%s", indent, _describe_result(result), ", from storage" if stored else ""
        )
        if result.failure:
            raise FailedTrialError(result.failure)
        return {self._objective: getattr(result, self._objective)}

    def on_trial_end(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """End the search once time is up."""
        super().on_trial_end(trial)
        if self._budget.is_spent() and len(self._finished) < self._trials:
            logger.info("time is up after %d of %d trials", len(self._finished), self._trials)
            self.oracle.max_trials = len(self._finished)

    def on_search_end(self) -> None:
        """Log the best trial.

        Raises:
          RuntimeError: every trial failed.
        """
        super().on_search_end()
        best = self.leaderboard[0]
        if best.result.failure:
            raise RuntimeError(
                f"All {len(self._finished)} trials failed. "
                f"The first: {self._finished[0].result.failure}."
            )
        logger.info("best: trial %d, %s", best.number, describe(best.values))

    def write_leaderboard(self, folder: str) -> None:
        """Write the leaderboard and the best trial's settings to a folder."""
        leaderboard = self.leaderboard
        files.write_file(files.join(folder, LEADERBOARD), format_csv(leaderboard))
        files.write_file(files.join(folder, BEST_SETTINGS), format_configuration(leaderboard[0]))


class _UntunedFirst(keras_tuner.Oracle):
    """An oracle that proposes the untuned values before any others."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        if not self.trials:
            return {"status": "RUNNING", "values": dict(self.get_space().values)}
        return super().populate_space(trial_id)


class _Random(_UntunedFirst, RandomSearchOracle):
    pass


class _Bayesian(_UntunedFirst, BayesianOptimizationOracle):
    pass


class _Hyperband(_UntunedFirst, HyperbandOracle):
    """Trains each trial that survives a round from the beginning, on the next round's schedule."""


def _make_oracle(
    space: keras_tuner.HyperParameters, tuning: SearchConfig, epochs: int, seed: int
) -> keras_tuner.Oracle:
    arguments = {
        "objective": keras_tuner.Objective(
            tuning.objective, "min" if tuning.objective == "val_loss" else "max"
        ),
        "hyperparameters": space,
        "allow_new_entries": False,
        # KerasTuner treats 0 as no seed.
        "seed": seed + 1,
        # However many trials fail, the search goes on.
        "max_consecutive_failed_trials": tuning.trials + 1,
    }
    if tuning.algorithm == "hyperband":
        oracle = _Hyperband(max_epochs=epochs, hyperband_iterations=None, **arguments)
        oracle.max_trials = tuning.trials
        return oracle
    if tuning.algorithm == "random":
        return _Random(max_trials=tuning.trials, **arguments)
    # One random point per dimension. KerasTuner's default, three, would take most of a budget.
    points = len(space.space)
    return _Bayesian(max_trials=tuning.trials, num_initial_points=points, **arguments)


class _Budget:
    """The time that trials may take, over all processes that they run in."""

    def __init__(self, minutes: float | None) -> None:
        self._seconds = 60 * minutes if minutes else float("inf")
        self._spent = 0.0
        self._started: float | None = None

    def start_trial(self) -> None:
        self._started = time.perf_counter()

    def end_trial(self, seconds: float) -> None:
        self._spent += max(seconds, self._measure_trial())
        self._started = None

    def is_spent(self) -> bool:
        return self._spent + self._measure_trial() >= self._seconds

    def _measure_trial(self) -> float:
        return time.perf_counter() - self._started if self._started else 0.0


def _describe_result(result: TrialResult) -> str:
    if result.failure:
        return f"failed: {result.failure}"
    cut_short = ", cut short" if result.cut_short else ""
    return (
        f"validation accuracy {result.val_accuracy:.4f} in epoch {result.best_epoch} "
        f"of {result.epochs}{cut_short}, {result.seconds:.0f} s"
    )
