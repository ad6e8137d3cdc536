"""Past runs are listed, found again and compared."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.support.pipeline_runs import COMMAND, SMALL, run_pipeline

pytestmark = pytest.mark.long


def radio_signals(*arguments):
    return subprocess.run(
        [COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def output(small_data, output_copy):
    """An output folder of two runs; the second has another threshold."""
    # Steps that get paths in the output folder run again, because this folder is a copy.
    second = run_pipeline(small_data, output_copy, *SMALL, "--set=thresholds.accuracy=0.41")
    assert second.status == 0, second.text
    return output_copy


def test_runs_are_listed_with_their_results(output, first_run):
    listed = radio_signals("runs", f"--output={output}").stdout.splitlines()
    assert listed[0].split()[:4] == ["no.", "started", "model", "accuracy"]
    first = first_run.metrics
    assert listed[1].split()[0] == "1"
    assert f"{first['accuracy']:.4f}" in listed[1]
    assert first["run_id"][:16].replace("T", " ") in listed[1]
    assert first["pushed_to"].rpartition("/")[2] in listed[1]
    worst = min(first["classes"], key=lambda name: first["classes"][name]["recall"])
    assert f"{worst} {first['classes'][worst]['recall']:.4f}" in listed[1]
    assert "SIMULATED" in listed[1]


def test_a_report_is_found_by_number_and_by_date(output, first_run):
    by_number = radio_signals("report", f"--output={output}", "--run=1").stdout.strip()
    with open(by_number) as page:
        assert f"{first_run.metrics['accuracy']:.4f} accuracy, blessed" in page.read()
    date = first_run.metrics["run_id"][:21]
    assert (
        radio_signals("report", f"--output={output}", f"--run={date}").stdout.strip() == by_number
    )


def test_two_runs_are_shown_side_by_side_with_their_differences(output, first_run):
    shown = radio_signals("report", f"--output={output}", "--compare", 1, "latest").stdout
    lines = {line[: line.find("  ")]: line.split() for line in shown.splitlines()}
    accuracy = f"{first_run.metrics['accuracy']:.4f}"
    assert lines["accuracy"][1:] == [accuracy, accuracy, "+0.0000"]
    assert lines["thresholds.accuracy"][1:] == ["0.4", "0.41"]
    assert not {"data", "code", "tfx", "epochs"} & lines.keys(), "these are the same"
    page = Path(shown.splitlines()[-1]).read_text()
    assert "<td><code>0.4</code></td><td><code>0.41</code></td>" in page
    assert re.findall(r'(?:src|srcset|href)="(?!data:|#)', page) == []
    assert "<script" not in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run=9"], 'no run begins with "9"'),
        (["--compare", "1", "1999-01"], 'no run begins with "1999-01"'),
    ],
)
def test_a_run_that_does_not_exist_is_named_in_the_error(output, arguments, message):
    answer = radio_signals("report", f"--output={output}", *arguments)
    assert answer.returncode == 2
    assert message in answer.stderr


@pytest.mark.parametrize("command", ["runs", "report"])
def test_a_folder_without_runs_is_named_in_the_error(tmp_path, command):
    answer = radio_signals(command, f"--output={tmp_path}")
    assert answer.returncode == 2
    assert f"{tmp_path} holds no runs" in answer.stderr
