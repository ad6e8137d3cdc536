"""Loss and accuracy in a notebook, in a kernel of its own."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("livelossplot", reason="the dependency group `notebook` is not installed")

CODE = """
import keras, numpy as np
from trainer.watching.live_plots import live_plots

rng = np.random.default_rng(0)
inputs, labels = rng.normal(size=(64, 4)), np.eye(3)[rng.integers(0, 3, 64)]
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
callbacks = live_plots()
model.fit(
    inputs, labels, epochs=3, validation_data=(inputs, labels), callbacks=callbacks, verbose=0
)
"""


def test_the_cell_ends_with_one_picture_of_loss_and_accuracy():
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE + "None")])
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    pictures = [
        output["data"]["image/png"]
        for output in notebook.cells[0]["outputs"]
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 1, "each epoch replaces the picture of the one before"
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(pictures[0]))).convert("RGB"))
    height, width, _ = pixels.shape
    assert width > 2 * height, "loss and accuracy side by side"
    for half in (pixels[:, : width // 2], pixels[:, width // 2 :]):
        assert half.std() > 0, "something is drawn in each"
