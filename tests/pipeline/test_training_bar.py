"""The bar of a training run, as a terminal shows it."""

import io
import logging

import pytest
from rich.console import Console

from pipeline.terminal.console import plain_console
from pipeline.terminal.progress import Progress
from pipeline.terminal.training_bar import TrainingBar
from trainer.watching.epoch_log import TrainingProgress

logger = logging.getLogger("radio_signals.training")


def sign_of_life(progress):
    logger.debug("a sign of life", extra={"transient": True, "progress": progress})


def shown(bar: TrainingBar, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(bar)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_epoch_part_figures_and_time_fit_on_a_line(width):
    bar = TrainingBar()
    bar.update(TrainingProgress(3, 12, 0.464, 0.39851, 0.80061, 1234.5))
    line = shown(bar, width)
    assert line.startswith(" epoch  3/12  46 % ")
    assert "loss 0.399 accuracy 0.801 1,234 images/s -:--:--" in line
    assert [len(row) for row in line.splitlines()] == [width]


def test_the_bar_is_over_all_epochs():
    bar = TrainingBar()
    bar.update(TrainingProgress(2, 4, 0.0, 0.5, 0.5, 100.0))
    quarter = shown(bar, 120).count("━")
    assert quarter > 10
    bar.update(TrainingProgress(3, 4, 1.0, 0.5, 0.5, 100.0))
    three_quarters = shown(bar, 120)
    assert "3/4 100 %" in three_quarters
    assert three_quarters.count("━") == pytest.approx(3 * quarter, abs=2)


def test_a_terminal_gets_the_bar_until_training_ends_and_a_file_never_does():
    terminal = Console(file=io.StringIO(), width=120, force_terminal=True, highlight=False)
    with Progress(terminal, steps=1):
        sign_of_life(TrainingProgress(1, 2, 0.5, 0.7, 0.6, 100.0))
        logger.info("epoch 1/2  done")
        sign_of_life(None)
        before = len(terminal.file.getvalue())
        logger.info("exporting")
        after = terminal.file.getvalue()[before:]
    written = terminal.file.getvalue()
    assert "loss 0.700 accuracy 0.600" in written
    assert "epoch 1/2  done" in written
    assert "exporting" in after
    assert "loss 0.700" not in after

    file = plain_console(io.StringIO())
    with Progress(file, steps=1):
        sign_of_life(TrainingProgress(1, 2, 0.5, 0.7, 0.6, 100.0))
        logger.info("epoch 1/2  done")
        sign_of_life(None)
    assert file.file.getvalue().strip() == "epoch 1/2  done"
