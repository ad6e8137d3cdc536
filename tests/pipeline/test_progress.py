"""Progress: what the terminal shows for the records that a run logs."""

import io
import logging

import pytest
from absl import logging as absl_logging

from pipeline.terminal.console import plain_console
from pipeline.terminal.progress import Progress


@pytest.fixture
def shown():
    return io.StringIO()


def test_steps_are_numbered_and_timed_and_cached_ones_are_said_to_be(shown):
    with Progress(plain_console(shown), steps=2) as progress:
        absl_logging.info("Component %s is running.", "Reader")
        absl_logging.info("Component %s is finished.", "Reader")
        absl_logging.info("Component %s is running.", "Trainer")
        absl_logging.info("A cached execution %d is used.", 7)
        absl_logging.info("Component %s is finished.", "Trainer")
    first, second = shown.getvalue().splitlines()
    assert first.split() == ["[", "1/2]", "Reader", "0.0", "s"]
    assert second.split() == ["[", "2/2]", "Trainer", "from", "the", "cache"]
    assert set(progress.seconds) == {"Reader", "Trainer"}
    assert progress.cached == {"Trainer"}


def test_training_lines_are_shown_and_other_libraries_lines_are_not(shown):
    with Progress(plain_console(shown), steps=1):
        logging.getLogger("radio_signals.training").info("epoch %d/%d", 1, 3)
        logging.getLogger("radio_signals.training").info("40 %%", extra={"transient": True})
        logging.getLogger("tensorflow").warning("noise")
        absl_logging.info("more noise")
    assert shown.getvalue().strip() == "epoch 1/3"


def test_nothing_is_listened_to_afterwards(shown):
    with Progress(plain_console(shown), steps=1):
        pass
    logging.getLogger("radio_signals").info("late")
    assert shown.getvalue() == ""
