"""A search is repeatable, resumes, keeps to its budget and survives failed trials."""

import logging

import pytest
from keras_tuner.errors import FatalError

from data.invalid import InvalidData
from data.storage.checked_json import read_checked_json
from data.storage.object_store import StoreError
from tests.object_store import STORES, no_store, object_store
from tests.trainer.small_run import TRAIN, fn_args
from trainer import models
from trainer.tuning.search import tuner_fn
from trainer.tuning.search_space import SPACE
from trainer.tuning.trial import TrialResult

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tiny_model")]


def search(data, output, trials=3, minutes=None, algorithm="random", fixed=(), **settings):
    """Run a search and return it."""
    tuning = {
        "trials": trials,
        "minutes": minutes,
        "algorithm": algorithm,
        "objective": "val_accuracy",
        "fixed": list(fixed),
    }
    settings = {"epochs": 2, "checkpoint_dir": str(output / "checkpoints"), **settings}
    arguments = fn_args(data, output, tuning=tuning, **settings)
    arguments.working_dir = str(output / "working")
    tuner, fit_options = tuner_fn(arguments)
    tuner.search(**fit_options)
    return tuner


def list_trials(tuner):
    return sorted(tuner.leaderboard, key=lambda trial: trial.number)


@pytest.fixture(scope="module")
def first(small_data, tmp_path_factory):
    """A search of three trials and its folder."""
    folder = tmp_path_factory.mktemp("first")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(models.MODELS, "tiny", "tests.trainer.small_run")
        return search(small_data, folder, fixed=["batch_size"]), folder


def test_the_first_trial_has_the_untuned_settings(first):
    tuner, _ = first
    untuned, *others = list_trials(tuner)
    assert untuned.values["schedule.initial_rate"] == 0.02
    assert untuned.values["augment.noise"] == 0.1
    assert all(trial.values != untuned.values for trial in others)
    assert "batch_size" not in untuned.values, "it was fixed"


def test_the_best_trial_is_the_one_that_tfx_selects(first):
    tuner, _ = first
    best = tuner.get_best_hyperparameters()[0].get_config()["values"]
    assert best == tuner.leaderboard[0].values
    scores = [trial.result.val_accuracy for trial in tuner.leaderboard]
    assert scores == sorted(scores, reverse=True)


def test_a_repeated_search_trains_only_trials_that_are_new(small_data, first, caplog):
    tuner, folder = first
    with caplog.at_level(logging.INFO, "radio_signals"):
        larger = search(small_data, folder, trials=4, fixed=["batch_size"])
    assert list_trials(larger)[:3] == list_trials(tuner), "seconds included"
    assert caplog.text.count("from storage") == 3
    assert "trial 4/4" in caplog.text
    assert len(list((folder / "checkpoints" / "trials").iterdir())) == 4, "one result per trial"


def test_a_trial_whose_stored_result_is_damaged_is_repeated(small_data, first, caplog):
    tuner, folder = first
    for file in (folder / "checkpoints" / "trials").iterdir():
        stored = file.read_text()
        if f'"val_loss": {list_trials(tuner)[1].result.val_loss},' in stored:
            file.write_text(stored.replace('"val_loss": ', '"val_loss": 1'))
            damaged = file
    again = search(small_data, folder, fixed=["batch_size"])
    assert f"trial 2/3: {damaged} is damaged. The trial is repeated." in caplog.text
    losses = [[trial.result.val_loss for trial in list_trials(each)] for each in (tuner, again)]
    assert losses[0] == losses[1]
    assert damaged.read_text() != stored


@pytest.mark.parametrize("store", STORES)
def test_results_of_trials_can_be_kept_in_a_bucket(store, small_data, tmp_path, caplog):
    kept = {"trials": 1, "epochs": 1, "checkpoint_dir": "minio://mlpipeline/kept"}
    with object_store(store):
        first = search(small_data, tmp_path / "first", **kept)
        with caplog.at_level(logging.INFO, "radio_signals"):
            again = search(small_data, tmp_path / "again", **kept)
    assert caplog.text.count("from storage") == 1
    assert again.leaderboard == first.leaderboard, "seconds included"


