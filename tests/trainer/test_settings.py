"""The settings of training: the configuration over the model's own values."""

import typing

import pytest
from pydantic import ValidationError

from data.invalid import InvalidData
from trainer.config import EXPONENTIAL_KEYS, Section, TrainingConfig
from trainer.settings import Settings, resolve, resolve_normalisation

REQUESTED = {
    "classes": ["stripe", "nothing"],
    "height": 16,
    "width": 24,
    "epochs": 1,
    "batch_size": 8,
    "seed": 0,
}
# A value other than the default, for every key of training.
OTHER_VALUES = {
    "classes": ["stripe", "dot"],
    "height": 32,
    "width": 32,
    "model": "reference",
    "epochs": 3,
    "batch_size": 16,
    "seed": 7,
    "normalise": "levels",
    "label_smoothing": 0.25,
    "class_weights": {"stripe": 2.0},
    "early_stopping": 4,
    "keep_best": "val_accuracy",
    "calibrate": False,
    "mixed_precision": True,
    "steps_per_execution": 5,
    "strategy": "one_device",
    "schedule": {
        "kind": "exponential",
        "initial_rate": 0.125,
        "warmup_epochs": 2.0,
        "decay_steps": 6,
        "decay_rate": 0.75,
        "staircase": True,
    },
    "optimizer": {"name": "sgd", "weight_decay": 0.5, "momentum": 0.25, "clip_norm": 3.0},
    "augment": {
        "flip_time": False,
        "flip_frequency": False,
        "invert": False,
        "shift_frequency": 0.25,
        "noise": 0.5,
    },
    "export": {"tflite": True},
}
LEAVES = [
    (key, name)
    for key, value in OTHER_VALUES.items()
    if key != "export"
    for name in (value if key in ("schedule", "optimizer", "augment") else [None])
]


@pytest.mark.parametrize(
    ("custom_config", "expected"),
    [
        ({"model": "compact"}, "image"),
        ({"model": "reference"}, "levels"),
        ({"model": "reference", "normalise": None}, "levels"),
        ({"model": "reference", "normalise": "image"}, "image"),
        ({}, "image"),
    ],
)
def test_the_models_own_normalisation_is_used_unless_it_is_set(custom_config, expected):
    assert resolve_normalisation(custom_config) == expected


def test_every_key_of_the_configuration_reaches_the_settings():
    settings = resolve(OTHER_VALUES)
    assert settings.model_dump(mode="json", include=set(OTHER_VALUES)) == OTHER_VALUES
    # Starting weights are named and digested separately.
    assert set(OTHER_VALUES) == set(TrainingConfig.model_fields) - {"initial_weights"}


@pytest.mark.parametrize(("key", "name"), LEAVES)
def test_every_key_that_can_decide_the_weights_changes_the_digest(key, name):
    before = {**REQUESTED, "model": "compact", "augment": {"invert": False}}
    value = OTHER_VALUES[key]
    changed = value if name is None else {**before.get(key, {}), name: value[name]}
    if (key, name) == ("optimizer", "momentum"):
        before["optimizer"] = {"name": "rmsprop"}
        changed = {"name": "rmsprop", "momentum": 0.25}
    digests = {resolve(config).digest for config in (before, {**before, key: changed})}
    assert len(digests) == 2 - (name == "invert"), "inversion was off before"


@pytest.mark.parametrize(
    ("key", "value", "decides"),
    [
        ("initial_weights_digest", "0123", True),
        ("code", "4567", True),
        ("initial_weights", "best.weights.h5", False),
        ("checkpoint_dir", "checkpoints", False),
        ("export", {"tflite": True}, False),
        ("warm_start_from", "serving/1", False),
    ],
)
def test_starting_weights_count_by_content_and_not_by_path(key, value, decides):
    changed = resolve({**REQUESTED, key: value}).digest != resolve(REQUESTED).digest
    assert changed is decides


def test_a_key_that_nobody_reads_is_refused():
    with pytest.raises(ValidationError, match="epoch\n  Extra inputs are not permitted"):
        resolve({**REQUESTED, "epoch": 3})
    with pytest.raises(ValidationError, match="flip"):
        resolve({**REQUESTED, "augment": {"flip": True}})


def test_resolved_settings_have_values_where_the_configuration_may_leave_them_open():
    settings = resolve(REQUESTED)
    assert (settings.normalise, settings.label_smoothing) == ("image", 0.0)
    assert settings.schedule.set_values == {
        "kind": "cosine",
        "initial_rate": 0.004,
        "warmup_epochs": 0.5,
    }
    open_keys = {
        name
        for name, field in Settings.model_fields.items()
        if type(None) in typing.get_args(field.annotation)
    }
    assert open_keys == {"class_weights"}, "None means that every image counts the same"


def test_a_kind_of_schedule_may_leave_keys_of_the_recipe_without_effect():
    requested = {**REQUESTED, "model": "reference", "schedule": {"kind": "cosine"}}
    schedule = resolve(requested).schedule
    assert isinstance(schedule, Section)
    assert (schedule.kind, schedule.initial_rate, schedule.decay_rate) == ("cosine", 0.005, 0.96)


@pytest.mark.parametrize("key", EXPONENTIAL_KEYS)
def test_a_key_of_the_exponential_schedule_asks_for_this_kind(key):
    schedule = resolve({**REQUESTED, "schedule": {key: 1}}).schedule
    assert (schedule.kind, getattr(schedule, key)) == ("exponential", 1)


def test_the_reference_model_trains_on_grey_levels_without_inverting_them():
    settings = resolve({**REQUESTED, "model": "reference"})
    assert settings.normalise == "levels"
    assert not settings.augment.invert


def test_inverting_grey_levels_is_refused_with_the_remedy():
    with pytest.raises(InvalidData) as refused:
        resolve({**REQUESTED, "model": "compact", "normalise": "levels"})
    assert str(refused.value) == (
        "augment.invert changes the sign of images whose mean is 0, but normalise is levels. "
        "Set normalise=image or augment.invert=false."
    )
    settings = resolve(
        {**REQUESTED, "model": "compact", "normalise": "levels", "augment": {"invert": False}}
    )
    assert settings.normalise == "levels"
