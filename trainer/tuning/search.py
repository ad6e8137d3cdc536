"""`tuner_fn` of the Tuner step: searches the settings of training with KerasTuner.

A search can be killed at any moment, and goes on with the trials that are finished. Not by
KerasTuner's own project folder: it is written in place, so that a kill can leave half a file,
and it lacks part of the Bayesian search's random state. Instead a search is repeatable: run
again it asks for the same trials in the same order, and those that are finished are answered
from their results (`trainer.tuning.trial`). A search with a larger budget goes on in the same way.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from typing import Any

import keras_tuner
import tensorflow as tf
from keras_tuner.errors import FailedTrialError, FatalError
from keras_tuner.oracles import BayesianOptimizationOracle, HyperbandOracle, RandomSearchOracle
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult

from data.invalid import InvalidData
from data.storage.object_store import StoreError
from trainer.config import Tuning
from trainer.inputs.batches import read_records
from trainer.settings import resolve
from trainer.tuning.leaderboard import (
    BEST_SETTINGS,
    LEADERBOARD,
    FinishedTrial,
    as_configuration,
    as_csv,
    ranked,
)
from trainer.tuning.search_space import described, search_space
from trainer.tuning.trial import TrialData, TrialResult, run_trial

logger = logging.getLogger("radio_signals.tuning")

# Folder of the trials' results and checkpoints, in that of the checkpoints.
_TRIALS = "trials"
# Hyperband's note of how long a trial is to be trained.
_EPOCHS = "tuner/epochs"


class SearchConfig(Tuning):
    """The configuration of a search.

    Attributes:
      fixed: configuration keys that the search must not choose.
    """

    fixed: tuple[str, ...] = ()


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Return what searches the space.

    Args:
      fn_args: TFX's arguments. `custom_config` is what `trainer.settings.resolve` takes, with
        `epochs` of a trial, and `tuning`, the keys of `SearchConfig`.

    Raises:
      InvalidData: nothing is left to choose.
    """
    config = dict(fn_args.custom_config)
    tuning = SearchConfig.model_validate(config.pop("tuning"))
    if config.get("checkpoint_dir"):
        config["checkpoint_dir"] = os.path.join(config["checkpoint_dir"], _TRIALS)
    data = TrialData(
        read_records(fn_args.train_files),
        read_records(fn_args.eval_files),
        fn_args.transform_graph_path,
    )
    return TunerFnResult(Search(config, tuning, data, fn_args.working_dir), fit_kwargs={})


