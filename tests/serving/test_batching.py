"""Requests that share calls of a real model, in this process."""

import asyncio

import numpy as np
import pytest

from pipeline.serving.batching import Batcher, QueueFullError
from pipeline.serving.served_model import SPECTROGRAMS, ServedModel, load_model


class Calls:
    """Notes how many images each call had."""

    def __init__(self) -> None:
        self.images: list[int] = []

    def answered(self, images, answers) -> None:
        assert len(answers["score"]) == images
        self.images.append(images)


@pytest.fixture(scope="module")
def loaded(models) -> dict[int, ServedModel]:
    return {number: load_model(str(models.folder / f"model-{number}"), number) for number in (1, 2)}


def answer(requests, most_images=64, most_waiting=1000, wait_seconds=0.0):
    """Send requests, each a model and its images, at once; return answers and sizes of calls."""
    calls = Calls()

    async def send():
        batcher = Batcher(most_images, most_waiting, wait_seconds, calls)
        sent = [batcher.answer(model, SPECTROGRAMS, images) for model, images in requests]
        try:
            return await asyncio.gather(*sent, return_exceptions=True)
        finally:
            batcher.close()

    return asyncio.run(send()), calls.images


def test_what_arrives_during_a_call_shares_the_next_one(models, loaded):
    requests = [(loaded[1], models.spectrograms[i : i + 1]) for i in range(9)]
    answers, calls = answer(requests)
    assert calls == [1, 8]
    for i, each in enumerate(answers):
        np.testing.assert_allclose(
            each["probabilities"], models.answers[1]["probabilities"][i : i + 1], rtol=1e-5
        )


def test_a_call_has_no_more_images_than_allowed_and_large_requests_are_divided(models, loaded):
    requests = [(loaded[1], models.spectrograms), (loaded[1], models.spectrograms[:2])]
    answers, calls = answer(requests, most_images=4)
    assert calls == [4, 4, 3]
    assert [len(each["class"]) for each in answers] == [9, 2]
    assert [name.decode() for name in answers[0]["class"]] == models.answers[1]["class"].tolist()


def test_versions_do_not_share_calls(models, loaded):
    requests = [(loaded[1 + i % 2], models.spectrograms[i : i + 1]) for i in range(6)]
    answers, calls = answer(requests, wait_seconds=0.01)
    assert calls == [3, 3]
    for i, each in enumerate(answers):
        expected = models.answers[1 + i % 2]["probabilities"][i : i + 1]
        np.testing.assert_allclose(each["probabilities"], expected, rtol=1e-5)


def test_images_wait_for_others_only_until_the_batch_is_full(models, loaded):
    requests = [(loaded[1], models.spectrograms[:2])] * 2
    _, calls = answer(requests, most_images=4, wait_seconds=3600)
    assert calls == [4]


def test_what_the_queue_cannot_hold_is_turned_away_and_the_rest_is_answered(models, loaded):
    requests = [(loaded[1], models.spectrograms[:n]) for n in (1, 2, 2, 1)]
    answers, calls = answer(requests, most_waiting=3)
    assert calls == [1, 3]
    assert isinstance(answers[2], QueueFullError)
    assert str(answers[2]) == (
        "2 images wait already, of 3 that may. Send fewer at a time, or later."
    )


def test_a_request_that_is_given_up_is_not_answered(models, loaded):
    calls = Calls()

    async def send():
        batcher = Batcher(64, 1000, 0.05, calls)
        requests = [
            asyncio.ensure_future(batcher.answer(loaded[1], SPECTROGRAMS, models.spectrograms[:n]))
            for n in (1, 2)
        ]
        await asyncio.sleep(0)
        requests[0].cancel()
        await asyncio.wait(requests)
        batcher.close()

    asyncio.run(send())
    assert calls.images == [2]


def test_an_error_of_the_model_reaches_the_requests_and_later_ones_are_answered(models, loaded):
    requests = [(loaded[1], models.spectrograms[:, :2])] * 2 + [(loaded[2], models.spectrograms)]
    answers, calls = answer(requests, wait_seconds=0.01)
    assert [type(each).__name__ for each in answers[:2]] == ["InvalidArgumentError"] * 2
    assert answers[2]["class"].shape == (9,)
    assert calls == [9]
