"""The training configuration: every key with its type, its bounds, its default and its meaning.

A key that is None is unset. `trainer.settings.resolve` gives it the model's own value.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH
from trainer.models import MODELS

Fraction = Annotated[float, Field(ge=0, le=1)]
"""A number from 0 to 1."""

ClassName = Annotated[str, Field(coerce_numbers_to_str=True)]
"""The name of a class. YAML reads names such as 0 as numbers."""

Normalisation = Literal["image", "levels"]
Monitor = Literal["val_accuracy", "val_loss"]
ScheduleKind = Literal["exponential", "cosine", "constant"]
OptimizerName = Literal["adam", "adamw", "rmsprop", "sgd"]


class Section(BaseModel):
    """A group of configuration keys. Defaults are checked too, and values cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @property
    def set_values(self) -> dict[str, Any]:
        """The keys that have been set, with their values."""
        return self.model_dump(exclude_unset=True)


EXPONENTIAL_KEYS = ("decay_steps", "decay_rate", "staircase")
"""Keys of `Schedule` that only its kind `exponential` has."""


class Schedule(Section):
    """How the learning rate changes over a run. Unset keys take the model's own values."""

    kind: ScheduleKind | None = Field(
        default=None,
        description="How the rate falls. `cosine` ends at a hundredth of the initial rate. A key "
        "that is for `exponential` only also sets this kind.",
    )
    initial_rate: float | None = Field(
        default=None, gt=0, description="The rate at the start, or at the end of the warm-up."
    )
    warmup_epochs: float | None = Field(
        default=None,
        ge=0,
        description="Epochs, such as 0.5, in which the rate first rises from 0.",
    )
    decay_steps: int | None = Field(
        default=None,
        gt=0,
        description="For `exponential` only: the rate is multiplied by `decay_rate` over this many "
        "steps. If the model sets none either, the rate ends at a hundredth of the initial rate.",
    )
    decay_rate: float | None = Field(
        default=None, gt=0, le=1, description="For `exponential` only: see `decay_steps`."
    )
    staircase: bool | None = Field(
        default=None,
        description="For `exponential` only: whether the rate falls once every `decay_steps` "
        "instead of at every step.",
    )

    @model_validator(mode="after")
    def _decays_only_exponentially(self) -> Schedule:
        if self.kind in ("cosine", "constant"):
            for key in EXPONENTIAL_KEYS:
                if getattr(self, key) is not None:
                    raise ValueError(f"{key} is for the kind exponential, not for {self.kind}")
        return self


class Optimizer(Section):
    """The optimiser. Unset keys take the model's own values, or those of Keras."""

    name: OptimizerName | None = Field(default=None, description="The Keras optimiser.")
    weight_decay: float | None = Field(
        default=None,
        ge=0,
        description="Decoupled weight decay, as a fraction of the learning rate. Biases and the "
        "scales of normalisation layers do not decay.",
    )
    momentum: float | None = Field(
        default=None, ge=0, lt=1, description="Momentum, for `sgd` and `rmsprop` only."
    )
    clip_norm: float | None = Field(
        default=None, gt=0, description="The largest norm of the gradients, taken as one vector."
    )

    @model_validator(mode="after")
    def _has_momentum(self) -> Optimizer:
        if self.name in ("adam", "adamw") and self.momentum is not None:
            raise ValueError(f"momentum is for sgd and rmsprop, not for {self.name}")
        return self


class Augment(Section):
    """Random changes to training images. Unset keys take the model's own values.

    `trainer/inputs/augmentation.py` explains which changes keep the class of a spectrogram.
    """

    flip_time: bool | None = Field(default=None, description="Reverse time in half of the images.")
    flip_frequency: bool | None = Field(
        default=None, description="Reverse frequency in half of the images."
    )
    invert: bool | None = Field(
        default=None, description="Change the sign of half of the images. Needs `normalise: image`."
    )
    shift_frequency: float | None = Field(
        default=None,
        ge=0,
        le=0.5,
        description="The largest cyclic shift, as a fraction of the image's width.",
    )
    noise: float | None = Field(
        default=None,
        ge=0,
        description="The standard deviation of added noise, in standard deviations of the image.",
    )


class Tuning(Section):
    """A search for better training settings before training.

    It chooses the keys that `trainer/tuning/search_space.py` lists, except those that the
    configuration sets.
    """

    enabled: bool = Field(
        default=False, description="Whether to search. The command `radio-signals tune` sets it."
    )
    trials: int = Field(
        default=20,
        ge=1,
        description="The largest number of trials. The first uses the untuned settings.",
    )
    minutes: float | None = Field(
        default=None,
        gt=0,
        description="The time limit of the search, including the time before an interruption. The "
        "trial that reaches it ends after the current epoch. null: no limit.",
    )
    algorithm: Literal["bayesian", "random", "hyperband"] = Field(
        default="bayesian", description="`hyperband` begins with trials of few epochs."
    )
    epochs: int | None = Field(
        default=None, ge=1, description="Epochs per trial. null: half the epochs of training."
    )
    objective: Monitor = Field(
        default="val_accuracy", description="The metric that ranks the trials."
    )