class Search(keras_tuner.Tuner):
    """A search whose first trial is of the settings without tuning, so that it never does worse."""

    def __init__(
        self, config: Mapping[str, Any], tuning: SearchConfig, data: TrialData, directory: str
    ):
        """Constructs the search.

        Args:
          config, tuning: see `tuner_fn`.
          data: what to train on.
          directory: where KerasTuner keeps its notes; they are not needed afterwards.

        Raises:
          InvalidData: nothing is left to choose.
        """
        settings = resolve(config)
        space = search_space(settings, tuning.fixed, tuning.objective)
        oracle = _oracle(space, tuning, settings.epochs, settings.seed)
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
        return ranked(self._finished, self._objective)

    def run_trial(self, trial: keras_tuner.engine.trial.Trial) -> dict[str, float]:
        """Train what KerasTuner proposes; return its value of the objective."""
        values = trial.hyperparameters.values
        settings = resolve(
            {**self._config, "epochs": values.get(_EPOCHS, self._config["epochs"])},
            {"values": values},
        )
        number = len(self._finished) + 1
        label = f"trial {number:>{len(str(self._trials))}}/{self._trials}"
        epochs = f", {settings.epochs} epochs" if _EPOCHS in values else ""
        logger.info("%s  %s%s", label, described(values), epochs)
        self._budget.start_trial()
        try:
            result, known = run_trial(settings, self._data, self._budget.is_spent, label)
        except (InvalidData, StoreError) as error:
            # No other trial would fare better.
            raise FatalError(str(error)) from error
        except Exception as error:
            # Such as one that does not fit into memory: the others may.
            logging.getLogger(__name__).exception("%s", label)
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            result, known = TrialResult(failure=f"{type(error).__name__}: {reason}"), False
        self._budget.end_trial(result.seconds)
        self._finished.append(FinishedTrial(number, settings.tuned, result))
        indent = " " * len(label)
        logger.info("%s  %s%s", indent, _in_words(result), ", known already" if known else "")
        if result.failure:
            raise FailedTrialError(result.failure)
        return {self._objective: getattr(result, self._objective)}

    def on_trial_end(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Let no trial follow once time is up."""
        super().on_trial_end(trial)
        if self._budget.is_spent() and len(self._finished) < self._trials:
            logger.info("time is up after %d of %d trials", len(self._finished), self._trials)
            self.oracle.max_trials = len(self._finished)

    def on_search_end(self) -> None:
        """Say what was best.

        Raises:
          RuntimeError: every trial failed.
        """
        super().on_search_end()
        best = self.leaderboard[0]
        if best.result.failure:
            raise RuntimeError(
                f"None of {len(self._finished)} trials could be trained to an end. "
                f"The first: {self._finished[0].result.failure}."
            )
        logger.info("best: trial %d, %s", best.number, described(best.values))

    def write_leaderboard(self, folder: str) -> None:
        """Write the leaderboard, and the best trial's settings, to an existing folder."""
        for name, text in (
            (LEADERBOARD, as_csv(self.leaderboard)),
            (BEST_SETTINGS, as_configuration(self.leaderboard[0])),
        ):
            with tf.io.gfile.GFile(os.path.join(folder, name), "w") as file:
                file.write(text)


class _UntunedFirst:
    """Of an oracle: proposes the values chosen without tuning before any other."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        if not self.trials:
            return {"status": "RUNNING", "values": dict(self.get_space().values)}
        return super().populate_space(trial_id)


class _Random(_UntunedFirst, RandomSearchOracle):
    pass


class _Bayesian(_UntunedFirst, BayesianOptimizationOracle):
    pass


class _Hyperband(_UntunedFirst, HyperbandOracle):
    """Trains what survived a round from the beginning again, on the next round's schedule."""


def _oracle(
    space: keras_tuner.HyperParameters, tuning: SearchConfig, epochs: int, seed: int
) -> keras_tuner.Oracle:
    arguments = {
        "objective": keras_tuner.Objective(
            tuning.objective, "min" if tuning.objective == "val_loss" else "max"
        ),
        "hyperparameters": space,
        "allow_new_entries": False,
        # KerasTuner takes 0 for no seed.
        "seed": seed + 1,
        # Failed trials do not end a search, however many.
        "max_consecutive_failed_trials": tuning.trials + 1,
    }
    if tuning.algorithm == "hyperband":
        oracle = _Hyperband(max_epochs=epochs, hyperband_iterations=None, **arguments)
        oracle.max_trials = tuning.trials
        return oracle
    if tuning.algorithm == "random":
        return _Random(max_trials=tuning.trials, **arguments)
    # One random point for each dimension: three, which is KerasTuner's, would be most of a budget.
    points = len(space.space)
    return _Bayesian(max_trials=tuning.trials, num_initial_points=points, **arguments)


class _Budget:
    """The time that trials may take, whichever process they ran in."""

    def __init__(self, minutes: float | None):
        self._seconds = 60 * minutes if minutes else float("inf")
        self._spent = 0.0
        self._started: float | None = None

    def start_trial(self) -> None:
        self._started = time.perf_counter()

    def end_trial(self, seconds: float) -> None:
        self._spent += max(seconds, time.perf_counter() - self._started)
        self._started = None

    def is_spent(self) -> bool:
        running = time.perf_counter() - self._started if self._started else 0.0
        return self._spent + running >= self._seconds


def _in_words(result: TrialResult) -> str:
    if result.failure:
        return f"failed: {result.failure}"
    cut_short = ", cut short" if result.cut_short else ""
    return (
        f"validation accuracy {result.val_accuracy:.4f} in epoch {result.best_epoch} "
        f"of {result.epochs}{cut_short}, {result.seconds:.0f} s"
    )