def test_a_search_in_another_folder_has_the_same_trials_and_results(small_data, first, tmp_path):
    tuner, _ = first
    again = search(small_data, tmp_path, trials=2, fixed=["batch_size"], checkpoint_dir="")
    for first_trial, trial in zip(list_trials(tuner), list_trials(again), strict=False):
        assert trial.values == first_trial.values
        assert trial.result.val_loss == first_trial.result.val_loss


def test_results_are_not_reused_with_other_settings(small_data, first, caplog):
    _, folder = first
    with caplog.at_level(logging.INFO, "radio_signals"):
        search(small_data, folder, trials=1, fixed=["batch_size"], seed=1)
    assert "from storage" not in caplog.text


def test_when_time_is_up_the_trial_ends_with_its_epoch_and_no_other_follows(
    small_data, tmp_path, caplog
):
    with caplog.at_level(logging.INFO, "radio_signals"):
        (cut_short,) = search(small_data, tmp_path, minutes=1e-6).leaderboard
    assert (cut_short.result.epochs, cut_short.result.cut_short) == (1, True)
    assert "time is up after 1 of 3 trials" in caplog.text
    (complete,) = search(small_data, tmp_path, trials=1).leaderboard
    assert (complete.result.epochs, complete.result.cut_short) == (2, False)


def test_failed_trials_do_not_end_a_search(small_data, tmp_path, monkeypatch):
    monkeypatch.setitem(models.MODELS, "fragile", "tests.trainer.fragile_model")
    trials = list_trials(search(small_data, tmp_path, trials=4, model="fragile"))
    diverged = f"diverged in epoch 1, batch 1 of {-(-TRAIN // trials[2].values['batch_size'])}"
    failures = [trial.result.failure for trial in trials]
    assert failures == ["", "MemoryError: no room for 3 terabytes", diverged, ""]
    stored = [
        TrialResult(**read_checked_json(str(file)))
        for file in (tmp_path / "checkpoints" / "trials").iterdir()
    ]
    assert sorted(result.failure for result in stored) == ["", "", diverged], (
        "there may be enough memory next time"
    )


def test_a_search_in_which_every_trial_fails_says_why(small_data, tmp_path):
    with pytest.raises(
        RuntimeError, match=r"All 2 trials failed\. The first: diverged in epoch 1, b"
    ):
        search(
            small_data,
            tmp_path,
            trials=2,
            fixed=["schedule.initial_rate"],
            schedule={"initial_rate": 1e38},
        )


def test_invalid_settings_of_the_whole_search_end_it_at_once(small_data, tmp_path):
    with pytest.raises(FatalError, match=r"adam does not accept .*momentum") as raised:
        # The configuration names no optimiser. That the model's own has no momentum shows late.
        search(small_data, tmp_path, optimizer={"momentum": 0.9})
    assert isinstance(raised.value.__cause__, InvalidData)


def test_a_store_that_does_not_answer_ends_the_search(small_data, tmp_path):
    message = r"in the store http://127.0.0.1:9"
    with no_store(), pytest.raises(FatalError, match=message) as raised:
        search(small_data, tmp_path, checkpoint_dir="minio://mlpipeline/kept")
    assert isinstance(raised.value.__cause__, StoreError)


# This leaves two settings to choose. Trials are no longer random from the third on.
ALL_BUT_TWO = sorted(set(SPACE) - {"schedule.initial_rate", "augment.noise"})


# KerasTuner's Gaussian process has too few trials for all its length scales.
@pytest.mark.filterwarnings("ignore:The optimal value found:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("algorithm", "epochs"),
    [pytest.param("bayesian", {1}, marks=pytest.mark.long), ("hyperband", {1, 3})],
)
def test_every_algorithm_is_repeatable(small_data, tmp_path, algorithm, epochs):
    settings = {"algorithm": algorithm, "fixed": ALL_BUT_TWO, "epochs": max(epochs)}
    first = search(small_data, tmp_path, trials=5, **settings)
    again = search(small_data, tmp_path, trials=5, **settings)
    assert list_trials(again) == list_trials(first)
    assert len(first.leaderboard) == 5
    assert {trial.result.epochs for trial in first.leaderboard} == epochs
