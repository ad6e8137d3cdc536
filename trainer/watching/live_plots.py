"""Plots loss and accuracy in a notebook while a model trains."""

from __future__ import annotations

import keras


def live_plots() -> list[keras.callbacks.Callback]:
    """Return the callbacks to pass to `fit` in a notebook; each epoch redraws the cell's output.

    The plot shows loss and accuracy, each for training and validation. livelossplot draws it and
    counts epochs from 0, as Keras does.

    Raises:
      ModuleNotFoundError: livelossplot is not installed; it belongs to the dependency group
        `notebook`.

    Example:
      model.fit(train, validation_data=validation, epochs=12, callbacks=live_plots())
    """
    # livelossplot imports pyplot and IPython, which only a notebook needs.
    from livelossplot import PlotLossesKeras
    from livelossplot.outputs import MatplotlibPlot

    return [
        PlotLossesKeras(
            outputs=[MatplotlibPlot(figsize=(11, 4))],
            groups={name: [name, f"val_{name}"] for name in ("accuracy", "loss")},
        )
    ]
