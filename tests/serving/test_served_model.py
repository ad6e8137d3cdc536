"""A model that is loaded in this process."""

import numpy as np
import pytest

from pipeline.serving.served_model import UnusableModelError, load_model
from tests.serving.small_models import CLASSES, HEIGHT, WIDTH


def test_grey_levels_are_answered_as_tensorflow_answers_them(models):
    model = load_model(str(models.folder / "model-1"), 7)
    assert (model.version, model.classes) == (7, list(CLASSES))
    assert (model.height, model.width) == (HEIGHT, WIDTH)
    answers = model.classify(models.levels)
    assert list(answers) == ["probabilities", "class", "score"]
    for name in ("probabilities", "score"):
        np.testing.assert_allclose(answers[name], models.answers[1][name], rtol=1e-5)
    assert answers["class"].astype(str).tolist() == models.answers[1]["class"].tolist()


def test_a_model_whose_answers_are_nan_is_refused(models):
    path = models.folder / "model-3"
    with pytest.raises(UnusableModelError) as refusal:
        load_model(str(path), 1)
    assert str(refusal.value) == (
        f"{path} cannot be served because its probabilities do not sum to 1."
    )


def test_a_model_in_a_store_is_brought_here(models, tmp_path):
    address = f"file://{models.folder / 'model-2'}"
    answers = load_model(address, 1).classify(models.levels)
    np.testing.assert_allclose(
        answers["probabilities"], models.answers[2]["probabilities"], rtol=1e-5
    )
