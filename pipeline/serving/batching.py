"""Many requests in one call of the model."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.serving.served_model import Answers, ServedModel


class QueueFullError(RuntimeError):
    """As many images wait as are allowed to."""


class Observer(Protocol):
    """Is told what was answered."""

    def answered(self, images: int, answers: Answers) -> None:
        """A call of the model has answered so many images."""


@dataclass
class _Part:
    """Images of one request that are answered together."""

    model: ServedModel
    signature: str
    inputs: NDArray[Any]
    arrived: float
    answer: asyncio.Future[Answers]

    @property
    def key(self) -> tuple[int, str]:
        """Parts with equal keys can share a call."""
        return id(self.model), self.signature


class Batcher:
    """Collects images that wait, and calls the model with them, one call at a time.

    A call takes what has arrived during the call before it. Requests for the same version and
    signature share a call, in the order of arrival. All methods belong to the thread of the event
    loop; the calls run in a thread of their own.
    """

    def __init__(
        self, most_images: int, most_waiting: int, wait_seconds: float, observer: Observer
    ) -> None:
        """Constructs it.

        Args:
          most_images: images in a call.
          most_waiting: images that wait for a call.
          wait_seconds: how long the first image waits for others while the model is idle.
          observer: is told what was answered.
        """
        self._most_images = most_images
        self._most_waiting = most_waiting
        self._wait_seconds = wait_seconds
        self._observer = observer
        self._waiting: deque[_Part] = deque()
        self._thread = ThreadPoolExecutor(1, "model")
        self._is_busy = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Number of images that wait for a call."""
        return sum(len(part.inputs) for part in self._waiting)

    async def answer(self, model: ServedModel, signature: str, inputs: NDArray[Any]) -> Answers:
        """Answer one request, [n, ...], as `ServedModel.answer` does.

        Raises:
          QueueFullError: too many images wait already.
        """
        if self._waiting and self.waiting + len(inputs) > self._most_waiting:
            raise QueueFullError(
                f"{self.waiting:,} images wait already, of {self._most_waiting:,} that may. "
                "Send fewer at a time, or later."
            )
        loop = asyncio.get_running_loop()
        parts = [
            _Part(model, signature, some, loop.time(), loop.create_future())
            for some in np.split(inputs, range(self._most_images, len(inputs), self._most_images))
        ]
        self._waiting.extend(parts)
        self._call_next()
        try:
            answers = await asyncio.gather(*(part.answer for part in parts))
        finally:
            for part in parts:
                part.answer.cancel()  # of a request that is given up; done ones stay done
        return _join(answers)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    def _call_next(self) -> None:
        """Call the model with the next batch, unless it is busy or the batch waits for more."""
        if self._timer:
            self._timer.cancel()
        while self._waiting and self._waiting[0].answer.done():
            self._waiting.popleft()
        if self._is_busy or not self._waiting:
            return
        loop = asyncio.get_running_loop()
        rest = self._waiting[0].arrived + self._wait_seconds - loop.time()
        if rest > 0 and self.waiting < self._most_images:
            self._timer = loop.call_later(rest, self._call_next)
            return
        batch = self._take_batch()
        self._is_busy = True
        inputs = np.concatenate([part.inputs for part in batch])
        call = loop.run_in_executor(self._thread, batch[0].model.answer, batch[0].signature, inputs)
        call.add_done_callback(lambda done: self._finish(batch, done))

    def _take_batch(self) -> list[_Part]:
        key, batch, images = self._waiting[0].key, [], 0
        for part in self._waiting:
            if part.key != key or part.answer.done():
                continue
            if images + len(part.inputs) > self._most_images:
                break  # No request overtakes another of its kind.
            batch.append(part)
            images += len(part.inputs)
        batched = {id(part) for part in batch}
        self._waiting = deque(
            part for part in self._waiting if id(part) not in batched and not part.answer.done()
        )
        return batch

    def _finish(self, batch: Sequence[_Part], call: asyncio.Future[Answers]) -> None:
        self._is_busy = False
        if error := call.exception():
            for part in batch:
                if not part.answer.done():
                    part.answer.set_exception(error)
        else:
            self._hand_out(batch, call.result())
        self._call_next()

    def _hand_out(self, batch: Sequence[_Part], answers: Answers) -> None:
        start = 0
        for part in batch:
            end = start + len(part.inputs)
            if not part.answer.done():
                part.answer.set_result({name: all_[start:end] for name, all_ in answers.items()})
            start = end
        self._observer.answered(start, answers)


def _join(answers: Sequence[Answers]) -> Answers:
    if len(answers) == 1:
        return answers[0]
    return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}
