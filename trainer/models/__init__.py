"""The models by name.

Adding one: a file in this folder with `build(height, width, classes)`, `SCHEDULE` and `AUGMENT`,
and a line here. Modules are named and not imported, so that listing them costs no TensorFlow.
"""

from __future__ import annotations

import importlib
from types import ModuleType

MODELS = {
    "compact": "trainer.models.compact",
    "reference": "trainer.models.reference",
}


def load(name: str) -> ModuleType:
    """Return the module of a model: `build`, and the defaults that suit it.

    `SCHEDULE` holds arguments of `trainer.schedule.exponential_decay`, `AUGMENT` those of
    `trainer.augmentation.Augmentation`; configuration wins over both.
    """
    return importlib.import_module(MODELS[name])
