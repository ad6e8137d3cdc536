"""The example in docs/adding-a-model.md is complete."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.loading import load_config
from tests.trainer.small_run import CLASSES, HEIGHT, WIDTH, fn_args
from trainer import models
from trainer.training import run_fn

PAGE = Path(__file__).parents[3] / "docs" / "adding-a-model.md"


@pytest.fixture
def separable(tmp_path, monkeypatch) -> None:
    """The file and the registration from the page, under a name that no package has."""
    text = PAGE.read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert '"separable": "trainer.models.separable",' in text
    (tmp_path / "separable_of_the_page.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(models.MODELS, "separable", "separable_of_the_page")


@pytest.mark.slow
def test_the_example_trains_and_serves_with_its_own_recipe(separable, small_data, tmp_path):
    assert load_config(settings=("model=separable",)).model == "separable"
    run_fn(
        fn_args(small_data, tmp_path, model="separable", epochs=2, schedule={"kind": "constant"})
    )
    card = json.loads((tmp_path / "Format-Serving/assets.extra/model.json").read_text())
    training = card["training"]
    assert training["model"] == "separable"
    assert training["schedule"] == {"kind": "constant", "initial_rate": 0.01, "warmup_epochs": 1}
    assert training["optimizer"] == {"name": "adamw", "weight_decay": 0.01, "clip_norm": 1.0}
    assert training["label_smoothing"] == 0.05
    served = tf.saved_model.load(str(tmp_path / "Format-Serving"))
    answer = served.signatures["classify_spectrograms"](tf.zeros([2, HEIGHT, WIDTH]))
    assert answer["probabilities"].shape == (2, len(CLASSES))
    np.testing.assert_allclose(answer["probabilities"].numpy().sum(1), 1, rtol=1e-5)
