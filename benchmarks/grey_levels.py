"""Measures what 8 bits a pixel lose of a spectrogram whose power is known exactly.

    python -m benchmarks.grey_levels [--images 100] [--preset hard] [--workers 2]

Signals are simulated, and each spectrogram is rendered three times: as published, in 256 colours
and grey levels of 8 bits; in 256 colours, but without rounding after that; and without any
rounding. The matched-filter classifier (`benchmarks.matched_filter`) scores all three. Its filter
output is in standard deviations of noise, so differences can be compared with 1. It has learned
from images of 8 bits.
"""

from __future__ import annotations

import argparse
import os
from functools import partial

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.matched_filter.__main__ import KNOWLEDGE_SEED
from benchmarks.matched_filter.response import HEIGHT, WIDTH
from benchmarks.matched_filter.scores import learn, open_pool, score_images
from data.seed_layout import CLASS_NAMES
from data.simulation.dataset import ImageKey, simulate_signal
from data.simulation.presets import PRESETS
from data.simulation.spectrogram import simulate_voltage
from data.spectrogram import choose_oversampling, compute_power, render

# Weights of red, green and blue in PIL's luma (ITU-R 601-2).
LUMA = np.array([0.299, 0.587, 0.114], np.float32)

VARIANTS = ("8 bits", "256 colours", "no rounding")


def render_unrounded(power: np.ndarray, colours: bool) -> np.ndarray:
    """Render power as `data.spectrogram.render` does, but keep grey levels as floats.

    Args:
      power: float32 [rows, channels].
      colours: whether levels are rounded to the 256 colours of jet.

    Returns:
      float32 [height, width], 0 to 255.
    """
    import matplotlib as mpl
    from PIL import Image

    level = np.log(np.maximum(power, 1.0))
    level *= 256.0 / level.max()
    jet = mpl.colormaps["jet"](np.arange(256))[:, :3] * 255.0
    # Colour k stands for levels from k to k + 1. Between their middles, jet is interpolated.
    position = np.floor(np.minimum(level, 255.0)) if colours else level - 0.5
    grey = np.zeros((HEIGHT, WIDTH), np.float32)
    for channel, weight in zip(jet.T, LUMA, strict=True):
        plane = np.interp(position, np.arange(256), channel).astype(np.float32)
        resized = Image.fromarray(plane).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        grey += weight * np.clip(np.asarray(resized), 0.0, 255.0)
    return grey


def simulate(key: ImageKey, preset: str) -> np.ndarray:
    """Return one spectrogram in all variants, float32 [variants, height, width]."""
    oversampling = choose_oversampling(HEIGHT, WIDTH)
    rows, channels = oversampling * HEIGHT, oversampling * WIDTH
    rng = np.random.default_rng([CLASS_NAMES.index(key.class_name), key.number])
    voltage = simulate_voltage(simulate_signal(key, 0, preset), rows, channels, rng)
    power = compute_power(voltage.reshape(rows, channels))
    published = render(power, HEIGHT, WIDTH).astype(np.float32)
    unrounded = (render_unrounded(power, colours) for colours in (True, False))
    return np.stack([published, *unrounded])


def summarise(scores: list[dict[str, float]]) -> dict[str, np.ndarray]:
    """Return the scores that say how clearly there is a signal, each [images]."""
    wanders = [name for name in scores[0] if name.startswith("wander") and "evidence" in name]
    return {
        "straight line, deviations": np.array([row["line deviations"] for row in scores]),
        "curve, deviations": np.array([row["curve deviations"] for row in scores]),
        "wandering line, evidence": np.array([max(row[w] for w in wanders) for row in scores]),
    }


def main() -> None:
    """Print the differences, and how well signals are told from noise, as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=100, help="images of each class (100)")
    parser.add_argument("--preset", default="hard", choices=list(PRESETS))
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument(
        "--learn", type=int, default=200, help="images to simulate for each response (200)"
    )
    arguments = parser.parse_args()
    classes = np.repeat(CLASS_NAMES, arguments.images)
    keys = [
        ImageKey("validation", name, i) for name in CLASS_NAMES for i in range(arguments.images)
    ]
    with open_pool(arguments.workers) as run:
        images = np.stack(list(run(partial(simulate, preset=arguments.preset), keys)))
    knowledge = learn(arguments.learn, KNOWLEDGE_SEED, arguments.workers)
    scores = {
        variant: summarise(score_images(images[:, index], knowledge, arguments.workers))
        for index, variant in enumerate(VARIANTS)
    }
    _print_differences(scores, classes)
    _print_areas(scores, classes)


def _print_differences(scores: dict, classes: np.ndarray) -> None:
    print("| score | images | | 8 bits | 256 colours - 8 bits | no rounding - 8 bits |")
    print("|---|---|---|---:|---:|---:|")
    published = scores[VARIANTS[0]]
    for name, values in published.items():
        for which, chosen in (("noise", classes == "noise"), ("signals", classes != "noise")):
            own = values[chosen]
            others = [scores[variant][name][chosen] - own for variant in VARIANTS[1:]]
            for statistic in (np.mean, np.std):
                cells = [f"{statistic(each):.3f}" for each in (own, *others)]
                word = "mean" if statistic is np.mean else "standard deviation"
                print(f"| {name} | {which} | {word} | {' | '.join(cells)} |")


def _print_areas(scores: dict, classes: np.ndarray) -> None:
    print("\n| area under the ROC curve, against noise | " + " | ".join(VARIANTS) + " |")
    print("|---|" + "---:|" * len(VARIANTS))
    fitting = dict(
        zip(("narrowband", "narrowbanddrd", "squiggle"), scores[VARIANTS[0]], strict=True)
    )
    for class_name, score in fitting.items():
        chosen = (classes == class_name) | (classes == "noise")
        areas = [
            roc_auc_score(classes[chosen] != "noise", scores[variant][score][chosen])
            for variant in VARIANTS
        ]
        print(f"| {class_name}, by {score} | " + " | ".join(f"{a:.4f}" for a in areas) + " |")


if __name__ == "__main__":
    main()
