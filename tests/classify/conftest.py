"""Hand-made models, and the command in this process."""

import csv
from pathlib import Path

import pytest

from pipeline.cli.main import cli
from tests.classify.hand_made_model import GREYS, LINES, by_brightness, by_line, write_model


@pytest.fixture(scope="session")
def greys(tmp_path_factory) -> Path:
    """The output folder of a run with a model that tells dark, grey and light images apart."""
    output = tmp_path_factory.mktemp("greys")
    write_model(output / "serving" / "7", by_brightness, GREYS)
    return output


@pytest.fixture(scope="session")
def lines(tmp_path_factory) -> Path:
    """A serving folder with a model that finds lines."""
    serving = tmp_path_factory.mktemp("lines")
    write_model(serving / "3", by_line, LINES)
    return serving


@pytest.fixture
def classify(tmp_path):
    """Run the command; return the rows of its table."""

    def classify(*arguments: object, output: str = "out.csv") -> list[dict[str, str]]:
        table = tmp_path / output
        options = ["classify", *arguments, "--output", table]
        cli.main([str(option) for option in options], standalone_mode=False)
        if table.suffix != ".csv":
            return []
        with open(table, newline="") as file:
            return list(csv.DictReader(file))

    return classify
