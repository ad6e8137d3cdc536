"""Loss and accuracy, drawn in a notebook while a model trains."""

from __future__ import annotations

import keras


def live_plots() -> list[keras.callbacks.Callback]:
    """Return the callbacks to pass to `fit` in a notebook; each epoch redraws the cell's output.

    The picture has loss and accuracy, each of training and of validation, by livelossplot.
    Epochs are counted from 0 there, as Keras does.

    Raises:
      ModuleNotFoundError: livelossplot is not installed; it belongs to the dependency group
        `notebook`.

    Example:

        model.fit(train, validation_data=validation, epochs=12, callbacks=live_plots())
    """
    # Here, because it imports pyplot and IPython, which nothing but a notebook needs.
    from livelossplot import PlotLossesKeras
    from livelossplot.outputs import MatplotlibPlot

    return [
        PlotLossesKeras(
            outputs=[MatplotlibPlot(figsize=(11, 4))],
            groups={name: [name, f"val_{name}"] for name in ("accuracy", "loss")},
        )
    ]
