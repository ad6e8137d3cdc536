"""Folders of tiles: their files, completeness, memory, and that they can be trained on."""

import csv
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from data.invalid import InvalidData
from data.reading.check import check_folder
from data.reading.layout import Layout
from data.telescope.labels import read_labels
from data.telescope.observation import open_observation
from data.telescope.tile_folder import Written, read_tiles, write_tiles
from data.telescope.tiling import Grid, Tiling, iterate_tiles
from tests.data.telescope.files import HEADER, make_noise, pack_header, write_fil

GRID = Grid(width=128, overlap=0.0)
KEYWORDS = {"fch1": 1000.0, "foff": 1.0, "tsamp": 1.0}


def write(path, folder, table=None, grid=GRID, **options):
    with open_observation(str(path)) as observation:
        labels = read_labels(str(table), observation.header) if table else None
        return write_tiles(observation, Tiling(observation, grid), folder, labels, **options)


def write_lines(path, seed=0):
    """Write 16 x 2048 channels with a line in every other tile of 128; return its table."""
    power, table = make_noise(16, 2048, seed), path.with_suffix(".csv")
    lines = ["frequency_mhz,class"]
    for channel in range(64, 2048, 256):
        power[:, 0, channel] = 30.0
        lines.append(f"{1000 + channel},line")
    write_fil(path, power, **KEYWORDS)
    table.write_text("\n".join([*lines, "1450,line", "1460,pulse"]))
    return table


def list_names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_folder_has_images_and_a_table_with_a_line_for_each(tmp_path):
    path = write_fil(tmp_path / "a.fil", make_noise(16, 300), **KEYWORDS)
    seen = []
    written = write(path, tmp_path / "out", progress=lambda done, total: seen.append((done, total)))
    assert written == Written(tiles=3)
    assert seen[-1] == (3, 3)
    assert list_names(tmp_path / "out") == ["images.npy", "tiles.csv"]
    images = np.load(tmp_path / "out/images.npy")
    assert (images.shape, images.dtype) == ((3, 16, 128), np.uint8)
    with open_observation(path) as observation:
        ((_, expected),) = iterate_tiles(observation, Tiling(observation, GRID))
    np.testing.assert_array_equal(images, expected)
    assert (tmp_path / "out/tiles.csv").read_text() == (
        "tile,centre_mhz,start_mhz,start_mjd,channel_width_hz,sample_time_s,edge_fraction,"
        "source\n"
        "0,1063.5,1000.0,57650.75,1000000.0,1.0,0.0,SIMULATED\n"
        "1,1191.5,1128.0,57650.75,1000000.0,1.0,0.0,SIMULATED\n"
        "2,1235.5,1172.0,57650.75,1000000.0,1.0,0.0,SIMULATED\n"
    )


def test_with_labels_it_is_a_data_folder(tmp_path):
    for split, seed in (("train", 0), ("validation", 1)):
        table = write_lines(tmp_path / f"{split}.fil", seed)
        written = write(tmp_path / f"{split}.fil", tmp_path / "out", table, split=split)
        assert written == Written(15, 0, 1, {"line": 8, "noise": 7})
    assert list_names(tmp_path / "out") == [
        *("tiles-validation.csv", "tiles.csv", "train/images.npy", "train/labels.npy"),
        *("validation/images.npy", "validation/labels.npy"),
    ]
    inventory, findings = check_folder(
        str(tmp_path / "out"), Layout(("noise", "line"), GRID.height, GRID.width)
    )
    assert inventory.format == "npy"
    assert not findings.errors
    assert findings.counts == {
        "train": {"noise": 7, "line": 8},
        "validation": {"noise": 7, "line": 8},
    }
    with open(tmp_path / "out/tiles.csv") as file:
        rows = list(csv.DictReader(file))
    labels = np.load(tmp_path / "out/train/labels.npy")
    assert [row["class"] for row in rows] == labels.tolist()
    # The tile at 1450 MHz has two classes and is left out.
    assert [int(row["tile"]) for row in rows] == [0, 1, 2, *range(4, 16)]
    assert [row["class"] for row in rows if float(row["start_mhz"]) < 1300] == [
        *("line", "noise", "line")
    ]


