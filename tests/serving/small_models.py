"""Exports small models without a training run."""

from pathlib import Path

import numpy as np

from trainer.export.model_card_page import MODEL_CARD_PAGE

CLASSES = ("stripe", "dot", "nothing")
HEIGHT, WIDTH = 16, 24
IMAGES = 9

CARD_PAGE = """# Model card: a small one

| | |
|---|---|
| classes | stripe, dot, nothing |

A name of a class may hold <b>HTML</b>.
"""


class FakeTransformOutput:
    """Stands for the output of the Transform step, which takes Beam seconds to write."""

    def __init__(self, config: dict) -> None:
        self._config = config

    def transform_features_layer(self):
        import tensorflow as tf

        from trainer.preprocessing import preprocessing_fn

        def transform(features):
            labels = tf.zeros(tf.shape(features["image"])[0], tf.int64)
            return preprocessing_fn({**features, "label": labels}, self._config)

        return transform

    def raw_feature_spec(self):
        import tensorflow as tf

        return {"image": tf.io.FixedLenFeature([], tf.string)}


def write_models(folder: Path) -> None:
    """Write model-1, model-2, levels.npy, answers-1.npz and answers-2.npz to a new folder.

    The weights of model-3 are NaN.
    """
    import tensorflow as tf

    unfinished = folder.with_name(f"{folder.name}-unfinished")
    unfinished.mkdir()
    shape = (IMAGES, HEIGHT, WIDTH)
    levels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.save(unfinished / "levels.npy", levels)
    for number in (1, 2, 3):
        path = unfinished / f"model-{number}"
        export_model(path, seed=number, has_weights=number < 3)
        classify = tf.saved_model.load(str(path)).signatures["classify_spectrograms"]
        answers = classify(spectrograms=tf.constant((levels / 255).astype(np.float32)))
        np.savez(
            unfinished / f"answers-{number}.npz",
            probabilities=answers["probabilities"].numpy(),
            score=answers["score"].numpy(),
            **{"class": answers["class"].numpy().astype(str)},
        )
    unfinished.rename(folder)


def export_model(path: Path, seed: int, has_weights: bool) -> None:
    """Export a model with random weights, or with NaN for weights."""
    import keras
    from keras import layers

    from trainer.export.saved_model import export
    from trainer.export.served_probabilities import ServedProbabilities
    from trainer.settings import resolve

    config = {"classes": list(CLASSES), "height": HEIGHT, "width": WIDTH, "model": "compact"}
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((HEIGHT, WIDTH, 1)),
            layers.Flatten(),
            layers.Dense(len(CLASSES), activation="softmax"),
        ]
    )
    if not has_weights:
        model.set_weights([np.full_like(weights, np.nan) for weights in model.get_weights()])
    facts = {"model": "a small one", "calibration": {"temperature": None}}
    served = ServedProbabilities(model)
    export(served, FakeTransformOutput(config), resolve(config), facts, str(path))
    (path / MODEL_CARD_PAGE).write_text(CARD_PAGE)
