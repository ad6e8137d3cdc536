"""How well a classifier does that knows the signals and the noise: a practical limit.

    python -m benchmarks.matched_filter DATA [--json OUT] [--workers 2]

DATA is a simulated folder of the published size and classes. Every image is searched for its best
straight line, its best parabola and, by dynamic programming, for a wandering path; the response of
a pixel to a tone, and the noise, are learned from simulations made for it. A small decision rule is
fitted on the scores of the training images. Of several rules, the one that does best in
cross-validation on the training images is scored on the validation images. No pixels are learned
from: whoever beats it has used more than it knows, or has it beaten by its approximations.
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

from benchmarks.matched_filter.decision import columns, rules
from benchmarks.matched_filter.response import HEIGHT, WIDTH
from benchmarks.matched_filter.scores import learn, score_images
from data.reading.inventory import take_inventory
from data.reading.layout import Layout
from data.reading.split import split_images, split_labels
from data.seed_layout import CLASS_NAMES, SPLITS, read_record
from data.simulation.dataset import list_image_keys, simulate_signal

# Not the seed of any data set: what the classifier knows comes from images of its own.
KNOWLEDGE_SEED = 1_000_003

DECIBELS = (2, 4, 6, 8, 10, 12, 15, 18)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument(
        "--learn", type=int, default=200, help="images simulated for each response (200)"
    )
    arguments = parser.parse_args()
    record = read_record(arguments.data)
    if record is None or (record["height"], record["width"]) != (HEIGHT, WIDTH):
        sys.exit(f"{arguments.data} does not hold simulated images of {HEIGHT} x {WIDTH}.")
    if set(record["classes"]) != set(CLASS_NAMES):
        sys.exit(f"{arguments.data} has other classes than {', '.join(CLASS_NAMES)}.")

    started = time.perf_counter()
    knowledge = learn(arguments.learn, KNOWLEDGE_SEED, arguments.workers)
    layout = Layout(tuple(record["classes"]), HEIGHT, WIDTH)
    inventory = take_inventory(str(arguments.data), layout)
    table, labels = {}, {}
    for split in SPLITS:
        images = split_images(inventory, split, layout)
        labels[split] = split_labels(inventory, split, layout)
        scores = score_images(images, knowledge, arguments.workers, _shown(split, len(images)))
        table[split] = columns(scores)[1]
    figures = compare_rules(table, labels, layout.classes)
    figures["seconds"] = round(time.perf_counter() - started, 1)
    predicted = figures.pop("predicted")
    figures["recall by strength"] = recall_by_strength(record, labels["validation"], predicted)
    _print(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


def compare_rules(table: dict, labels: dict, classes: tuple[str, ...]) -> dict:
    """Fit every rule on the training scores; score the best of them on validation."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    accuracies, predictions = {}, {}
    for name, rule in rules().items():
        cross = cross_val_score(rule, table["train"], labels["train"], cv=folds).mean()
        rule.fit(table["train"], labels["train"])
        predictions[name] = rule.predict(table["validation"])
        right = np.mean(predictions[name] == labels["validation"])
        accuracies[name] = {"cross-validated": float(cross), "validation": float(right)}
    chosen = max(accuracies, key=lambda name: accuracies[name]["cross-validated"])
    truth, predicted = labels["validation"], predictions[chosen]
    names = dict(labels=range(len(classes)), target_names=classes)
    report = classification_report(truth, predicted, **names, output_dict=True, zero_division=0)
    return {
        "rules": accuracies,
        "chosen": chosen,
        "accuracy": accuracies[chosen]["validation"],
        "classes": {name: report[name] for name in classes},
        "confusion matrix": confusion_matrix(truth, predicted, labels=names["labels"]).tolist(),
        "predicted": predicted,
    }


def recall_by_strength(record: dict, labels: np.ndarray, predicted: np.ndarray) -> dict:
    """By class and range of decibels: images and the part of them that is recognised."""
    classes = record["classes"]
    keys = list_image_keys("validation", len(labels), classes)
    signals = [simulate_signal(key, record["seed"], record["preset"]) for key in keys]
    strength = np.array([np.nan if signal is None else signal.strength for signal in signals])
    found = {}
    for column, name in enumerate(classes):
        for low, high in pairwise(DECIBELS):
            chosen = (labels == column) & (strength >= low) & (strength < high)
            if chosen.any():
                recall = float(np.mean(predicted[chosen] == column))
                found.setdefault(name, {})[f"{low}-{high} dB"] = [int(chosen.sum()), recall]
    return found


def _shown(split: str, total: int):
    def show(done: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{split} {done:,} of {total:,}", end="", file=sys.stderr, flush=True)

    return show


def _print(figures: dict) -> None:
    print("| rule | cross-validated | validation |\n|---|---:|---:|")
    for name, accuracy in figures["rules"].items():
        print(f"| {name} | {accuracy['cross-validated']:.4f} | {accuracy['validation']:.4f} |")
    print(f"\n{figures['chosen']}: accuracy {figures['accuracy']:.4f}\n")
    print("| class | precision | recall | images |\n|---|---:|---:|---:|")
    for name, row in figures["classes"].items():
        print(f"| {name} | {row['precision']:.4f} | {row['recall']:.4f} | {row['support']:.0f} |")
    names = list(figures["classes"])
    print(f"\n| truth, taken for | {' | '.join(names)} |\n|---|{'---:|' * len(names)}")
    for name, row in zip(names, figures["confusion matrix"], strict=True):
        print(f"| {name} | {' | '.join(map(str, row))} |")
    print("\n| class | strength | images | recall |\n|---|---|---:|---:|")
    for name, ranges in figures["recall by strength"].items():
        for decibels, (images, recall) in ranges.items():
            print(f"| {name} | {decibels} | {images} | {recall:.3f} |")
    print(f"\n{figures['seconds']:.0f} s")


if __name__ == "__main__":
    main()
