"""A user names a past run by number, date or `latest`."""

import subprocess
import sys

import pytest

from pipeline.history.past_runs import PastRun, find_run

RUNS = [
    PastRun(1, "2026-01-01T10:00:00", "reports/1", {"accuracy": 0.9}),
    PastRun(2, "2026-01-01T11:00:00", "reports/2", {"accuracy": 0.8}),
    PastRun(3, "2026-01-02T10:00:00", "", {}),
]


@pytest.mark.parametrize(
    ("name", "number"), [("1", 1), ("2", 2), ("2026-01-01T11", 2), ("latest", 2)]
)
def test_a_run_is_found_by_number_by_date_or_as_the_latest_with_a_report(name, number):
    assert find_run(RUNS, name).number == number


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("4", 'There are 3 runs; no run begins with "4". Give a number'),
        ("2026-01-01", 'several runs begin with "2026-01-01"'),
        ("1999", 'no run begins with "1999"'),
        ("3", "Run 3 ended before its report was written."),
    ],
)
def test_a_name_that_fits_no_single_run_with_a_report_is_refused(name, message):
    with pytest.raises(LookupError, match=message):
        find_run(RUNS, name)


def test_the_worst_class_has_the_lowest_recall():
    classes = {"noise": {"recall": 1.0}, "narrowband": {"recall": 0.5}}
    assert PastRun(1, "", "", {"classes": classes}).worst_class == ("narrowband", 0.5)


def test_listing_and_comparing_runs_loads_no_tensorflow():
    code = (
        "import sys, pipeline.terminal.tables, components.report.page.comparison; "
        "sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
