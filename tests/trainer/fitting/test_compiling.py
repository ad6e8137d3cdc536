"""The configured optimiser, loss and model."""

from typing import get_args

import keras
import numpy as np
import pytest

from data.invalid import InvalidData
from tests.trainer import small_run
from tests.trainer.small_run import make_settings
from trainer import models
from trainer.config import OptimizerName, ScheduleKind
from trainer.fitting import learning_rate as schedule
from trainer.fitting.compiling import build_model, compile_model, make_optimizer

pytestmark = pytest.mark.usefixtures("tiny_model")

RATE = schedule.make_learning_rate(1, 10, 0.1, kind="constant")


def make_compiled_model(steps_per_epoch: int = 10, **config) -> keras.Model:
    settings = make_settings(epochs=2, **config)
    model = build_model(settings)
    compile_model(model, settings, steps_per_epoch)
    return model


@pytest.mark.parametrize("kind", get_args(ScheduleKind))
def test_every_schedule_that_the_configuration_offers_can_be_compiled(kind):
    rate = make_compiled_model(schedule={"kind": kind}).optimizer.learning_rate
    assert float(rate) == pytest.approx(0.02)


@pytest.mark.parametrize("name", get_args(OptimizerName))
def test_every_optimiser_takes_the_schedule_and_the_clipping(name):
    optimizer = make_optimizer(RATE, name, clip_norm=2.0)
    assert type(optimizer).__name__.lower() == name
    assert optimizer.global_clipnorm == 2.0
    assert float(optimizer.learning_rate) == pytest.approx(0.1)


def test_unset_keys_take_the_defaults_of_keras():
    config, keras_config = (
        optimizer.get_config() for optimizer in (make_optimizer(RATE), keras.optimizers.Adam(RATE))
    )
    # Later releases of Keras number the names.
    assert config | {"name": ""} == keras_config | {"name": ""}
    assert make_optimizer(RATE, "adamw").weight_decay == keras.optimizers.AdamW().weight_decay


def test_weight_decay_applies_to_kernels_but_not_to_biases_and_scales():
    model = make_compiled_model(
        optimizer={"name": "sgd", "weight_decay": 0.1}, schedule={"kind": "constant"}
    )
    for weight in model.trainable_weights:
        weight.assign(np.ones(weight.shape))
    gradients = [np.zeros(weight.shape) for weight in model.trainable_weights]
    model.optimizer.apply(gradients, model.trainable_weights)
    # The step has a rate of 0.02.
    for weight in model.trainable_weights:
        expected = 1 - 0.02 * 0.1 if weight.name == "kernel" else 1
        np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-6, err_msg=weight.path)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_momentum_is_refused_for_optimisers_without_one(name):
    with pytest.raises(InvalidData, match=rf"optimizer\.name: {name} does not accept momen"):
        make_optimizer(RATE, name, momentum=0.9)
    assert make_optimizer(RATE, "sgd", momentum=0.9).momentum == 0.9


def test_configured_keys_override_those_of_the_recipe_one_by_one():
    settings = make_settings(
        model="reference",
        schedule={"initial_rate": None, "decay_steps": 7},
        label_smoothing=None,
    )
    recipe = models.load("reference")
    assert settings.schedule.set_values == {**recipe.schedule, "decay_steps": 7}
    assert settings.augment.set_values == recipe.augment
    assert settings.label_smoothing == 0.0


def test_labels_are_smoothed():
    model = make_compiled_model(label_smoothing=0.3)
    probabilities = np.array([[1.0, 1e-7, 1e-7]])
    # A smoothing of 0.3 gives each of the other two classes 0.1 of the label.
    expected = -2 * 0.1 * np.log(1e-7)
    assert float(model.loss(np.array([[1.0, 0, 0]]), probabilities)) == pytest.approx(
        expected, rel=1e-3
    )


@pytest.mark.parametrize(("requested", "actual"), [(1, 1), (4, 2), (5, 5), (9, 5), (100, 10)])
def test_the_steps_per_execution_divide_an_epoch(requested, actual):
    assert make_compiled_model(steps_per_execution=requested).steps_per_execution == actual


def test_a_model_whose_probabilities_are_not_float32_is_refused(monkeypatch):
    def careless(height, width, classes):
        image = keras.Input((height, width, 1))
        return keras.Model(image, keras.layers.Dense(classes)(keras.layers.Flatten()(image)))

    recipe = models.Recipe(careless, schedule={"initial_rate": 0.1})
    monkeypatch.setattr(small_run, "RECIPE", recipe)
    settings = make_settings(mixed_precision=True)
    with pytest.raises(ValueError, match=r'returns bfloat16\. Create it with dtype="float32"'):
        build_model(settings)
    assert keras.mixed_precision.dtype_policy().name == "float32"
