"""Plots of loss and accuracy in a notebook with its own kernel."""

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


@pytest.mark.slow
def test_the_cell_ends_with_one_plot_of_loss_and_accuracy():
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE + "None")])
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    plots = [
        output["data"]["image/png"]
        for output in notebook.cells[0]["outputs"]
        if "image/png" in output.get("data", {})
    ]
    assert len(plots) == 1, "each epoch replaces the plot of the previous one"
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(plots[0]))).convert("RGB"))
    height, width, _ = pixels.shape
    assert width > 2 * height, "loss and accuracy side by side"
    for half in (pixels[:, : width // 2], pixels[:, width // 2 :]):
        assert half.std() > 0, "both halves show something"
