"""Every image's scores: how much better than noise each kind of path explains it."""

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
from benchmarks.matched_filter.response import (
    Profiles,
    Whitening,
    learn_profiles,
    straight_tone,
    wandering_tone,
)
from benchmarks.matched_filter.wander import WANDERS, Wander, WanderSearch

# Decibels: the middles of equal parts of the hard preset's ranges, 2 to 15 and 6 to 18.
LINE_STRENGTHS = np.arange(2.5, 15.0, 1.5)
WANDER_STRENGTHS = np.arange(7.2, 18.0, 2.4)

# Decibels at which the response to a tone is learned.
LEARNED_LINES = np.array([2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0])
LEARNED_WANDERS = np.array([6.0, 9.0, 12.0, 15.0, 18.0])

IMAGES_A_TASK = 16


@dataclass(frozen=True)
class Knowledge:
    """What the classifier is told about signals and noise.

    Attributes:
      whitening: of the noise.
      straight: the response to a drifting tone.
      wandering: the response to a wandering one, for each of `WANDERS`.
    """

    whitening: Whitening
    straight: Profiles
    wandering: tuple[Profiles, ...]


def learn(images: int, seed: int, workers: int) -> Knowledge:
    """From simulations of its own.

    Args:
      images: simulated for each response.
      seed: of the simulation.
      workers: processes.
    """
    whitening = Whitening.of_noise(images, seed)
    tasks = [(wander, whitening, seed, images) for wander in (None, *WANDERS)]
    with pool(workers) as run:
        straight, *others = run(_learn_profiles, tasks)
    return Knowledge(whitening, straight, tuple(others))


def _learn_profiles(task: tuple[Wander | None, Whitening, int, int]) -> Profiles:
    wander, whitening, seed, images = task
    if wander is None:
        moves = np.arange(0.0, 1.76, 0.25)
        return learn_profiles(
            straight_tone, moves, LEARNED_LINES, 10.0, whitening, seed, images, smoothing=0.15
        )
    moves = np.arange(0.0, wander.moves[-1] + 0.1, wander.step)
    return learn_profiles(
        partial(wandering_tone, deviation=wander.deviation),
        moves,
        LEARNED_WANDERS,
        14.0,
        whitening,
        seed,
        images,
        smoothing=0.1 + 0.1 * wander.deviation,
    )


class Scorer:
    """Turns images into scores."""

    def __init__(self, knowledge: Knowledge):
        self.whiten = knowledge.whitening
        self.curves = CurveSearch(knowledge.straight, LINE_STRENGTHS)
        self.wanders = [
            WanderSearch(wander, profiles, WANDER_STRENGTHS)
            for wander, profiles in zip(WANDERS, knowledge.wandering, strict=True)
        ]

    def __call__(self, images: np.ndarray) -> list[dict[str, float]]:
        """Scores of images uint8 [n, height, width], by name."""
        dark = self.whiten(images)
        scores = [self.curves(image) for image in dark]
        for search in self.wanders:
            evidence = search(dark)
            for row, own in zip(scores, evidence, strict=True):
                name = f"wander {search.wander.deviation}"
                row[f"{name} evidence"] = float(np.logaddexp.reduce(own) - np.log(len(own)))
                row[f"{name} strength"] = float(WANDER_STRENGTHS[own.argmax()])
        for row, image in zip(scores, images, strict=True):
            row["grey level"] = float(np.median(image))
            row["grey spread"] = float(image.std())
        return scores


def score_images(
    images: np.ndarray,
    knowledge: Knowledge,
    workers: int,
    progress: Callable[[int], None] | None = None,
) -> list[dict[str, float]]:
    """Scores of images uint8 [n, height, width], in their order."""
    tasks = [images[at : at + IMAGES_A_TASK] for at in range(0, len(images), IMAGES_A_TASK)]
    scores = []
    with pool(workers, _prepare, knowledge) as run:
        for part in run(_score, tasks):
            scores += part
            if progress is not None:
                progress(len(scores))
    return scores


_scorer: Scorer | None = None


def _prepare(knowledge: Knowledge) -> None:
    global _scorer
    _scorer = Scorer(knowledge)


def _score(images: np.ndarray) -> list[dict[str, float]]:
    return _scorer(images)


@contextmanager
def pool(workers: int, prepare: Callable | None = None, *arguments) -> Iterator[Callable]:
    """A map over tasks that keeps their order, on worker processes of one thread each."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, prepare, arguments) as executor:
        yield executor.map
