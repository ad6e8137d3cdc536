"""Scores images by how much better than noise each kind of path explains them."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.matched_filter.curves import CurveSearch
from benchmarks.matched_filter.pulses import PulseSearch
from benchmarks.matched_filter.response import (
    Profiles,
    Whitening,
    draw_straight_tone,
    draw_wandering_tone,
    learn_profiles,
)
from benchmarks.matched_filter.wander import WANDERS, Wander, WanderSearch

# Strengths in decibels: midpoints of equal intervals of the hard preset's ranges, 2 to 15 and 6 to
# 18.
LINE_STRENGTHS = np.arange(2.5, 15.0, 1.5)
WANDER_STRENGTHS = np.arange(7.2, 18.0, 2.4)

# The same for pulsed lines, pulsed squiggles and bright pixels: 5 to 15, 9 to 18 and 12 to 21.
PULSED_STRENGTHS = np.arange(6.0, 15.0, 2.0)
PULSED_WANDER_STRENGTHS = np.arange(10.0, 18.0, 2.0)
SHORT_STRENGTHS = np.arange(12.5, 21.0, 1.0)

# Strengths in decibels at which the response to a tone is learned.
LEARNED_LINES = np.array([2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 18.0, 21.0])
LEARNED_WANDERS = np.array([6.0, 9.0, 12.0, 15.0, 18.0])

# Scores that depend on how an image was rendered, and not only on the pattern in it.
GREY_LEVELS = ("grey level", "grey deviation")

IMAGES_PER_BATCH = 16


@dataclass(frozen=True)
class Knowledge:
    """What the classifier knows about signals and noise.

    Attributes:
      whitening: the whitening of the noise.
      straight: the response to a drifting tone.
      wandering: the response to a wandering tone for each of `WANDERS`.
    """

    whitening: Whitening
    straight: Profiles
    wandering: tuple[Profiles, ...]


def learn(images: int, seed: int, workers: int) -> Knowledge:
    """Learn from simulations.

    Args:
      images: images to simulate for each response.
      seed: seed of the simulation.
      workers: number of processes.
    """
    whitening = Whitening.learn(images, seed)
    learn_wander = partial(_learn_profiles, whitening=whitening, seed=seed, images=images)
    with open_pool(workers) as run:
        straight, *wandering = run(learn_wander, (None, *WANDERS))
    return Knowledge(whitening, straight, tuple(wandering))


def _learn_profiles(
    wander: Wander | None, whitening: Whitening, seed: int, images: int
) -> Profiles:
    if wander is None:
        moves = np.arange(0.0, 1.76, 0.25)
        return learn_profiles(
            draw_straight_tone, moves, LEARNED_LINES, 10.0, whitening, seed, images, smoothing=0.15
        )
    moves = np.arange(0.0, wander.moves[-1] + 0.1, wander.step)
    return learn_profiles(
        partial(draw_wandering_tone, deviation=wander.deviation),
        moves,
        LEARNED_WANDERS,
        14.0,
        whitening,
        seed,
        images,
        smoothing=0.1 + 0.1 * wander.deviation,
    )


class Scorer:
    """Computes the scores of images.

    Args:
      knowledge: of signals and noise.
      pulsed: whether to search for pulsed signals and bright pixels too.
    """

    def __init__(self, knowledge: Knowledge, pulsed: bool) -> None:
        self.whiten = knowledge.whitening
        self.curves = CurveSearch(knowledge.straight, LINE_STRENGTHS)
        self.pulses = None
        if pulsed:
            self.pulses = PulseSearch(
                self.curves, knowledge.straight, PULSED_STRENGTHS, SHORT_STRENGTHS
            )
        kinds = list(zip(WANDERS, knowledge.wandering, strict=True))
        self.wanders = [WanderSearch(*kind, WANDER_STRENGTHS) for kind in kinds]
        if pulsed:
            self.wanders += [
                WanderSearch(*kind, PULSED_WANDER_STRENGTHS, pulsed=True) for kind in kinds[::2]
            ]

    def __call__(self, images: np.ndarray) -> list[dict[str, float]]:
        """Return the scores of images, uint8 [n, height, width], by name."""
        dark = self.whiten(images)
        scores = [self._score(image) for image in dark]
        for search in self.wanders:
            evidence = search(dark)
            for row, values in zip(scores, evidence, strict=True):
                name = f"{'pulsed ' * search.pulsed}wander {search.wander.deviation}"
                row[f"{name} evidence"] = float(np.logaddexp.reduce(values) - np.log(len(values)))
                row[f"{name} strength"] = float(search.strengths[values.argmax()])
        for row, image in zip(scores, images, strict=True):
            levels = (float(np.median(image)), float(image.std()))
            row |= dict(zip(GREY_LEVELS, levels, strict=True))
        return scores

    def _score(self, dark: np.ndarray) -> dict[str, float]:
        rows = self.curves.filter(dark)
        scores = self.curves.score(rows)
        return scores | self.pulses(rows) if self.pulses else scores


def score_images(
    images: np.ndarray,
    knowledge: Knowledge,
    pulsed: bool,
    workers: int,
    progress: Callable[[int], None] | None = None,
) -> list[dict[str, float]]:
    """Return the scores of images, uint8 [n, height, width], in their order."""
    starts = range(0, len(images), IMAGES_PER_BATCH)
    batches = [images[start : start + IMAGES_PER_BATCH] for start in starts]
    scores = []
    with open_pool(workers, _prepare, knowledge, pulsed) as run:
        for batch in run(_score, batches):
            scores += batch
            if progress is not None:
                progress(len(scores))
    return scores


_scorer: Scorer | None = None


def _prepare(knowledge: Knowledge, pulsed: bool) -> None:
    global _scorer  # noqa: PLW0603 - each worker process has one.
    _scorer = Scorer(knowledge, pulsed)


def _score(images: np.ndarray) -> list[dict[str, float]]:
    return _scorer(images)


@contextmanager
def open_pool(workers: int, prepare: Callable | None = None, *arguments) -> Iterator[Callable]:
    """Open a map that keeps the order and runs on worker processes with one thread each."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, prepare, arguments) as executor:
        yield executor.map
