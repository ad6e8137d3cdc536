"""Blocks of spectrograms: bad rows left out, joined to batches, several in work at a time."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from data.invalid import InvalidData
from data.reading.problems import Problem, list_problems

_T = TypeVar("_T")
_R = TypeVar("_R")

# The first batch is a quarter of the others.
_FIRST_DIVISOR = 4
# Enough for small inputs to be read while the model is loaded.
_BATCHES_AHEAD = 8
_THREADS = 2


@dataclass
class Block:
    """Spectrograms that were read together.

    Attributes:
      levels: uint8 [n, pixels].
      labels: int64 [n] class indices, `BAD` where there is no label.
      places: file of each, and its 1-based row there.
      problems: rows that are left out, and why.
      remarks: what was done with some rows, and with how many of them.
    """

    levels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    places: list[tuple[str, int]]
    problems: list[Problem] = field(default_factory=list)
    remarks: Mapping[str, int] = field(default_factory=dict)


@dataclass
class LeftOut:
    """What the reader notes while it reads.

    Attributes:
      most: number of bad rows that are tolerated.
      problems: the bad rows.
      remarks: what was done with some rows, and with how many of them.
    """

    most: int
    problems: list[Problem] = field(default_factory=list)
    remarks: Counter[str] = field(default_factory=Counter)

    def note(self, block: Block) -> None:
        """Note what is bad about a block.

        Raises:
          InvalidData: there are too many bad rows.
        """
        self.remarks.update(block.remarks)
        self.problems += block.problems
        bad = len(self.problems)
        if bad > self.most:
            heading = f"{bad:,} bad rows so far:"
            remedy = f"Correct {'this row' if bad == 1 else 'these rows'}, or leave out"
            raise InvalidData(
                f"{list_problems(self.problems, heading)}\n"
                f"{remedy} up to N bad rows: --max-bad-rows N."
            )


def fill_batches(
    blocks: Iterable[Block], size: int, left_out: LeftOut, at_once: bool = False
) -> Iterator[Block]:
    """Join and divide blocks to batches, in order.

    The first batches are smaller, each at most twice as large as the one before it. So the model
    begins while the rest is read.

    Args:
      blocks: what is read.
      size: spectrograms in a batch. The first batches and the last one may have fewer.
      left_out: takes the bad rows.
      at_once: do not wait for further blocks to fill a batch.

    Raises:
      InvalidData: there are too many bad rows.
    """
    held: list[Block] = []
    length = -(-size // _FIRST_DIVISOR)
    for block in blocks:
        left_out.note(block)
        held.append(block)
        count = sum(len(each.levels) for each in held)
        if at_once or count >= length:
            joined, first = _join(held), 0
            while count - first >= (1 if at_once else length):
                end = min(first + length, count)
                yield _select(joined, slice(first, end))
                first, length = end, min(size, 2 * length)
            held = [_select(joined, slice(first, None))]
    if any(len(each.levels) for each in held):
        yield _join(held)


def _join(blocks: list[Block]) -> Block:
    return Block(
        np.concatenate([block.levels for block in blocks]),
        np.concatenate([block.labels for block in blocks]),
        [place for block in blocks for place in block.places],
    )


def _select(block: Block, rows: slice) -> Block:
    return Block(block.levels[rows], block.labels[rows], block.places[rows])


def read_ahead(items: Iterator[_T]) -> Iterator[_T]:
    """Yield what an iterator yields, while a thread runs it a few items ahead, from now on."""
    pool = ThreadPoolExecutor(1, "read")
    waiting = deque(pool.submit(next, items, None) for _ in range(_BATCHES_AHEAD))

    def yield_items() -> Iterator[_T]:
        with pool:
            try:
                while (item := waiting.popleft().result()) is not None:
                    waiting.append(pool.submit(next, items, None))
                    yield item
            finally:
                for future in waiting:
                    future.cancel()

    return yield_items()


def map_ahead(function: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
    """Yield what a function makes of each item, in order, while threads work on the next two.

    What a thread does alone, such as converting a batch, then takes no time from the others.
    """
    with ThreadPoolExecutor(_THREADS, "map") as pool:
        waiting: deque[Future[_R]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > _THREADS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
