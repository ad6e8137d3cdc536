"""docs/configuration.md is made from the types of the configuration."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.config.keys import list_keys
from pipeline.config.reference import main, make_reference

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == make_reference()


@pytest.mark.parametrize("key", list(list_keys()))
def test_every_key_has_a_row_with_its_meaning(key):
    section, _, name = key.rpartition(".")
    _, _, table = make_reference().partition(f"## `{section}`\n" if section else "## Data")
    (row,) = [
        line
        for line in table.partition("\n## `")[0].splitlines()
        if line.startswith(f"| `{name or key}` |")
    ]
    values, default, meaning = [cell.strip() for cell in row.strip("|").split(" | ")[1:]]
    assert values
    assert default.startswith("`")
    assert meaning.endswith(".")


def test_values_and_bounds_are_in_words():
    page = make_reference()
    assert "| `keep_best` | one of val_accuracy, val_loss | `val_loss` |" in page
    assert "| `label_smoothing` | a number of at least 0 and below 1, or null | `null` |" in page
    assert "| `accuracy` | a number from 0 to 1 | `0.9` |" in page


def test_a_page_that_is_out_of_date_fails_with_the_remedy(tmp_path):
    page = tmp_path / "configuration.md"
    page.write_text(make_reference().replace("`compact`", "`reference`"))
    result = CliRunner().invoke(main, ["--check", str(page)])
    assert result.exit_code == 1
    assert "python -m pipeline.config.reference > docs/configuration.md" in result.output
    page.write_text(CliRunner().invoke(main, []).output)
    assert CliRunner().invoke(main, ["--check", str(page)]).exit_code == 0
