"""The keys of a search space, and those that the configuration excludes."""

import pytest

from data.invalid import InvalidData
from tests.trainer.small_run import CONFIG, make_settings
from trainer.settings import resolve
from trainer.tuning.search_space import SPACE, build_search_space, describe

pytestmark = pytest.mark.usefixtures("tiny_model")


def build_space(fixed=(), objective="val_accuracy", **config):
    return build_search_space(make_settings(**config), fixed, objective)


def list_keys(space):
    return {entry.name for entry in space.space}


def test_the_defaults_are_the_untuned_values():
    assert build_space().values == {
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


def test_the_models_own_values_are_among_the_choices():
    choices = {entry.name: entry for entry in build_space(optimizer={"name": "adamw"}).space}
    assert set(choices) == set(SPACE)
    assert choices["batch_size"].values == [8, 16, 32, 64, 128]
    assert choices["optimizer.weight_decay"].values == [0.0, 0.004, 0.01, 0.1, 0.3]
    rate = choices["schedule.initial_rate"]
    assert (rate.min_value, rate.max_value) == pytest.approx((0.002, 0.2))


@pytest.mark.parametrize(
    ("fixed", "excluded"),
    [
        (["batch_size"], {"batch_size"}),
        (["augment.noise", "label_smoothing"], {"augment.noise", "label_smoothing"}),
        (["schedule.decay_steps"], {"schedule.kind"}),
        (["optimizer.name"], set()),
    ],
)
def test_configured_keys_are_not_chosen(fixed, excluded):
    assert list_keys(build_space(fixed)) == set(SPACE) - excluded


def test_label_smoothing_is_not_chosen_by_loss_because_it_changes_the_loss():
    assert list_keys(build_space(objective="val_loss")) == set(SPACE) - {"label_smoothing"}


def test_an_empty_space_is_refused():
    with pytest.raises(InvalidData, match=r"nothing left to tune: .* sets all of schedule\."):
        build_space(list(SPACE))


def test_values_that_are_off_are_left_out_of_the_description():
    values = {
        "augment.flip_time": True,
        "augment.noise": 0.0,
        "schedule.kind": "cosine",
        "schedule.initial_rate": 0.012345,
        "batch_size": 64,
    }
    assert describe(values) == "initial rate 0.0123, cosine, batch size 64, flip time"


def test_chosen_values_override_the_recipe_which_sets_the_others():
    chosen = {"schedule.initial_rate": 0.5, "batch_size": 16, "label_smoothing": 0.1}
    settings = resolve(
        {**CONFIG, "augment": {"noise": 0.7, "flip_time": None}},
        {"space": [], "values": {**chosen, "tuner/epochs": 2}},
    )
    assert settings.schedule.set_values == {"initial_rate": 0.5}
    assert (settings.batch_size, settings.label_smoothing, settings.epochs) == (16, 0.1, 5)
    assert settings.augment.set_values == {"flip_time": True, "noise": 0.7}
    assert settings.tuned == chosen
    assert settings.digest != make_settings().digest


def test_inversion_and_noise_are_not_searched_for_grey_levels():
    excluded = list_keys(build_space()) - list_keys(build_space(normalise="levels"))
    assert excluded == {"augment.invert", "augment.noise"}
