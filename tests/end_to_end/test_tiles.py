"""A whole run on tiles of two simulated observations, one for training and one for validation."""

import subprocess

import numpy as np
import pytest

from data.simulation.dataset import ImageKey, simulate_signal
from tests.data.telescope.files import inject, make_noise, write_fil
from tests.end_to_end.support.pipeline_runs import COMMAND, SMALL, run_pipeline

pytestmark = pytest.mark.long

CLASSES = ("noise", "narrowband", "squiggle")
HEIGHT, WIDTH = 32, 64
SIZE = (f"--height={HEIGHT}", f"--width={WIDTH}")


def write_observation(folder, split, each, seed):
    """Write an observation with so many signals of each class, and the table of its labels."""
    tiles = [(name, number) for number in range(each) for name in CLASSES]
    np.random.default_rng(seed).shuffle(tiles)
    power = make_noise(HEIGHT, len(tiles) * WIDTH, seed, looks=4)
    lines = ["frequency_mhz,class"]
    for place, (name, number) in enumerate(tiles):
        signal = simulate_signal(ImageKey(split, str(name), int(number)))
        if signal is not None:
            inject(power, signal, place * WIDTH, WIDTH)
            lines.append(f"{1420.0 + 1e-5 * (place + 0.5) * WIDTH:.9f},{name}")
    response = 1e6 * (1.3 + np.cos(np.linspace(0.0, 9.0, power.shape[2])))
    path = folder / f"{split}.fil"
    highest = 1420.0 + 1e-5 * (power.shape[2] - 1)
    write_fil(path, (power * response)[:, :, ::-1], fch1=highest, foff=-1e-5)
    path.with_suffix(".csv").write_text("\n".join(lines) + "\n")
    return path


def test_a_model_is_trained_on_the_tiles_of_one_observation_and_validated_on_another(tmp_path):
    for split, each, seed in (("train", 60, 1), ("validation", 20, 2)):
        path = write_observation(tmp_path, split, each, seed)
        options = (*SIZE, "--labels", path.with_suffix(".csv"), "--split", split)
        cut = subprocess.run(
            [COMMAND, "data", "tile", path, tmp_path / "tiles", *options],
            capture_output=True,
            text=True,
        )
        assert cut.returncode == 0, cut.stderr
        assert sorted(cut.stdout.splitlines()[2].removeprefix("classes: ").split(", ")) == sorted(
            f"{name} {each}" for name in CLASSES
        )
    run = run_pipeline(
        tmp_path / "tiles",
        tmp_path / "runs",
        *SMALL,
        *(f"--set={option.removeprefix('--')}" for option in SIZE),
        f"--set=classes=[{','.join(CLASSES)}]",
    )
    assert run.status == 0, run.text
    assert run.metrics["accuracy"] >= 0.9
