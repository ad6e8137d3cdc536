"""Observations: candidates with physical units, and scans that go on after they were killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.invalid import InvalidData
from data.telescope.labels import read_labels
from data.telescope.observation import open_observation
from tests.classify.hand_made_model import HEIGHT
from tests.classify.test_track import add_line
from tests.data.telescope.files import make_noise, write_fil, write_h5

CHANNELS, LOOKS = 2048, 16
KEYWORDS = {"fch1": 1400.0, "foff": 2e-6, "tsamp": 3.0, "tstart": 60000.0}

# Column when the observation begins, columns until it ends, power in units of the noise's mean.
SIGNALS = [(300.4, 9.0, 4.0), (1017.0, -5.5, 3.0), (1801.2, 0.0, 6.0)]
SECONDS = HEIGHT * KEYWORDS["tsamp"]


def make_power(rows=HEIGHT, channels=CHANNELS, signals=SIGNALS):
    power = make_noise(rows, channels, looks=LOOKS)
    for signal_ in signals:
        add_line(power[:, 0], *signal_)
    return power


def write_descending(path):
    """The same observation, beginning with the highest frequency."""
    power = make_power()[:, :, ::-1]
    last = KEYWORDS["fch1"] + (CHANNELS - 1) * KEYWORDS["foff"]
    return write_h5(path, power, **{**KEYWORDS, "fch1": last, "foff": -KEYWORDS["foff"]})


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.fil", lambda path: write_fil(path, make_power(), **KEYWORDS)),
        ("a.h5", write_descending),
    ],
)
def test_signals_are_found_with_frequency_drift_and_ratio(tmp_path, lines, classify, name, write):
    path = write(tmp_path / name)
    rows = classify(path, "--model", lines, "--min-snr", 7)
    assert len(rows) == len(SIGNALS)
    for row, (column, drift, strength) in zip(rows, SIGNALS, strict=True):
        assert (row["source"], row["target"]) == (path, "SIMULATED")
        assert float(row["frequency_mhz"]) == pytest.approx(1400.0 + 2e-6 * column, abs=1e-6)
        assert float(row["drift_hz_s"]) == pytest.approx(2.0 * drift / SECONDS, abs=0.04)
        assert float(row["snr"]) > 3 * strength
        assert row["class"] == "line"
        assert row["tiles"] in ("1", "2")
        assert (float(row["start_mjd"]), float(row["start_s"])) == (60000.0, 0.0)
        assert float(row["stop_s"]) == SECONDS


def test_candidates_are_a_table_of_labels_for_training(tmp_path, lines, classify):
    path = write_fil(tmp_path / "a.fil", make_power(), **KEYWORDS)
    rows = classify(path, "--model", lines, "--min-snr", 7)
    with open_observation(path) as observation:
        labels = read_labels(str(tmp_path / "out.csv"), observation.header)
    assert labels.classes == ("noise", "line")
    np.testing.assert_array_equal(labels.frequency, [float(row["frequency_mhz"]) for row in rows])
    np.testing.assert_array_equal(labels.drift, [float(row["drift_hz_s"]) for row in rows])


def test_each_candidate_is_drawn(tmp_path, lines, classify):
    path = write_fil(tmp_path / "a.fil", make_power(), **KEYWORDS)
    rows = classify(path, "--model", lines, "--min-snr", 7, "--plots", tmp_path / "plots")
    names = sorted(f"a-tile-{row['tile']}.png" for row in rows)
    assert sorted(os.listdir(tmp_path / "plots")) == names
    with Image.open(tmp_path / "plots" / names[0]) as picture:
        assert picture.size == (700, 600)


def test_rows_and_channels_can_be_joined_to_pixels(tmp_path, lines, classify):
    power = np.repeat(np.repeat(make_power(signals=[(1000.0, 8.0, 4.0)]), 2, 0), 2, 2)
    path = write_fil(tmp_path / "a.fil", power, **KEYWORDS)
    options = ("--decimate-time", 2, "--decimate-frequency", 2, "--min-snr", 7)
    (row,) = classify(path, "--model", lines, *options)
    # The first of the two channels of a pixel has the frequency of the pixel less half a channel.
    assert float(row["frequency_mhz"]) == pytest.approx(1400.0 + 2e-6 * 2000.5, abs=2e-6)
    assert float(row["drift_hz_s"]) == pytest.approx(4.0 * 8.0 / (2 * SECONDS), abs=0.04)


def test_observations_that_do_not_fit_the_model_are_refused(tmp_path, lines, greys, classify):
    path = write_fil(tmp_path / "a.fil", make_noise(8, 100), **KEYWORDS)
    with pytest.raises(InvalidData) as error:
        classify(path, "--model", lines)
    assert str(error.value) == (
        f"{path} has 8 rows, and a tile for this model takes 16: 16 of 1 rows each. Train a model "
        "for images of fewer rows; see docs/classify.md."
    )
    with pytest.raises(InvalidData) as error:
        classify(path, "--model", greys)
    assert str(error.value) == (
        "The model has no class noise, but dark, grey, light. Name the class of a tile without a "
        "signal with --noise-class."
    )


@pytest.fixture(scope="module")
def long_observation(tmp_path_factory) -> str:
    """So many tiles that a scan takes a while."""
    power = make_power(channels=1 << 18, signals=[(1000.0 * n + 11.0, 5.0, 5.0) for n in range(60)])
    return write_fil(tmp_path_factory.mktemp("long") / "long.fil", power, **KEYWORDS)


def start_scan(observation, model, output):
    command = Path(sys.executable).with_name("radio-signals")
    arguments = ["classify", observation, "--model", model, "--output", output, "--batch", "64"]
    return subprocess.Popen([command, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_killed_scan_goes_on_where_it_stopped(long_observation, lines, tmp_path):
    whole, killed = tmp_path / "whole.csv", tmp_path / "killed.csv"
    process = start_scan(long_observation, lines, whole)
    assert process.wait() == 0

    process = start_scan(long_observation, lines, killed)
    progress = tmp_path / "killed.csv.unfinished"
    while process.poll() is None and not (
        progress.exists() and progress.read_bytes().count(b"\n") > 20
    ):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    content = progress.read_bytes()
    assert not killed.exists()
    assert 20 < content.count(b"\n") < 300

    # As if the process had been killed while it wrote a line.
    progress.write_bytes(content + b'{"observation": 0, "tile"')
    done = json.loads(content[: content.rindex(b"\n")].splitlines()[-1])["tile"] + 1
    process = start_scan(long_observation, lines, killed)
    output, _ = process.communicate()
    assert f"after {done:,} of an earlier process" in output
    assert killed.read_text() == whole.read_text()
    assert sorted(os.listdir(tmp_path)) == ["killed.csv", "whole.csv"]
