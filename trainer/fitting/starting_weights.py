"""What weights training starts from: random ones, those of a file, or of a pushed model."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf
from tfx.utils import io_utils

from data.fingerprint import file_fingerprint
from data.invalid import InvalidData
from trainer.export.model_card import read_model_card
from trainer.export.pushed_models import PushedModel, pushed_models
from trainer.settings import Settings
from trainer.watching.epoch_log import logger


@dataclass(frozen=True)
class Start:
    """Where the weights came from that training started with.

    Attributes:
      kind: "random", "weights file" or "pushed model".
      path: the file or folder, empty for random ones.
      identity: digest of the file, or the pushed model's `model_id`.
    """

    kind: str = "random"
    path: str = ""
    identity: str = ""


def load_starting_weights(model: keras.Model, settings: Settings) -> Start:
    """Give a built model the weights that it is to start from.

    Raises:
      InvalidData: a weights file, or the pushed model that was named, does not fit the model.
    """
    if settings.initial_weights:
        _load_weights(model, settings.initial_weights)
        identity = file_fingerprint(settings.initial_weights)
        return Start("weights file", settings.initial_weights, identity)
    if settings.warm_start_from:
        return _warm_start(model, settings)
    return Start()


def newest_fitting(
    serving_dir: str, model: keras.Model, classes: Sequence[str], normalise: str
) -> tuple[PushedModel | None, str]:
    """Find the pushed model to start from: the newest that fits.

    It fits if it answers the same classes in the same order, has weights of the same shapes and
    was trained on images normalised alike. Newer ones that do not fit are passed over, because a
    change of classes, image size or model is meant, and is no reason for training every night to
    fail from then on.

    Args:
      serving_dir: folder or bucket address that holds one folder a version.
      model: to be trained.
      classes: that it is to be trained for.
      normalise: how the images are normalised that it is to be trained on.

    Returns:
      The pushed model or None, and a sentence that says what was found.
    """
    pushed = pushed_models(serving_dir)
    reasons = []
    for candidate in reversed(pushed):
        reason = _misfit(candidate.card, model, classes, normalise)
        if not reason:
            passed = f"; passed over: {', '.join(reasons)}" if reasons else ""
            return candidate, f"warm start from {candidate.path}{passed}"
        reasons.append(f"{candidate.version} {reason}")
    why = f"no pushed model fits: {', '.join(reasons)}" if pushed else "nothing has been pushed yet"
    return None, f"warm start: {why}; training starts from random weights"


def weight_shapes(model: keras.Model) -> list[list[int]]:
    """Return the shape of each weight, in the model's order: by these a warm start is checked."""
    return [list(weight.shape) for weight in model.weights]


def _misfit(card: dict, model: keras.Model, classes: Sequence[str], normalise: str) -> str:
    """Why a pushed model does not fit; empty if it does."""
    if card.get("classes") != list(classes):
        return "is for other classes"
    if "weights" not in card:
        return "does not say what weights it holds"
    if (card["height"], card["width"]) != model.input_shape[1:3]:
        return "is for another image size"
    if card["weights"] != weight_shapes(model):
        return "is of another architecture"
    if card.get("normalise") != normalise:
        return "sees images normalised otherwise"
    return ""


def _warm_start(model: keras.Model, settings: Settings) -> Start:
    path = settings.warm_start_from
    card = read_model_card(path)
    if card:
        # Chosen before: a runner has looked, and the path is part of what the step is cached by.
        reason = _misfit(card, model, settings.classes, settings.normalise)
        if reason:
            raise InvalidData(
                f"The pushed model {path} {reason}. Train without a warm start, or with the "
                "configuration that it was trained with."
            )
    else:
        chosen, found = newest_fitting(path, model, settings.classes, settings.normalise)
        logger.info(found)
        if chosen is None:
            return Start()
        path, card = chosen.path, chosen.card
    # A copy, because TensorFlow itself cannot open every store that models are pushed to.
    with tempfile.TemporaryDirectory() as local:
        io_utils.copy_dir(path, local)
        stored = tf.saved_model.load(local).network_weights
        model.set_weights([variable.numpy() for variable in stored])
    return Start("pushed model", path, card["model_id"])


def _load_weights(model: keras.Model, path: str) -> None:
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise InvalidData(
            f"The initial weights {path} do not fit the model {model.name} with "
            f"{model.output_shape[-1]} classes: {str(error).splitlines()[0]}"
        ) from error
