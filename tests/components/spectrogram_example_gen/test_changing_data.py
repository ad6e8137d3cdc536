"""Data that change between the driver, which fingerprints them, and the end of ingest."""

import gzip
import logging
import os
import shutil
import struct
import threading
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

import data
from components.spectrogram_example_gen.component import SpectrogramExampleGen
from components.spectrogram_example_gen.driver import Driver
from components.spectrogram_example_gen.examples_artifact import describe_source
from components.spectrogram_example_gen.executor import Executor
from data.invalid import InvalidData
from data.reading.check import check_folder
from data.reading.layout import Layout
from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH
from data.stored_images import read_stored_images
from pipeline.beam_args import make_beam_args

SAMPLE = Path(data.__file__).parent / "sample"


@pytest.fixture
def folder(tmp_path):
    """The sample, with one compressed file, of which the log speaks when reading begins."""
    shutil.copytree(SAMPLE, tmp_path / "data")
    labels = tmp_path / "data" / "train" / "images.csv"
    labels.with_suffix(".csv.gz").write_bytes(gzip.compress(labels.read_bytes(), mtime=0))
    labels.unlink()
    return tmp_path / "data"


class Run:
    """The driver of ingest, then its executor."""

    def __init__(self, folder, output):
        component = SpectrogramExampleGen(
            data=str(folder), classes=list(CLASS_NAMES), height=HEIGHT, width=WIDTH, seed=0
        )
        self.properties = Driver(None).resolve_exec_properties(
            dict(component.exec_properties), None, None
        )
        self.output = output

    def execute(self):
        artifact = standard_artifacts.Examples()
        artifact.uri = str(self.output)
        context = Executor.Context(
            beam_pipeline_args=make_beam_args(),
            tmp_dir=f"{self.output}-tmp",
            unique_id="1",
        )
        Executor(context).Do({}, {"examples": [artifact]}, self.properties)
        return artifact


def change_label(folder):
    labels = folder / "validation" / "labels.csv"
    lines = labels.read_bytes().splitlines(keepends=True)
    labels.write_bytes(b"".join([lines[-1], *lines[1:-1], lines[0]]))


def change_and_restore(folder):
    """The same content and the same times as before, as a tool that copies files makes them."""
    labels = folder / "validation" / "labels.csv"
    content, status = labels.read_bytes(), labels.stat()
    change_label(folder)
    labels.write_bytes(content)
    os.utime(labels, ns=(status.st_atime_ns, status.st_mtime_ns))


class WhenReadingBegins(logging.Handler):
    """Calls a function once, from another thread, when ingest says that it reads."""

    def __init__(self, act):
        super().__init__()
        self._act = act

    def emit(self, record):
        if "is compressed" in record.getMessage() and self._act:
            thread, self._act = threading.Thread(target=self._act), None
            thread.start()
            thread.join()


@pytest.fixture
def when_reading_begins():
    log = logging.getLogger("radio_signals.ingest")
    level, handlers = log.level, []

    def add(act):
        handlers.append(WhenReadingBegins(act))
        log.addHandler(handlers[-1])
        log.setLevel("INFO")

    yield add
    for handler in handlers:
        log.removeHandler(handler)
    log.setLevel(level)


def changed(place):
    return (
        f"{place} changed while the run read it, so nothing was stored. Wait until the data are "
        "complete, then run again."
    )


def test_data_that_change_after_their_fingerprint_are_not_stored_under_it(folder, tmp_path):
    run = Run(folder, tmp_path / "out")
    change_label(folder)
    with pytest.raises(InvalidData) as refused:
        run.execute()
    assert str(refused.value) == changed(folder)


def test_data_that_change_while_they_are_read_are_refused_even_if_they_change_back(
    folder, tmp_path, when_reading_begins
):
    when_reading_begins(lambda: change_and_restore(folder))
    with pytest.raises(InvalidData) as refused:
        Run(folder, tmp_path / "out").execute()
    assert str(refused.value) == changed(folder / "validation" / "labels.csv")


def test_what_an_earlier_run_left_in_the_output_is_cleared_and_each_file_is_counted(
    folder, tmp_path
):
    left = tmp_path / "out" / "Split-train" / "data_tfrecord-00000-of-00005"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"of another run")
    Run(folder, tmp_path / "out").execute()
    stored = read_stored_images([f"{tmp_path}/out/Split-train/*"])
    assert sorted(stored) == sorted(map(str, left.parent.iterdir()))
    assert [path[-14:] for path in sorted(stored)] == [f"{i:05}-of-00004" for i in range(4)]
    for path, images in stored.items():
        assert sum(1 for _ in tf.data.TFRecordDataset(path)) == images == 4


def announce_billions_of_rows(folder):
    (folder / "train" / "images.csv.gz").unlink()
    (folder / "train" / "labels.csv").unlink()
    shutil.rmtree(folder / "validation")
    for split in ("train", "validation"):
        head = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**32 - 1, HEIGHT, WIDTH)
        (folder / f"{split}-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + bytes(9999)))
        head = bytes([0, 0, 8, 1]) + struct.pack(">I", 1)
        (folder / f"{split}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(head + b"\0"))


def make_a_pipe_and_a_name_of_bytes(folder):
    (folder / "validation" / "labels.csv").unlink()
    os.mkfifo(folder / "validation" / "labels.csv")
    train = os.fsencode(folder / "train")
    os.rename(train + b"/images.csv.gz", train + b"/images-\xff.csv.gz")
    os.rename(train + b"/labels.csv", train + b"/labels-\xff.csv")


@pytest.mark.parametrize("damage", [announce_billions_of_rows, make_a_pipe_and_a_name_of_bytes])
def test_a_run_refuses_hostile_data_with_the_words_of_data_check(folder, tmp_path, damage):
    damage(folder)
    _, findings = check_folder(str(folder), Layout(CLASS_NAMES, HEIGHT, WIDTH))
    with pytest.raises(InvalidData) as refused:
        Run(folder, tmp_path / "out").execute()
    assert str(refused.value) == findings.describe(str(folder))


@pytest.mark.parametrize("content", ["[", "[]", "{}", "\udcff"])
def test_a_record_that_no_simulator_wrote_is_named(tmp_path, content):
    record = tmp_path / "SIMULATED.json"
    record.write_text(content, errors="surrogateescape")
    with pytest.raises(InvalidData) as refused:
        describe_source(str(tmp_path))
    assert str(refused.value) == (
        f"{record} is not as the simulator wrote it. Restore or remove it."
    )
