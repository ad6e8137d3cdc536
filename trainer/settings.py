"""The settings of a training run: the configuration, completed by the model's recipe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import Field

from data.invalid import InvalidData
from trainer import models
from trainer.config import (
    EXPONENTIAL_KEYS,
    Normalisation,
    Schedule,
    Section,
    TrainingConfig,
    merge,
    nest,
)
from trainer.models.recipe import Recipe

AnySection = TypeVar("AnySection", bound=Section)

# These keys do not determine the weights: of starting weights, the content counts, not the path.
_WITHOUT_EFFECT = {"checkpoint_dir", "export", "initial_weights", "warm_start_from", "tuned"}


class Settings(TrainingConfig):
    """The configuration of a training run, completed by the model's recipe.

    Attributes:
      initial_weights_digest: digest of the file `initial_weights`.
      warm_start_from: a pushed model, or a folder of them, to start from; empty for none.
      checkpoint_dir: folder for checkpoints of unfinished runs; empty for no checkpoints.
      code: fingerprint of the training code.
      tuned: values that tuning chose, by configuration key.
    """

    normalise: Normalisation
    label_smoothing: float = Field(ge=0, lt=1)
    initial_weights_digest: str = ""
    warm_start_from: str = ""
    checkpoint_dir: str = ""
    code: str = ""
    tuned: dict[str, Any] = {}

    @property
    def recipe(self) -> Recipe:
        """The model's recipe."""
        return models.load(self.model)

    @property
    def digest(self) -> str:
        """A digest of everything that determines the weights."""
        deciding = self.model_dump(mode="json", exclude=_WITHOUT_EFFECT)
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def resolve(
    custom_config: Mapping[str, Any], hyperparameters: Mapping[str, Any] | None = None
) -> Settings:
    """Return the settings of a run.

    Args:
      custom_config: keys of `Settings`. A key that is absent or None, also within a section, takes
        the value of the model's recipe, or else its default.
      hyperparameters: the values that tuning chose, as KerasTuner writes them; None without
        tuning. They take precedence over `custom_config`; a search leaves out keys that were set.

    Raises:
      InvalidData: an augmentation does not fit the normalisation.
      ValueError: a key is unknown, or a value is out of bounds.
    """
    # Names with a slash are KerasTuner's own.
    tuned = {
        key: value
        for key, value in (hyperparameters or {}).get("values", {}).items()
        if "/" not in key
    }
    requested = merge(custom_config, *(nest(key, value) for key, value in tuned.items()))
    recipe = models.load(requested.get("model", TrainingConfig.model_fields["model"].default))
    own = {"normalise": recipe.normalise, "label_smoothing": recipe.label_smoothing}
    settings = Settings.model_validate(merge(own, requested, {"tuned": tuned}))
    # This is not validated again: some keys of the recipe may have no effect with the kind of
    # schedule that the configuration sets.
    settings = settings.model_copy(
        update={
            "schedule": _fill_schedule(settings.schedule, recipe.schedule),
            "optimizer": _fill(settings.optimizer, recipe.optimizer),
            "augment": _fill(settings.augment, recipe.augment),
        }
    )
    if settings.normalise != "image" and settings.augment.invert:
        raise InvalidData(
            "augment.invert changes the sign of images whose mean is 0, but normalise is "
            f"{settings.normalise}. Set normalise=image or augment.invert=false."
        )
    return settings


def resolve_normalisation(custom_config: Mapping[str, Any]) -> str:
    """Return how Transform normalises the images of a run: `image` or `levels`.

    Args:
      custom_config: `normalise`, or `model`, whose recipe decides if `normalise` is unset.
    """
    if custom_config.get("normalise"):
        return custom_config["normalise"]
    model = custom_config.get("model")
    return models.load(model).normalise if model else "image"


def _fill_schedule(requested: Schedule, own_values: Mapping[str, Any]) -> Schedule:
    """Return a schedule in which unset keys have the model's own values, of the kind asked for."""
    schedule = _fill(requested, own_values)
    set_keys = requested.model_dump(exclude_none=True).keys()
    if "kind" not in set_keys and not set_keys.isdisjoint(EXPONENTIAL_KEYS) and schedule.kind:
        return schedule.model_copy(update={"kind": "exponential"})
    return schedule


def _fill(section: AnySection, own_values: Mapping[str, Any]) -> AnySection:
    """Return a section in which unset keys have the model's own values."""
    own = type(section).model_validate(own_values)
    return own.model_copy(update=section.model_dump(exclude_none=True))
