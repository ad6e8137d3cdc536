"""The progress bar of a training run in a terminal."""

import io
import logging

import pytest
from rich.console import Console

from pipeline.terminal.console import make_console
from pipeline.terminal.run_display import RunDisplay
from pipeline.terminal.training_bar import TrainingBar
from trainer.watching.epoch_log import TrainingProgress

logger = logging.getLogger("radio_signals.training")


def log_progress(progress):
    logger.debug("progress", extra={"transient": True, "progress": progress})


def render(bar: TrainingBar, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(bar)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_epoch_metrics_speed_and_time_fit_on_a_line(width):
    bar = TrainingBar()
    bar.update(TrainingProgress(3, 12, 0.464, 0.39851, 0.80061, 1234.5))
    line = render(bar, width)
    assert line.startswith(" epoch  3/12  46 % ")
    assert "loss 0.399 accuracy 0.801 1,234 images/s -:--:--" in line
    assert [len(row) for row in line.splitlines()] == [width]


def test_the_bar_covers_all_epochs():
    bar = TrainingBar()
    bar.update(TrainingProgress(2, 4, 0.0, 0.5, 0.5, 100.0))
    quarter = render(bar, 120).count("━")
    assert quarter > 10
    bar.update(TrainingProgress(3, 4, 1.0, 0.5, 0.5, 100.0))
    three_quarters = render(bar, 120)
    assert "3/4 100 %" in three_quarters
    assert three_quarters.count("━") == pytest.approx(3 * quarter, abs=2)


def test_a_terminal_shows_the_bar_until_training_ends_and_a_file_never_does():
    terminal = Console(file=io.StringIO(), width=120, force_terminal=True, highlight=False)
    with RunDisplay(terminal, steps=1):
        log_progress(TrainingProgress(1, 2, 0.5, 0.7, 0.6, 100.0))
        logger.info("epoch 1/2  done")
        log_progress(None)
        before = len(terminal.file.getvalue())
        logger.info("exporting")
        after = terminal.file.getvalue()[before:]
    output = terminal.file.getvalue()
    assert "loss 0.700 accuracy 0.600" in output
    assert "epoch 1/2  done" in output
    assert "exporting" in after
    assert "loss 0.700" not in after

    file = make_console(io.StringIO())
    with RunDisplay(file, steps=1):
        log_progress(TrainingProgress(1, 2, 0.5, 0.7, 0.6, 100.0))
        logger.info("epoch 1/2  done")
        log_progress(None)
    assert file.file.getvalue().strip() == "epoch 1/2  done"
