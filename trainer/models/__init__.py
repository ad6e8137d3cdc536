"""The models by name.

Adding one: a file in this folder with `build(height, width, classes)` and `SCHEDULE`, and a
line here. Modules are named and not imported, so that listing them costs no TensorFlow.
"""

from __future__ import annotations

import importlib
from types import ModuleType

MODELS = {
    "compact": "trainer.models.compact",
    "reference": "trainer.models.reference",
}


def load(name: str) -> ModuleType:
    """Return the module of a model: `build`, and `SCHEDULE`, its default learning-rate decay."""
    return importlib.import_module(MODELS[name])
