"""Loads the weights that training starts from: random, from a file, or from a pushed model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from data.fingerprint import fingerprint_file
from data.invalid import InvalidData
from trainer.export.model_card import list_weight_shapes, read_model_card
from trainer.export.network_weights import NETWORK_WEIGHTS, load_network_weights
from trainer.export.pushed_models import PushedModel, find_sound_models
from trainer.settings import Settings
from trainer.watching.epoch_log import logger


@dataclass(frozen=True)
class Start:
    """The origin of the weights that training starts from.

    Attributes:
      kind: "random", "weights file" or "pushed model".
      path: the file or folder; empty for random weights.
      identity: digest of the file, or `model_id` of the pushed model.
    """

    kind: str = "random"
    path: str = ""
    identity: str = ""


def load_starting_weights(model: keras.Model, settings: Settings) -> Start:
    """Load the starting weights into a built model.

    Raises:
      InvalidData: the weights file, or the pushed model that was named, does not fit the model.
    """
    if settings.initial_weights:
        _load_weights(model, settings.initial_weights)
        identity = fingerprint_file(settings.initial_weights)
        return Start("weights file", settings.initial_weights, identity)
    if settings.warm_start_from:
        return _warm_start(model, settings)
    return Start()


def find_newest_fitting(
    serving_dir: str, model: keras.Model, classes: Sequence[str], normalise: str
) -> tuple[PushedModel | None, str]:
    """Find the newest pushed model that fits, to start from.

    A pushed model fits if it has the same classes in the same order and weights of the same
    shapes, and if its images were normalised in the same way. Newer models that do not fit are
    passed over: a change of classes, image size or model is deliberate, and must not make every
    later training run fail.

    Args:
      serving_dir: folder or bucket address with one folder per version.
      model: the model to train.
      classes: classes of this model.
      normalise: normalisation of the images that it will see.

    Returns:
      The pushed model or None, and a sentence that explains the choice.
    """
    reasons: list[str] = []
    for candidate in find_sound_models(serving_dir):
        reason = _explain_misfit(candidate.card, model, classes, normalise)
        if not reason:
            passed_over = f"; passed over: {', '.join(reasons)}" if reasons else ""
            return candidate, f"warm start from {candidate.path}{passed_over}"
        reasons.append(f"{candidate.version} {reason}")
    why = (
        f"no pushed model fits: {', '.join(reasons)}" if reasons else "nothing has been pushed yet"
    )
    return None, f"warm start: {why}; training starts from random weights"


def _explain_misfit(
    card: dict[str, Any], model: keras.Model, classes: Sequence[str], normalise: str
) -> str:
    """Return why a pushed model does not fit; empty if it does."""
    if card.get("classes") != list(classes):
        return "is for other classes"
    if NETWORK_WEIGHTS not in card.get("files", {}):
        return "does not hold its weights in a file"
    if (card["height"], card["width"]) != model.input_shape[1:3]:
        return "is for another image size"
    if card["weights"] != list_weight_shapes(model):
        return "has another architecture"
    if card.get("normalise") != normalise:
        return "uses another normalisation"
    return ""


def _warm_start(model: keras.Model, settings: Settings) -> Start:
    path = settings.warm_start_from
    card = read_model_card(path)
    if card:
        # The runner has already chosen this model, and its path is part of the step's cache key.
        reason = _explain_misfit(card, model, settings.classes, settings.normalise)
        if reason:
            raise InvalidData(
                f"The pushed model {path} {reason}. Train without a warm start, or with the "
                "configuration that it was trained with."
            )
    else:
        pushed, explanation = find_newest_fitting(path, model, settings.classes, settings.normalise)
        logger.info(explanation)
        if pushed is None:
            return Start()
        path, card = pushed.path, pushed.card
    load_network_weights(model, path)
    return Start("pushed model", path, card["model_id"])


def _load_weights(model: keras.Model, path: str) -> None:
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise InvalidData(
            f"The initial weights {path} do not fit the model {model.name} with "
            f"{model.output_shape[-1]} classes: {str(error).splitlines()[0]}"
        ) from error
