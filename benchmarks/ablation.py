"""Measures how much each component of `compact` and of its training contributes.

    python -m benchmarks.ablation OUTPUT [--variants NAME ...] [--epochs 12] [--seeds 0]

OUTPUT is the output folder of a run, whose examples and Transform graph are used. A variant is
`compact` with one change, trained by the code of the Trainer step and not exported. When a variant
is finished, the command prints its row of a Markdown table: the validation accuracy of the best
epoch, the mean of the last three epochs, which is free of selection bias, the lowest recall at the
end, and the training speed in images/s.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_transform as tft

from pipeline.config.config import Config
from trainer.fitting.compiling import build_model, compile_model
from trainer.fitting.fitting import fit
from trainer.fitting.precomputed import precompute
from trainer.fitting.preparation import make_repeatable
from trainer.inputs.augmentation import Augmentation
from trainer.inputs.batches import TrainingBatches, read_validation_batches
from trainer.inputs.records import read_records
from trainer.models.recipe import Recipe
from trainer.quality.confusion_matrix import ConfusionMatrix
from trainer.settings import Settings, resolve

# Configuration keys and arguments of `trainer.models.compact.build`, by name of the variant.
VARIANTS: dict[str, dict[str, Any]] = {
    "compact": {},
    "no search": {"search": False},
    "no search, larger CNN": {"search": False, "filters": (16, 24, 48, 64, 96)},
    "no picture": {"filters": ()},
    "larger CNN": {"filters": (16, 24, 48, 64, 96)},
    "no comparison of sagittas": {"search_without": ("sagittas",)},
    "no wandering paths": {"search_without": ("wandering", "near")},
    "none in the whole band": {"search_without": ("wandering",)},
    "none near the best path": {"search_without": ("near",)},
    "carriers not removed": {"search_without": ("carriers",)},
    "nothing about pulses and spots": {"search_without": ("envelope",)},
    "no inversion": {"augment": {"invert": False}},
    "no flips": {"augment": {"flip_time": False, "flip_frequency": False}},
    "shifts of a quarter": {"augment": {"shift_frequency": 0.25}},
    "noise 0.3": {"augment": {"noise": 0.3}},
    "noise 0.6": {"augment": {"noise": 0.6}},
    "no warm-up": {"schedule": {"warmup_epochs": 0.0}},
    "exponential decay": {"schedule": {"kind": "exponential"}},
    "constant rate": {"schedule": {"kind": "constant"}},
    "half the rate": {"schedule": {"initial_rate": 0.002}},
    "twice the rate": {"schedule": {"initial_rate": 0.008}},
    "batches of 16": {"batch_size": 16},
    "batches of 64": {"batch_size": 64},
    "AdamW, decay 0.1": {"optimizer": {"name": "adamw", "weight_decay": 0.1}},
    "label smoothing 0.05": {"label_smoothing": 0.05},
    "mixed precision": {"mixed_precision": True},
    "one step an execution": {"steps_per_execution": 1},
}
BUILD_ARGUMENTS = ("filters", "search", "search_without")


class VariantSettings(Settings):
    """Settings of a variant.

    Attributes:
      build_arguments: changed arguments of `trainer.models.compact.build`.
    """

    build_arguments: dict[str, Any] = {}

    @property
    def recipe(self) -> Recipe:
        """The model's recipe with the changed network."""
        recipe = super().recipe
        build = functools.partial(recipe.build, **self.build_arguments)
        return dataclasses.replace(recipe, build=build)


def make_settings(
    variant: dict[str, Any], card: dict[str, Any], epochs: int, seed: int
) -> Settings:
    """Return the settings of a variant.

    Args:
      variant: a value of `VARIANTS`.
      card: `classes`, `height` and `width`.
      epochs: number of epochs.
      seed: seed of the training.
    """
    changed = {key: value for key, value in variant.items() if key not in BUILD_ARGUMENTS}
    settings = resolve({**card, "model": "compact", "epochs": epochs, "seed": seed, **changed})
    arguments = {key: variant[key] for key in BUILD_ARGUMENTS if key in variant}
    return VariantSettings.model_validate({**dict(settings), "build_arguments": arguments})


def measure(settings: Settings, examples: Path, transform_dir: Path) -> tuple[int, list[float]]:
    """Train once.

    Returns:
      The number of parameters, and a list of the accuracy of the best epoch, the mean accuracy of
      the last three epochs, the lowest recall of the last epoch, and images/s.
    """
    make_repeatable(settings.seed)
    transform = tft.TFTransformOutput(str(transform_dir))
    classes = len(settings.classes)
    train = TrainingBatches(
        read_records([str(examples / "Split-train" / "*")]),
        transform,
        classes,
        settings.batch_size,
        settings.seed,
        Augmentation(**settings.augment.set_values),
    )
    validation = read_validation_batches(
        read_records([str(examples / "Split-validation" / "*")]),
        transform,
        classes,
        settings.batch_size,
    )
    model = build_model(settings)
    task = precompute(model, settings, train, validation)
    compile_model(task.model, settings, train.steps, [ConfusionMatrix(classes)])
    with tempfile.TemporaryDirectory() as folder:
        state = fit(task, settings, folder)
    accuracies = [logs["val_accuracy"] for logs in state.history]
    return model.count_params(), [
        max(accuracies),
        float(np.mean(accuracies[-3:])),
        state.history[-1]["val_lowest_recall"],
        state.images / state.training_seconds,
    ]


def find_newest_artifact(folder: Path) -> Path:
    """Return the artifact with the highest number.

    Raises:
      SystemExit: the folder contains no artifact.
    """
    artifacts = [path for path in folder.glob("*") if path.name.isdigit()]
    if not artifacts:
        sys.exit(f"{folder} contains no artifact. Give the output folder of a finished run.")
    return max(artifacts, key=lambda path: int(path.name))


def main() -> None:
    """Train the variants and print their metrics."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--epochs", type=int, default=Config().epochs)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    arguments = parser.parse_args()
    artifacts = arguments.output / "artifacts"
    examples = find_newest_artifact(artifacts / "SpectrogramExampleGen" / "examples")
    transform_dir = find_newest_artifact(artifacts / "Transform" / "transform_graph")
    default = Config()
    card = {"classes": list(default.classes), "height": default.height, "width": default.width}

    print("| variant | parameters | best epoch | last three | lowest recall | images/s |")
    print("|---|---:|---:|---:|---:|---:|", flush=True)
    for name in arguments.variants:
        metrics = []
        for seed in arguments.seeds:
            settings = make_settings(VARIANTS[name], card, arguments.epochs, seed)
            parameters, seed_metrics = measure(settings, examples, transform_dir)
            metrics.append(seed_metrics)
        best, last, recall, speed = np.mean(metrics, axis=0)
        print(
            f"| {name} | {parameters:,} | {best:.4f} | {last:.4f} | {recall:.4f} | {speed:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
