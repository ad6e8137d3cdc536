"""A small data folder without faults."""

import numpy as np
import pytest

from data.reading.layout import Layout
from data.seed_layout import encode_csv

HEIGHT, WIDTH, CLASSES = 2, 3, ("noise", "line")


@pytest.fixture
def layout():
    return Layout(CLASSES, HEIGHT, WIDTH)


@pytest.fixture
def images():
    """By split, uint8 [rows, height, width], all different."""
    rng = np.random.default_rng(0)
    levels = rng.choice(256**2, 30, replace=False)  # the first two pixels tell images apart
    rest = rng.integers(0, 256, (30, HEIGHT * WIDTH - 2))
    pixels = np.column_stack([levels // 256, levels % 256, rest]).astype(np.uint8)
    pixels = pixels.reshape(-1, HEIGHT, WIDTH)
    return {"train": pixels[:20], "validation": pixels[20:]}


@pytest.fixture
def labels(images):
    """By split, int64 [rows]."""
    return {split: np.arange(len(levels)) % 2 for split, levels in images.items()}


@pytest.fixture
def folder(tmp_path, images, labels):
    """The data as pairs of CSV files."""
    directory = tmp_path / "data"
    for split, levels in images.items():
        (directory / split).mkdir(parents=True)
        rows = levels.reshape(len(levels), -1)
        (directory / split / "images.csv").write_bytes(encode_csv(rows))
        one_hot = np.eye(2, dtype=np.uint8)[labels[split]] * 255
        (directory / split / "labels.csv").write_bytes(encode_csv(one_hot))
    return directory
