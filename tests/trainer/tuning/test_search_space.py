"""The space of a search: what it holds, and what the configuration takes out of it."""

import pytest

from data.invalid import InvalidData
from tests.trainer.small_run import LAYOUT
from trainer.settings import resolve
from trainer.tuning.search_space import SPACE, build_search_space, describe

pytestmark = pytest.mark.usefixtures("tiny_model")

CONFIG = {**LAYOUT, "model": "tiny", "epochs": 5, "batch_size": 8, "seed": 0}


def space(fixed=(), objective="val_accuracy", **config):
    return build_search_space(resolve({**CONFIG, **config}), fixed, objective)


def keys(hyperparameters):
    return {entry.name for entry in hyperparameters.space}


def test_the_defaults_are_what_is_chosen_without_tuning():
    assert space().values == {
        "schedule.initial_rate": 0.02,
        "schedule.kind": "exponential",
        "schedule.warmup_epochs": 0.0,
        "batch_size": 8,
        "optimizer.weight_decay": 0.0,
        "label_smoothing": 0.0,
        "augment.flip_time": True,
        "augment.flip_frequency": False,
        "augment.invert": False,
        "augment.shift_frequency": 0.0,
        "augment.noise": 0.1,
    }


def test_the_model_s_own_values_are_among_the_choices():
    choices = {entry.name: entry for entry in space(optimizer={"name": "adamw"}).space}
    assert set(choices) == set(SPACE)
    assert choices["batch_size"].values == [8, 16, 32, 64, 128]
    assert choices["optimizer.weight_decay"].values == [0.0, 0.004, 0.01, 0.1, 0.3]
    rate = choices["schedule.initial_rate"]
    assert (rate.min_value, rate.max_value) == pytest.approx((0.002, 0.2))


@pytest.mark.parametrize(
    ("fixed", "gone"),
    [
        (["batch_size"], {"batch_size"}),
        (["augment.noise", "label_smoothing"], {"augment.noise", "label_smoothing"}),
        (["schedule.decay_steps"], {"schedule.kind"}),
        (["optimizer.name"], set()),
    ],
)
def test_what_somebody_set_is_not_chosen(fixed, gone):
    assert keys(space(fixed)) == set(SPACE) - gone


def test_label_smoothing_is_not_chosen_by_a_loss_that_it_changes():
    assert keys(space(objective="val_loss")) == set(SPACE) - {"label_smoothing"}


def test_a_space_with_nothing_left_is_refused():
    with pytest.raises(InvalidData, match=r"nothing left to tune: .* sets all of schedule\."):
        space(list(SPACE))


def test_what_is_off_is_left_out_of_the_description():
    values = {
        "augment.flip_time": True,
        "augment.noise": 0.0,
        "schedule.kind": "cosine",
        "schedule.initial_rate": 0.012345,
        "batch_size": 64,
    }
    assert describe(values) == "initial rate 0.0123, cosine, batch size 64, flip time"


def test_what_was_chosen_wins_over_the_recipe_and_leaves_the_rest_to_it():
    chosen = {"schedule.initial_rate": 0.5, "batch_size": 16, "label_smoothing": 0.1}
    settings = resolve(
        {**CONFIG, "augment": {"noise": 0.7, "flip_time": None}},
        {"space": [], "values": {**chosen, "tuner/epochs": 2}},
    )
    assert settings.schedule.set_values == {"initial_rate": 0.5}
    assert (settings.batch_size, settings.label_smoothing, settings.epochs) == (16, 0.1, 5)
    assert settings.augment.set_values == {"flip_time": True, "noise": 0.7}
    assert settings.tuned == chosen
    assert settings.digest != resolve(CONFIG).digest


def test_of_grey_levels_neither_inversion_nor_noise_is_searched():
    left_out = keys(space()) - keys(space(normalise="levels"))
    assert left_out == {"augment.invert", "augment.noise"}
