"""The command `data tile`, and `data show` of what it reads and writes."""

import re

import numpy as np
import pytest
from click.testing import CliRunner

from pipeline.cli.data import data
from tests.data.telescope.files import make_noise, write_fil

COARSE = 187.5 / 64  # MHz


def call(*arguments):
    result = CliRunner().invoke(data, list(map(str, arguments)))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def write_observation(folder, **keywords):
    power = np.repeat(make_noise(16, 4096), keywords.pop("ifs", 1), axis=1)
    return write_fil(folder / "a.fil", power, fch1=1000.0, **keywords)


def test_an_observation_is_cut_and_the_summary_says_what_was_done(tmp_path):
    path = write_observation(tmp_path, foff=COARSE / 1024, ifs=2)
    result = call("tile", path, tmp_path / "out")
    assert result.exit_code == 0
    header, tiles, *rest = result.output.splitlines()
    assert header == (
        f"{path}: SIMULATED, 999.999 to 1,011.717 MHz, 16 rows of 4,096 channels, 2,861.02 Hz x 2 s"
    )
    assert re.fullmatch(
        rf"{tmp_path}/out: 15 tiles of 16 x 512 in [\d.]+ s, [\d,]+ MiB/s, [\d,]+ tiles/s", tiles
    )
    assert rest == [
        "Only the first of 2 IFs was read.",
        "4 coarse channels of 1,024 channels, each with its DC channel replaced by its neighbours.",
    ]


def test_with_labels_tiles_do_not_overlap_and_the_summary_counts_classes(tmp_path):
    path = write_observation(tmp_path, foff=1.0)
    table = tmp_path / "labels.csv"
    table.write_text("frequency_mhz,class\n1200,line\n3048,line\n")
    result = call("tile", path, tmp_path / "out", "--labels", table, "--split", "validation")
    assert result.output.splitlines()[2:] == [
        "classes: noise 5, line 1",
        "Coarse channels are unknown, so no DC channel was replaced and no edge marked. Option: "
        "--coarse-channels.",
        "Left out: 2 tiles with signals of two classes, or with one at their edge.",
    ]
    assert np.load(tmp_path / "out/validation/images.npy").shape == (6, 16, 512)


def test_tiles_without_contrast_are_counted(tmp_path):
    power = make_noise(16, 4096)
    power[:, :, :1024] = 0.0
    path = write_fil(tmp_path / "a.fil", power, foff=1.0)
    result = call("tile", path, tmp_path / "out", "--overlap", "0")
    assert result.output.splitlines()[-1] == ("Left out: 2 tiles in which nothing was recorded.")


def test_tiles_that_are_there_are_not_replaced(tmp_path):
    path = write_observation(tmp_path)
    assert call("tile", path, tmp_path / "out").exit_code == 0
    result = call("tile", path, tmp_path / "out")
    assert result.exit_code == 2
    assert result.output.endswith(
        f"Error: {tmp_path}/out/images.npy already exists. Choose another folder, or allow it to "
        "be overwritten. Option: --overwrite.\n"
    )
    assert call("tile", path, tmp_path / "out", "--overwrite").exit_code == 0
    (tmp_path / "file").touch()
    result = call("tile", path, tmp_path / "file")
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--height", 0),
        ("--width", -1),
        ("--overlap", 1),
        ("--overlap", -0.1),
        ("--split", "holdout"),
    ],
)
def test_a_wrong_option_is_named(option, value, tmp_path):
    result = call("tile", write_observation(tmp_path), tmp_path / "out", option, value)
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.output


def test_observations_and_tiles_are_shown(tmp_path):
    path = write_observation(tmp_path)
    call("tile", path, tmp_path / "out")
    for number, arguments in enumerate(
        ([path], [path, "--from-mhz", "990", "--to-mhz", "999"], [tmp_path / "out"])
    ):
        picture = tmp_path / f"{number}.png"
        result = call("show", *arguments, "--output", picture)
        assert result.output == f"{picture}\n"
        assert picture.stat().st_size > 10_000


def test_a_range_of_frequencies_is_refused_for_a_folder(tmp_path):
    call("tile", write_observation(tmp_path), tmp_path / "out")
    result = call("show", tmp_path / "out", "--to-mhz", "5", "--output", tmp_path / "x.png")
    assert result.exit_code == 2
    assert result.output.endswith(
        "Error: --from-mhz and --to-mhz are for an observation, which is a file.\n"
    )
