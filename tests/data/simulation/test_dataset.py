"""Whole simulated data sets: counts, seeds, workers, refusals."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data import seed_layout
from data.simulation.classes import PRIMARY
from data.simulation.dataset import (
    ImageKey,
    list_image_keys,
    simulate_dataset,
    simulate_image,
    simulate_signal,
)
from data.simulation.presets import BASIC, CROWDED, HARD, MIXED

SMALL = {"height": 16, "width": 32, "workers": 1}
CLASSES = seed_layout.CLASS_NAMES
REPOSITORY = Path(__file__).resolve().parents[3]


def contents(directory):
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_rows_are_sorted_by_class_in_the_published_block_order(tmp_path):
    simulate_dataset(tmp_path, train=8, validation=4, **SMALL)
    labels = np.loadtxt(tmp_path / "train/labels.csv", delimiter=",")
    assert labels.shape == (8, 4)
    assert labels.argmax(axis=1).tolist() == [0, 0, 2, 2, 3, 3, 1, 1]
    assert (labels.sum(axis=1) == 1).all()
    images = np.loadtxt(tmp_path / "validation/images.csv", delimiter=",")
    assert images.shape == (4, 16 * 32)


def test_rows_hold_the_images_that_their_labels_name(tmp_path):
    simulate_dataset(tmp_path, train=4, validation=4, seed=3, **SMALL)
    rows = np.loadtxt(tmp_path / "train/images.csv", delimiter=",").reshape(4, 16, 32)
    for row, class_name in zip(
        rows, ["squiggle", "narrowband", "noise", "narrowbanddrd"], strict=True
    ):
        image = simulate_image(ImageKey("train", class_name, 0), seed=3, height=16, width=32)
        np.testing.assert_allclose(row, image / 255, atol=5e-7)


def test_the_primary_classes_are_columns_and_blocks_in_alphabetical_order(tmp_path):
    simulate_dataset(tmp_path, train=14, validation=7, classes=PRIMARY, **SMALL)
    labels = np.loadtxt(tmp_path / "train/labels.csv", delimiter=",")
    assert labels.argmax(axis=1).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]
    assert seed_layout.read_record(tmp_path)["classes"] == sorted(PRIMARY)
    rows = np.loadtxt(tmp_path / "validation/images.csv", delimiter=",")
    assert len(np.unique(rows, axis=0)) == 7


@pytest.mark.parametrize(
    ("count", "per_block"), [(4, [1, 1, 1, 1]), (9, [3, 2, 2, 2]), (800, [200] * 4)]
)
def test_counts_are_split_as_evenly_as_possible(count, per_block):
    names = [key.class_name for key in list_image_keys("train", count, CLASSES)]
    order = [CLASSES[column] for column in (0, 2, 3, 1)]
    assert names == [name for name, n in zip(order, per_block, strict=True) for _ in range(n)]


def test_the_number_of_workers_changes_nothing(tmp_path):
    for workers in (1, 2):
        options = {**SMALL, "workers": workers}
        simulate_dataset(tmp_path / str(workers), train=60, validation=12, **options)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_more_images_leave_the_first_ones_as_they_were():
    few, many = (set(list_image_keys("train", count, CLASSES)) for count in (10, 1000))
    assert few < many


def image(split="train", class_name="squiggle", number=0, **options):
    key = ImageKey(split, class_name, number)
    return simulate_image(key, **{"height": 16, "width": 32, **options})


def test_the_same_arguments_give_the_same_image():
    np.testing.assert_array_equal(image(seed=5), image(seed=5))


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"split": "validation"}, {"number": 1}, {"class_name": "noise"}],
    ids=["seed", "split", "number", "class"],
)
def test_another_seed_split_number_or_class_gives_another_image(other):
    assert np.mean(image() != image(**other)) > 0.5


def test_progress_is_reported_after_every_image(tmp_path):
    calls = []
    simulate_dataset(tmp_path, 5, 4, progress=lambda *call: calls.append(call), **SMALL)
    assert calls == [(done, 9) for done in range(1, 10)]


def test_the_record_tells_where_the_data_come_from(tmp_path):
    simulate_dataset(tmp_path, train=4, validation=5, seed=9, preset="hard", **SMALL)
    record = seed_layout.read_record(tmp_path)
    assert record["simulated"] is True
    assert record["preset"] == "hard"
    assert record["seed"] == 9
    assert record["images"] == {"train": 4, "validation": 5}
    assert record["classes"] == ["squiggle", "narrowbanddrd", "narrowband", "noise"]
    assert (record["height"], record["width"], record["oversampling"]) == (16, 32, 4)
    assert record["ranges"]["strength"] == [2.0, 15.0]
    assert record["software"]["numpy"] == np.__version__


def test_the_images_of_a_mixture_are_drawn_from_its_presets_in_turn(tmp_path):
    strong, hard, _, crowded_hard = MIXED.presets
    for number, preset in enumerate((strong, hard, CROWDED, crowded_hard, strong)):
        key = ImageKey("train", "squiggle", number)
        np.testing.assert_array_equal(
            simulate_image(key, preset="mixed"), simulate_image(key, preset=preset)
        )
    simulate_dataset(tmp_path, train=4, validation=4, preset="mixed", **SMALL)
    record = seed_layout.read_record(tmp_path)
    assert record["preset"] == "mixed"
    names = [each["name"] for each in record["ranges"]["presets"]]
    assert names == ["basic", "hard", "crowded", "hard, crowded"]


def test_every_line_of_a_mixture_drifts_by_two_pixels():
    for number in range(300):
        signal = simulate_signal(ImageKey("train", "narrowband", number), preset="mixed")
        first, last = signal.path(np.array([0.0, 1.0]))
        assert abs(last - first) >= 2 / 128


def test_the_signals_of_a_mixture_reach_30_decibels_in_a_quarter_of_its_images():
    signals = [
        simulate_signal(ImageKey("train", name, number), preset="mixed")
        for name in ("narrowband", "squiggle")
        for number in range(300)
    ]
    strengths = np.array([signal.strength for signal in signals]).reshape(2, 75, 4)
    assert (strengths[..., 0].max(axis=1) > 29).all()
    assert strengths[..., 0].max() <= 30
    assert strengths[..., 1:].max() <= 18


def test_an_ingredient_is_left_out_of_every_preset_of_a_mixture():
    without = MIXED.without(["bursts"])
    assert [preset.crowd.bursts for preset in without.presets] == [(0, 0)] * 4
    assert without.presets[2].crowd.carriers == CROWDED.crowd.carriers


def test_a_mixture_has_faint_signals_beside_interference_that_is_18_decibels_stronger():
    preset = MIXED.presets[3]
    assert preset.strength == HARD.strength
    assert preset.crowd == replace(CROWDED.crowd, excess=(-6.0, 18.0))


def test_classes_and_presets_of_ones_own_are_simulated(tmp_path):
    preset = replace(BASIC, name="loud", strength=(20.0, 21.0))
    simulate_dataset(tmp_path, 4, 2, preset=preset, classes=["noise", "narrowband"], **SMALL)
    labels = np.loadtxt(tmp_path / "train/labels.csv", delimiter=",")
    assert labels.argmax(axis=1).tolist() == [0, 0, 1, 1]
    assert seed_layout.read_record(tmp_path)["preset"] == "loud"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": 3}, "train=3 images is fewer than the 4 classes .* at least 4"),
        ({"validation": 0}, "validation=0 images is fewer than the 4 classes"),
        ({"seed": -1}, "seed must be 0 or greater. Received: -1"),
        ({"workers": 0}, "workers must be 1 or greater. Received: 0"),
        ({"width": 0}, "width must be 1 or greater. Received: 0"),
        ({"preset": "easy"}, "Unknown preset 'easy'. Known presets: basic, hard"),
        ({"classes": ["noise", "pulsar"]}, "Cannot simulate class 'pulsar'. Classes that can: sq"),
        ({"classes": ["noise", "noise"]}, "must be distinct and at least one"),
        ({"classes": []}, "must be distinct and at least one"),
        ({"preset": replace(BASIC, drift=(3.0, 4.0))}, "leaves no room for its signals"),
        ({"rendering": "red"}, "Unknown rendering 'red'. Known: jet, amplitude"),
    ],
)
def test_what_cannot_be_simulated_is_refused_and_nothing_is_written(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        simulate_dataset(tmp_path / "set", **{"train": 4, "validation": 4, **SMALL, **options})
    assert list(tmp_path.iterdir()) == []


def test_an_existing_data_set_is_refused_before_anything_is_simulated(tmp_path):
    simulate_dataset(tmp_path, train=4, validation=4, **SMALL)
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match=r"already exists. Choose another folder"):
        simulate_dataset(tmp_path, progress=lambda done, total: pytest.fail("simulated"))
    assert contents(tmp_path) == before


def test_an_existing_data_set_is_replaced_on_request(tmp_path):
    simulate_dataset(tmp_path, train=4, validation=4, **SMALL)
    simulate_dataset(tmp_path, train=8, validation=4, overwrite=True, **SMALL)
    assert len((tmp_path / "train/labels.csv").read_text().splitlines()) == 8
    assert seed_layout.read_record(tmp_path)["images"]["train"] == 8


def test_an_interrupted_run_leaves_nothing(tmp_path):
    def interrupt(done, total):
        if done == 40:
            raise KeyboardInterrupt

    options = {**SMALL, "workers": 2}
    with pytest.raises(KeyboardInterrupt):
        simulate_dataset(tmp_path / "set", 200, 4, progress=interrupt, **options)
    assert list(tmp_path.iterdir()) == []


def run_python(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)


def test_a_killed_run_leaves_no_half_data_set(tmp_path):
    killed = run_python(
        "import os, signal, sys\n"
        "from data.simulation.dataset import simulate_dataset\n"
        "kill = lambda done, total: done == 10 and os.kill(os.getpid(), signal.SIGKILL)\n"
        "simulate_dataset(sys.argv[1], 8, 4, workers=1, height=16, width=32, progress=kill)\n",
        tmp_path,
    )
    assert killed.returncode == -9
    assert seed_layout.list_files(tmp_path) == []
    assert not (tmp_path / "train").exists()
    simulate_dataset(tmp_path, train=4, validation=4, **SMALL)
    assert len(seed_layout.list_files(tmp_path)) == 5


def test_importing_the_modules_loads_no_heavy_library():
    heavy = "('tensorflow', 'matplotlib', 'PIL', 'scipy', 'pandas')"
    loaded = run_python(
        "import sys, data.plots.gallery, data.seed_layout, data.simulation.dataset\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    assert loaded.stdout == "[]\n"


def test_the_committed_sample_is_what_the_simulator_makes():
    sample = REPOSITORY / "data" / "sample"
    assert seed_layout.read_record(sample)["images"] == {"train": 16, "validation": 8}
    for split, count in (("train", 16), ("validation", 8)):
        rows = np.loadtxt(sample / split / "images.csv", delimiter=",") * 255
        keys = list_image_keys(split, count, CLASSES)
        for row, key in zip(rows, keys, strict=True):
            difference = np.abs(row - simulate_image(key).ravel())
            # Another processor may round a logarithm across a colour's edge: one step in 255.
            assert difference.max() < 2.1
            assert np.mean(difference > 0.1) < 0.02
