"""Measures a classifier that knows the signals and the noise: a practical upper limit.

    python -m benchmarks.matched_filter DATA [--json OUT] [--workers 2]

DATA is a folder with simulated images of 64 x 128 of the published four or seven classes. The
classifier searches every image for its best straight line, its best parabola and, by dynamic
programming, for a wandering path. With the seven classes, it also searches for pulsed lines, pulsed
wandering paths and single pulses. It learns the response of a pixel to a tone, and the noise, from
simulations of its own. Several small decision rules are fitted to the scores of training images.
The rule with the best cross-validation on the training images is applied to the validation images.
The classifier does not learn from pixels. A model that beats it uses more knowledge, or better
approximations.

Two of the scores are the median and the deviation of an image's grey levels. They tell whether
there is a strong signal, because rendering divides a spectrogram by its greatest value. A model
with `normalise: image` does not see them. The rules are therefore also fitted without them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.metrics import classification_report, confusion_matrix
from sklearn.model_selection import StratifiedKFold, cross_val_score

from benchmarks.matched_filter.decision import list_rules, tabulate
from benchmarks.matched_filter.response import HEIGHT, WIDTH
from benchmarks.matched_filter.scores import GREY_LEVELS, learn, score_images
from data.reading.inventory import take_inventory
from data.reading.layout import Layout
from data.reading.split import split_images, split_labels
from data.seed_layout import CLASS_NAMES, TRAIN, VALIDATION, read_record
from data.simulation.classes import PRIMARY
from data.simulation.dataset import list_image_keys, simulate_signal

# Not the seed of any data set, because the classifier learns from images of its own.
KNOWLEDGE_SEED = 1_000_003

DECIBELS = (2, 4, 6, 8, 10, 12, 15, 18)


def main() -> None:
    """Measure the classifier and print the results as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", type=Path, help="write the metrics to this file too")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument(
        "--learn", type=int, default=200, help="images to simulate for each response (200)"
    )
    arguments = parser.parse_args()
    record = read_record(arguments.data)
    if record is None or (record["height"], record["width"]) != (HEIGHT, WIDTH):
        sys.exit(f"{arguments.data} contains no simulated images of {HEIGHT} x {WIDTH}.")
    if record.get("rendering", "jet") != "jet":
        sys.exit(f"{arguments.data} has the rendering {record['rendering']}; this needs jet.")
    pulsed = set(record["classes"]) == set(PRIMARY)
    if not pulsed and set(record["classes"]) != set(CLASS_NAMES):
        sys.exit(
            f"{arguments.data} has classes other than {', '.join(CLASS_NAMES)}, and other than "
            f"{', '.join(PRIMARY)}."
        )

    started = time.perf_counter()
    knowledge = learn(arguments.learn, KNOWLEDGE_SEED, arguments.workers)
    layout = Layout(tuple(record["classes"]), HEIGHT, WIDTH)
    inventory = take_inventory(str(arguments.data), layout)
    table, table_without_levels, labels = {}, {}, {}
    for split in (TRAIN, VALIDATION):
        images = split_images(inventory, split, layout)
        labels[split] = split_labels(inventory, split, layout)
        scores = score_images(
            images, knowledge, pulsed, arguments.workers, _make_progress(split, len(images))
        )
        table[split] = tabulate(scores)
        table_without_levels[split] = tabulate(
            [{name: row[name] for name in row if name not in GREY_LEVELS} for row in scores]
        )
    metrics = compare_rules(table, labels, layout.classes)
    without_levels = compare_rules(table_without_levels, labels, layout.classes)
    metrics["without grey levels"] = {
        name: without_levels[name] for name in ("rules", "chosen", "accuracy", "classes")
    }
    metrics["seconds"] = round(time.perf_counter() - started, 1)
    predicted = metrics.pop("predicted")
    metrics["recall by strength"] = measure_recall_by_strength(
        record, labels["validation"], predicted
    )
    _print(metrics)
    if arguments.json:
        arguments.json.write_text(json.dumps(metrics, indent=2) + "\n")


def compare_rules(table: dict, labels: dict, classes: tuple[str, ...]) -> dict:
    """Fit every rule to the training scores and apply the best one to the validation scores."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    accuracies, predictions = {}, {}
    for name, rule in list_rules().items():
        cross = cross_val_score(rule, table["train"], labels["train"], cv=folds).mean()
        rule.fit(table["train"], labels["train"])
        predictions[name] = rule.predict(table["validation"])
        accuracy = np.mean(predictions[name] == labels["validation"])
        accuracies[name] = {"cross-validated": float(cross), "validation": float(accuracy)}
    chosen = max(accuracies, key=lambda name: accuracies[name]["cross-validated"])
    truth, predicted = labels["validation"], predictions[chosen]
    indices = range(len(classes))
    report = classification_report(
        truth, predicted, labels=indices, target_names=classes, output_dict=True, zero_division=0
    )
    return {
        "rules": accuracies,
        "chosen": chosen,
        "accuracy": accuracies[chosen]["validation"],
        "classes": {name: report[name] for name in classes},
        "confusion matrix": confusion_matrix(truth, predicted, labels=indices).tolist(),
        "predicted": predicted,
    }


def measure_recall_by_strength(record: dict, labels: np.ndarray, predicted: np.ndarray) -> dict:
    """Return the number of images and the recall, by class and range of decibels."""
    classes = record["classes"]
    keys = list_image_keys("validation", len(labels), classes)
    signals = [simulate_signal(key, record["seed"], record["preset"]) for key in keys]
    strength = np.array([np.nan if signal is None else signal.strength for signal in signals])
    recalls = {}
    for column, name in enumerate(classes):
        for low, high in pairwise(DECIBELS):
            chosen = (labels == column) & (strength >= low) & (strength < high)
            if chosen.any():
                recall = float(np.mean(predicted[chosen] == column))
                recalls.setdefault(name, {})[f"{low}-{high} dB"] = [int(chosen.sum()), recall]
    return recalls


def _make_progress(split: str, total: int):
    def show(done: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{split} {done:,} of {total:,}", end="", file=sys.stderr, flush=True)

    return show


def _print(metrics: dict) -> None:
    _print_rules(metrics)
    names = list(metrics["classes"])
    print(f"\n| actual, predicted as | {' | '.join(names)} |\n|---|{'---:|' * len(names)}")
    for name, row in zip(names, metrics["confusion matrix"], strict=True):
        print(f"| {name} | {' | '.join(map(str, row))} |")
    print("\n| class | strength | images | recall |\n|---|---|---:|---:|")
    for name, ranges in metrics["recall by strength"].items():
        for decibels, (images, recall) in ranges.items():
            print(f"| {name} | {decibels} | {images} | {recall:.3f} |")
    print("\nWithout grey levels:\n")
    _print_rules(metrics["without grey levels"])
    print(f"\n{metrics['seconds']:.0f} s")


def _print_rules(metrics: dict) -> None:
    print("| rule | cross-validated | validation |\n|---|---:|---:|")
    for name, accuracy in metrics["rules"].items():
        print(f"| {name} | {accuracy['cross-validated']:.4f} | {accuracy['validation']:.4f} |")
    print(f"\n{metrics['chosen']}: accuracy {metrics['accuracy']:.4f}\n")
    print("| class | precision | recall | images |\n|---|---:|---:|---:|")
    for name, row in metrics["classes"].items():
        print(f"| {name} | {row['precision']:.4f} | {row['recall']:.4f} | {row['support']:.0f} |")


if __name__ == "__main__":
    main()
