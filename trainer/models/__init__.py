"""The models by name.

Adding one is a file in this folder that ends in `RECIPE = Recipe(build=..., schedule=...)`, and
a line here; docs/adding-a-model.md has an example. Modules are named and not imported, so that
listing them costs no TensorFlow.
"""

from __future__ import annotations

import importlib

from trainer.models.recipe import Recipe

MODELS = {
    "compact": "trainer.models.compact",
    "reference": "trainer.models.reference",
}


def load(name: str) -> Recipe:
    """Return the recipe of a model: how to build it, and defaults that configuration wins over."""
    return importlib.import_module(MODELS[name]).RECIPE
