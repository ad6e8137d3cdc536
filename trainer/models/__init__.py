"""Lists the models by name.

To add a model, write one file in this folder that ends in `RECIPE = Recipe(build=...,
schedule=...)`, and register it here in one line. docs/adding-a-model.md has an example. The table
holds names of modules, so that listing the models does not import TensorFlow.
"""

from __future__ import annotations

import importlib

from trainer.models.recipe import Recipe

MODELS = {
    "compact": "trainer.models.compact",
    "reference": "trainer.models.reference",
}


def load(name: str) -> Recipe:
    """Return the recipe of a model: how to build it, and its default training settings."""
    recipe: Recipe = importlib.import_module(MODELS[name]).RECIPE
    return recipe