class Export(Section):
    """What is exported beside the SavedModel."""

    tflite: bool = Field(
        default=False,
        description="Whether to add a model for TensorFlow Lite, `assets.extra/model.tflite`. It "
        "must decide like the SavedModel.",
    )


class TrainingConfig(Section):
    """Keys that decide how a model is trained."""

    classes: tuple[str, ...] = Field(
        default=CLASS_NAMES,
        description="The names of the classes, in the order of the label columns.",
    )
    height: int = Field(default=HEIGHT, ge=16, description="Pixels along time.")
    width: int = Field(default=WIDTH, ge=16, description="Pixels along frequency.")
    model: str = Field(
        default="compact", description="The network.", json_schema_extra={"enum": list(MODELS)}
    )
    epochs: int = Field(default=12, ge=1, description="Passes over all training images.")
    batch_size: int = Field(
        default=32, ge=1, description="Images per training step, over all devices together."
    )
    seed: int = Field(
        default=0,
        ge=0,
        lt=2**31,
        description="Determines everything random, including how the data are shuffled.",
    )
    initial_weights: str = Field(
        default="", description="A `.weights.h5` file to start from. Empty: random weights."
    )
    normalise: Normalisation | None = Field(
        default=None,
        description="`image` brings each spectrogram to mean 0 and standard deviation 1, so that "
        "brightness and contrast have no effect. `levels` keeps grey levels from 0 to 1. null: "
        "the model's own choice.",
    )
    label_smoothing: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="The fraction of each label that is spread over all classes. Losses are "
        "computed with the smoothed labels. null: the model's own value.",
    )
    class_weights: (
        Literal["balanced"] | dict[ClassName, Annotated[float, Field(gt=0, strict=True)]] | None
    ) = Field(
        default=None,
        description="The weight of an image of each class in the training loss. `balanced`: all "
        "classes have the same total weight. A class that is not named has weight 1. null: all "
        "images have the same weight.",
    )
    early_stopping: int = Field(
        default=0,
        ge=0,
        description="Training ends after this many epochs without improvement. 0: never.",
    )
    keep_best: Monitor = Field(
        default="val_loss",
        description="The metric that decides which epoch is best. It selects the weights to "
        "export and controls early stopping.",
    )
    calibrate: bool = Field(
        default=True,
        description="Whether to calibrate the served probabilities with a temperature fitted on "
        "the validation split, and to lower those of images that are unlike the training images. "
        "The most probable class stays the same.",
    )
    mixed_precision: bool = Field(
        default=False,
        description="Whether to compute in bfloat16, with weights and probabilities in float32. "
        "It is slower on processors without bfloat16.",
    )
    steps_per_execution: int = Field(
        default=10,
        ge=1,
        description="Training steps between two updates of the progress. Fewer updates take less "
        "time. Rounded down to a divisor of the steps of an epoch. Always 1 with several replicas.",
    )
    strategy: Literal["auto", "one_device", "mirrored", "multi_worker"] = Field(
        default="auto",
        description="The devices that train. `mirrored`: all GPUs of this machine. "
        "`multi_worker`: the cluster in the environment variable `TF_CONFIG`. `auto`: the cluster "
        "if there is one, else all GPUs.",
    )
    schedule: Schedule = Schedule()
    optimizer: Optimizer = Optimizer()
    augment: Augment = Augment()
    export: Export = Export()

    @field_validator("classes")
    @classmethod
    def _are_distinct(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(classes) < 2 or len(set(classes)) != len(classes) or not all(classes):
            raise ValueError("at least two different class names are needed")
        return classes

    @field_validator("model")
    @classmethod
    def _is_registered(cls, model: str) -> str:
        if model not in MODELS:
            raise ValueError(f"there is no such model; the models are {', '.join(MODELS)}")
        return model

    @field_validator("class_weights")
    @classmethod
    def _weigh_known_classes(cls, weights: Any, validated: ValidationInfo) -> Any:
        if isinstance(weights, dict):
            refuse_unknown_classes(weights, validated.data.get("classes", ()))
        return weights


def refuse_unknown_classes(names: Iterable[str], classes: Sequence[str]) -> None:
    """Raise a ValueError that suggests the nearest class if a name is not a class.

    Args:
      names: names to check.
      classes: all classes; empty if they are invalid, which is reported separately.
    """
    for name in names:
        if classes and name not in classes:
            (nearest,) = difflib.get_close_matches(name, classes, n=1, cutoff=0)
            raise ValueError(f'there is no class "{name}". Did you mean "{nearest}"?')


def nest(key: str, value: Any) -> dict[str, Any]:
    """Return a nested mapping with one value at a dotted key."""
    for name in reversed(key.split(".")):
        value = {name: value}
    return value


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested mappings. Later values replace earlier ones; None replaces nothing."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, Mapping):
                below = merged.get(key)
                merged[key] = merge(below if isinstance(below, Mapping) else {}, value)
            elif value is not None:
                merged[key] = value
    return merged
