"""The terminal shows the steps of a run and the log records of our own code."""

import io
import json
import logging
import re

import pytest
from absl import logging as absl_logging

from pipeline.history.records import StepRecord
from pipeline.terminal.console import make_console
from pipeline.terminal.run_display import RunDisplay
from pipeline.terminal.run_state import RUN


@pytest.fixture
def shown():
    return io.StringIO()


def test_steps_are_numbered_and_timed_and_cached_ones_are_marked(shown):
    with RunDisplay(make_console(shown), steps=2) as display:
        display.start("Reader")
        display.finish(StepRecord("Reader", 1.26, cached=False))
        display.start("Trainer")
        display.finish(StepRecord("Trainer", 0.02, cached=True))
    assert shown.getvalue().splitlines() == [
        "[ 1/2] Reader                          1.3 s",
        "[ 2/2] Trainer                from the cache",
    ]


def test_training_lines_are_shown_and_lines_of_libraries_are_not(shown):
    with RunDisplay(make_console(shown), steps=1):
        logging.getLogger("radio_signals.training").info("epoch %d/%d", 1, 3)
        logging.getLogger("radio_signals.training").info("40 %%", extra={"transient": True})
        logging.getLogger("tensorflow").warning("noise")
        absl_logging.info("more noise")
    assert shown.getvalue().strip() == "epoch 1/3"


def test_nothing_is_shown_after_the_run(shown):
    with RunDisplay(make_console(shown), steps=1):
        pass
    logging.getLogger("radio_signals").info("late")
    assert shown.getvalue() == ""


def test_with_json_every_line_has_time_level_run_and_step(shown, monkeypatch):
    monkeypatch.setattr(RUN, "run_id", "2026-01-02T03:04:05")
    console = make_console(shown, as_json=True)
    with RunDisplay(console, steps=1) as display:
        display.start("Trainer")
        logging.getLogger("radio_signals.training").warning("epoch %d of\n%d", 1, 3)
        display.finish(StepRecord("Trainer", 1.26, cached=False))
    console.print("Error: [red] no model", markup=False)
    lines = [json.loads(line) for line in shown.getvalue().splitlines()]
    assert all(
        re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]{12}\+00:00", line.pop("time")) for line in lines
    )
    origin = {"run_id": "2026-01-02T03:04:05", "step": "Trainer"}
    assert lines == [
        {**origin, "level": "WARNING", "message": "epoch 1 of\n3"},
        {
            **origin,
            "level": "INFO",
            "message": "[ 1/1] Trainer                         1.3 s",
            "seconds": 1.26,
            "cached": False,
        },
        {**origin, "level": "ERROR", "message": "Error: [red] no model"},
    ]