def test_tiles_that_are_there_are_replaced_only_if_asked_to(tmp_path):
    table = write_lines(tmp_path / "a.fil")
    write(tmp_path / "a.fil", tmp_path / "out", table)
    before = (tmp_path / "out/train/images.npy").read_bytes()
    with pytest.raises(FileExistsError, match="already exists"):
        write(tmp_path / "a.fil", tmp_path / "out", table)
    write_lines(tmp_path / "a.fil", seed=5)
    write(tmp_path / "a.fil", tmp_path / "out", table, overwrite=True)
    assert (tmp_path / "out/train/images.npy").read_bytes() != before
    assert list_names(tmp_path / "out") == ["tiles.csv", "train/images.npy", "train/labels.npy"]


def test_an_observation_that_gives_no_tile_is_refused_and_nothing_is_written(tmp_path):
    path = write_fil(tmp_path / "a.fil", np.zeros((16, 1, 300)), **KEYWORDS)
    with pytest.raises(InvalidData) as error:
        write(path, tmp_path / "out")
    assert str(error.value) == f"{path} gives no tile: 3 have no contrast and 0 no clear class."
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda out: (out / "tiles.csv").unlink(), "tiles.csv is missing."),
        (lambda out: (out / "images.npy").unlink(), "images.npy is missing."),
        (
            lambda out: (out / "tiles.csv").write_text("tile,centre_mhz\n1,2\n"),
            "images.npy and the table of tiles do not belong together.",
        ),
        (
            lambda out: np.save(out / "images.npy", np.zeros((2, 16, 128), np.uint8)),
            "images.npy and the table of tiles do not belong together.",
        ),
        (lambda out: (out / "images.npy").write_bytes(b"x"), "images.npy is damaged: "),
        (lambda out: (out / "tiles.csv").write_bytes(b""), "tiles.csv is damaged: "),
    ],
)
def test_a_damaged_folder_is_refused(damage, message, tmp_path):
    write(write_fil(tmp_path / "a.fil", make_noise(16, 300), **KEYWORDS), tmp_path / "out")
    damage(tmp_path / "out")
    with pytest.raises(InvalidData) as error:
        read_tiles(tmp_path / "out")
    assert str(error.value).startswith(f"{tmp_path}/out/{message}")
    assert str(error.value).endswith("Cut the observation again.")


def write_sparse(path, rows, channels):
    """Write a file of zeros that takes no space, but for noise in the channels at its end."""
    header = pack_header({**HEADER, "nchans": channels, "nifs": 1, "foff": 1e-6})
    noise = make_noise(rows, 4096)[:, 0]
    with open(path, "wb") as file:
        file.write(header)
        for row in range(1, rows + 1):
            file.seek(len(header) + 4 * (row * channels - 4096))
            file.write(noise[row - 1].tobytes())


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path):
    write_sparse(tmp_path / "a.fil", 16, 20 << 20)
    assert (tmp_path / "a.fil").stat().st_size > 1.2 * 2**30
    script = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "from pipeline.cli.main import main\n"
        "main()\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", script, "data", "tile", tmp_path / "a.fil", tmp_path / "out"],
        capture_output=True,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert process.returncode == 0, process.stderr
    # 4,096 channels hold 15 tiles, and one more reaches into them.
    assert np.load(tmp_path / "out/images.npy", mmap_mode="r").shape == (16, 16, 512)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_is_killed_leaves_nothing_that_looks_complete(how, tmp_path):
    out = tmp_path / "out"
    write_fil(tmp_path / "a.fil", np.tile(make_noise(16, 1 << 16), (1, 1, 48)), **KEYWORDS)
    command = [sys.executable, "-m", "pipeline.cli.main", "data", "tile", tmp_path / "a.fil", out]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not any(path.stat().st_size > 1 << 20 for path in out.glob(".unfinished-*/images.npy*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(how)
    process.communicate()
    if how == signal.SIGTERM:
        assert not out.exists()
    else:
        assert all(name.startswith(".unfinished-") for name in list_names(out))
    assert subprocess.run(command, capture_output=True).returncode == 0
    assert list_names(out) == ["images.npy", "tiles.csv"]
