"""Voltages become the spectrograms that the simulator makes of them, byte for byte."""

import json
import os
from contextlib import contextmanager

import numpy as np
import pytest

from data.reading.check import check_folder
from data.reading.formats import voltages
from data.reading.inventory import take_inventory
from data.reading.layout import Division, Layout
from data.reading.split import split_images, split_labels
from data.reading.voltages import count_samples
from data.simulation.dataset import ImageKey, simulate_signal
from data.simulation.spectrogram import simulate_spectrogram, simulate_voltage
from data.spectrogram import choose_oversampling

CLASSES = ("noise", "narrowband")
HEIGHT, WIDTH = 16, 32
SIZE = (HEIGHT, WIDTH)
SAMPLES = 16 * HEIGHT * WIDTH


@pytest.fixture
def layout():
    return Layout(CLASSES, HEIGHT, WIDTH)


def simulate(split, count, height=HEIGHT, width=WIDTH):
    """Return signed bytes [count, samples, 2], and the simulator's images of the same signals."""
    oversampling = choose_oversampling(height, width)
    rows, channels = oversampling * height, oversampling * width
    components, images = [], []
    for number in range(count):
        signal = simulate_signal(ImageKey(split, CLASSES[number % 2], number))
        rngs = [np.random.default_rng([len(split), number]) for _ in range(2)]
        voltage = simulate_voltage(signal, rows, channels, rngs[0])
        components.append(voltage.view(np.float32).astype(np.int8).reshape(-1, 2))
        images.append(simulate_spectrogram(signal, height, width, rngs[1]))
    return np.stack(components), np.stack(images)


@pytest.fixture(scope="module")
def simulated():
    """By split, signed bytes [signals, samples, 2] and images [signals, height, width]."""
    return {"train": simulate("train", 8), "validation": simulate("validation", 4)}


def labels_of(components):
    return np.arange(len(components)) % 2


def make_complex(components, dtype=np.complex64):
    return components.astype(np.float32).view(np.complex64)[..., 0].astype(dtype)


def save_arrays(folder, split, components, convert=lambda c: c):
    (folder / split).mkdir(parents=True, exist_ok=True)
    np.save(folder / split / "voltages.npy", convert(components))
    np.save(folder / split / "labels.npy", labels_of(components))


def save_arrays_with_csv(folder, split, components):
    save_arrays(folder, split, components)
    (folder / split / "labels.npy").unlink()
    names = "".join(f"{CLASSES[label]}\n" for label in labels_of(components))
    (folder / split / "labels.csv").write_text(names)


def save_several_arrays(folder, split, components):
    for number, part in enumerate(np.split(components, 2)):
        save_arrays(folder, split, part)
        for name in ("voltages", "labels"):
            (folder / split / f"{name}.npy").rename(folder / split / f"{name}-{number}.npy")


def header_of(number):
    return {"uuid": f"a-{number:02}", "signal_classification": CLASSES[number % 2]}


def save_recordings(folder, split, components, headers=lambda number: [header_of(number)]):
    (folder / split).mkdir(parents=True, exist_ok=True)
    for number, signal in enumerate(components):
        lines = "".join(json.dumps(header) + "\n" for header in headers(number))
        path = folder / split / f"a-{number:02}.dat"
        path.write_bytes(lines.encode() + signal.tobytes())


def save_recordings_with_table(folder, split, components):
    save_recordings(folder, split, components, lambda number: [{"uuid": f"a-{number:02}"}])
    rows = [f"a-{number:02},{CLASSES[number % 2]}\n" for number in range(len(components))]
    others = ["b-01,squiggle\n", "b-02\n"]
    table = "".join(["UUID,SIGNAL_CLASSIFICATION\n", *others, *reversed(rows)])
    (folder / split / "labels.csv").write_text(table)


def save_private_recordings(folder, split, components):
    save_recordings(
        folder,
        split,
        components,
        lambda number: [{"simulator_software_version": 1, "seed": 3}, header_of(number)],
    )


WRITERS = {
    "signed bytes": save_arrays,
    "complex64": lambda *a: save_arrays(*a, convert=make_complex),
    "complex128": lambda *a: save_arrays(*a, convert=lambda c: make_complex(c, np.complex128)),
    "big-endian": lambda *a: save_arrays(*a, convert=lambda c: make_complex(c, ">c8")),
    "labels in CSV": save_arrays_with_csv,
    "several arrays": save_several_arrays,
    ".dat": save_recordings,
    ".dat with a table": save_recordings_with_table,
    ".dat with a private header": save_private_recordings,
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("in_chunk", [512, 3])
def test_a_voltage_of_the_simulator_is_read_as_its_image(
    tmp_path, simulated, layout, write, in_chunk, monkeypatch
):
    monkeypatch.setattr(voltages, "_MOST_IN_CHUNK", in_chunk)
    monkeypatch.setattr(voltages, "_BLOCK_ROWS", 2)
    for split, (components, _) in simulated.items():
        write(tmp_path, split, components)
    inventory, findings = check_folder(str(tmp_path), layout)
    assert [str(error) for error in findings.errors] == []
    assert (inventory.format, findings.remarks) == ("voltages", [])
    for split, (components, images) in simulated.items():
        np.testing.assert_array_equal(split_images(inventory, split, layout), images)
        np.testing.assert_array_equal(split_labels(inventory, split, layout), labels_of(components))
    chosen = split_images(inventory, "train", layout, [6, 1])
    np.testing.assert_array_equal(chosen, simulated["train"][1][[6, 1]])


@pytest.mark.parametrize(("height", "width"), [(64, 128), (384, 512), (10, 48), (100, 60)])
def test_height_and_width_are_free(tmp_path, height, width):
    components, images = simulate("train", 1, height, width)
    save_recordings(tmp_path, "train", components)
    layout = Layout(CLASSES, height, width)
    inventory = take_inventory(str(tmp_path), layout)
    np.testing.assert_array_equal(split_images(inventory, "train", layout), images)


def test_a_folder_of_recordings_is_divided_as_it_is_unpacked(tmp_path, simulated, layout):
    components, images = simulated["train"]
    save_recordings(tmp_path, "", components)
    inventory, findings = check_folder(str(tmp_path), layout, division=Division(0.25))
    assert findings.errors == []
    assert findings.counts == {
        "train": {"noise": 3, "narrowband": 3},
        "validation": {"noise": 1, "narrowband": 1},
    }
    assert [chunk.locate(3)[0] for chunk in inventory.chunks] == [f"{tmp_path}/a-03.dat"]
    kept = [number for number in range(8) if number not in findings.validation_rows[str(tmp_path)]]
    np.testing.assert_array_equal(split_images(inventory, "train", layout), images[kept])


def test_the_fingerprint_covers_every_file(tmp_path, simulated, layout):
    for split, (components, _) in simulated.items():
        save_recordings_with_table(tmp_path, split, components[:2])
    paths = take_inventory(str(tmp_path), layout).paths
    assert [path.removeprefix(f"{tmp_path}/") for path in paths] == [
        *("train/a-00.dat", "train/a-01.dat", "train/labels.csv"),
        *("validation/a-00.dat", "validation/a-01.dat", "validation/labels.csv"),
    ]


@pytest.mark.parametrize(
    ("available", "used"),
    [
        pytest.param(131_072, 131_072, id="simulated"),
        pytest.param(196_608, 131_072, id="published"),
        pytest.param(792_576, 131_072, id="published, longer"),
        pytest.param(131_071, 9 * 8192, id="shorter"),
        pytest.param(8192, 8192, id="shortest"),
    ],
)
def test_of_a_signal_as_many_samples_are_used_as_a_published_image_needs(available, used):
    assert count_samples(available, Layout(CLASSES, 64, 128)) == used


def test_longer_and_shorter_signals_are_read_and_said_to_be(tmp_path, simulated, layout):
    for split, (components, _) in simulated.items():
        save_recordings(tmp_path, split, components)
    components, images = simulated["train"]
    path = tmp_path / "train" / "a-00.dat"
    path.write_bytes(path.read_bytes() + bytes(2000))
    path = tmp_path / "train" / "a-01.dat"
    path.write_bytes(path.read_bytes()[:-2])
    inventory, findings = check_folder(str(tmp_path), layout)
    assert findings.errors == []
    assert findings.remarks == [
        "signals of which only the first 8,192 samples are used: 1",
        "signals with fewer than 8,192 samples, whose spectrograms are noisier for it: 1",
    ]
    read = split_images(inventory, "train", layout)
    np.testing.assert_array_equal(read[0], images[0])
    expected = make_complex(components[1])[: 9 * HEIGHT * WIDTH]
    assert read[1].std() > 1.2 * images[1].std(), "9 values of power a pixel instead of 16"
    assert len(expected) == count_samples(SAMPLES - 1, layout)


class LimitedStream:
    def __init__(self, stream):
        self._stream, self.seek = stream, stream.seek

    def read(self, size):
        assert 0 <= size <= 1 << 16
        return self._stream.read(size)


def refuse_long_reads(open_input):
    @contextmanager
    def opened(path, files):
        with open_input(path, files) as stream:
            yield LimitedStream(stream)

    return opened


def test_only_the_samples_that_are_used_are_read(tmp_path, simulated, layout, monkeypatch):
    for split, (components, _) in simulated.items():
        save_recordings(tmp_path, split, components)
    path = tmp_path / "train" / "a-00.dat"
    os.truncate(path, path.stat().st_size + (1 << 40))  # a terabyte of nothing more
    monkeypatch.setattr(voltages, "open_input", refuse_long_reads(voltages.open_input))
    inventory, findings = check_folder(str(tmp_path), layout)
    assert findings.errors == []
    np.testing.assert_array_equal(split_images(inventory, "train", layout), simulated["train"][1])


def test_labels_are_read_without_making_a_spectrogram(tmp_path, simulated, layout):
    save_recordings_with_table(tmp_path, "train", simulated["train"][0])
    for path in tmp_path.glob("train/*.dat"):
        path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])  # no samples
    inventory = take_inventory(str(tmp_path), layout)
    np.testing.assert_array_equal(
        split_labels(inventory, "train", layout), labels_of(simulated["train"][0])
    )


def errors_of(folder, layout):
    _, findings = check_folder(str(folder), layout)
    return [str(error).replace(f"{folder}/", "") for error in findings.errors]


def changed(array, index, value):
    array = array.copy()
    array[index] = value
    return array


RANGE = "and each part of a voltage is between -32,768 and 32,768, in steps of the digitiser."
KINDS = "Voltages are complex (signals, samples), or of type int8 (signals, samples, 2)."


@pytest.mark.parametrize(
    ("array", "message"),
    [
        pytest.param(
            lambda a: changed(a, (4, 17), np.nan),
            f"train/voltages.npy, row 5: sample 18 is nan+0j, {RANGE}",
            id="NaN",
        ),
        pytest.param(
            lambda a: changed(a, (0, 0), complex(1, -np.inf)),
            f"train/voltages.npy, row 1: sample 1 is 1-infj, {RANGE}",
            id="infinity",
        ),
        pytest.param(
            lambda a: changed(a.astype(np.complex128), (0, 2), 1e300),
            f"train/voltages.npy, row 1: sample 3 is 1e+300+0j, {RANGE}",
            id="beyond 32 bits",
        ),
        pytest.param(
            lambda a: a * np.float32(1e-6),
            "train/voltages.npy, row 1: the voltage is silent, or in other units: its power is "
            "nowhere greater than 1. Voltages are in steps of the digitiser; noise has a standard "
            "deviation near 13 in the published ones.",
            id="volts",
        ),
        pytest.param(
            lambda a: a[:, :511],
            "train/voltages.npy cannot be used: the signal has 511 samples, and a spectrogram of "
            "16 x 32 needs at least 512. Set height and width to a smaller size.",
            id="too short",
        ),
        pytest.param(lambda a: a[:0], "train/voltages.npy is empty.", id="no signal"),
        pytest.param(
            lambda a: a.real,
            "train/voltages.npy holds an array of type float32 and shape (8, 8192). " + KINDS,
            id="real",
        ),
        pytest.param(
            lambda a: a.view(np.float32).astype(np.int16).reshape(8, -1, 2),
            "train/voltages.npy holds an array of type int16 and shape (8, 8192, 2). " + KINDS,
            id="16 bits",
        ),
        pytest.param(
            lambda a: a.reshape(2, 4, -1),
            "train/voltages.npy holds an array of type complex64 and shape (2, 4, 8192). " + KINDS,
            id="three axes",
        ),
        pytest.param(
            lambda a: a[:7],
            "train/voltages.npy has 7 rows but train/labels.npy has 8. Row n of one belongs to row "
            "n of the other, so both must have the same number.",
            id="fewer than labels",
        ),
    ],
)
def test_a_bad_array_is_refused_with_file_and_row(tmp_path, simulated, layout, array, message):
    for split, (components, _) in simulated.items():
        save_arrays(tmp_path, split, components, make_complex)
    np.save(tmp_path / "train/voltages.npy", array(np.load(tmp_path / "train/voltages.npy")))
    assert errors_of(tmp_path, layout)[0] == message


def test_an_array_that_claims_more_than_it_holds_is_refused_unread(tmp_path, simulated, layout):
    for split, (components, _) in simulated.items():
        save_arrays(tmp_path, split, components, make_complex)
    path = tmp_path / "train" / "voltages.npy"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"(8, 8192)", b"(8000000, 8192)", 1).replace(b" " * 6, b"", 1))
    assert errors_of(tmp_path, layout) == [
        "train/voltages.npy is cut off: it ends before the 8,000,000 signals that its first bytes "
        "announce. Copy or write it again."
    ]
    path.write_bytes(content[:-1])
    assert errors_of(tmp_path, layout) == [
        "train/voltages.npy is cut off: it ends before the 8 signals that its first bytes "
        "announce. Copy or write it again."
    ]


NO_HEADER = (
    "the file does not begin with a line of JSON in braces, as files of the SETI Institute do."
)
KNOWN = "Classes are noise, narrowband, or 0 to 1; set classes to the names in the data."


def with_header(header):
    return lambda content: header + b"\n" + content.partition(b"\n")[2]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda content: b"", NO_HEADER, id="empty"),
        pytest.param(with_header(b""), NO_HEADER, id="no header"),
        pytest.param(with_header(b"[1]"), NO_HEADER, id="no object"),
        pytest.param(with_header(b"[" * 60_000), NO_HEADER, id="brackets"),
        pytest.param(with_header(b'{"a":' * 10_000), NO_HEADER, id="braces"),
        pytest.param(with_header(b"9" * 60_000), NO_HEADER, id="digits"),
        pytest.param(with_header(b"\xff\xfe"), NO_HEADER, id="no text"),
        pytest.param(
            lambda content: b'{"uuid": "' + b"x" * (1 << 20) + content, NO_HEADER, id="long header"
        ),
        pytest.param(
            with_header(b'{"simulator_software_version": 1}'), NO_HEADER, id="private header only"
        ),
        pytest.param(
            with_header(b"{}"),
            "its header has no signal_classification, and there is no labels.csv beside the file.",
            id="no class",
        ),
        pytest.param(
            with_header(b'{"signal_classification": 1}'),
            "its header has no signal_classification, and there is no labels.csv beside the file.",
            id="no text as class",
        ),
        pytest.param(
            with_header(b'{"signal_classification": "\\u001b[2J\\ud800"}'),
            rf'"\x1b[2J?" is not a class. {KNOWN}',
            id="another class",
        ),
        pytest.param(
            lambda content: content[:-1],
            "the file ends within a sample. It was cut off: copy it again.",
            id="half a sample",
        ),
        pytest.param(
            lambda content: content[:200],
            "the signal has 72 samples, and a spectrogram of 16 x 32 needs at least 512. Set "
            "height and width to a smaller size.",
            id="cut off",
        ),
        pytest.param(
            lambda content: content.partition(b"\n")[0] + b"\n" + bytes(2 * SAMPLES),
            "the voltage is silent, or in other units: its power is nowhere greater than 1. "
            "Voltages are in steps of the digitiser; noise has a standard deviation near 13 in the "
            "published ones.",
            id="silence",
        ),
    ],
)
def test_a_bad_recording_is_refused_by_its_name(tmp_path, simulated, layout, damage, message):
    for split, (components, _) in simulated.items():
        save_recordings(tmp_path, split, components)
    path = tmp_path / "train" / "a-03.dat"
    path.write_bytes(damage(path.read_bytes()))
    assert errors_of(tmp_path, layout) == [f"train/a-03.dat: {message}"]


def test_a_recording_that_is_no_regular_file_is_refused(tmp_path, simulated, layout):
    for split, (components, _) in simulated.items():
        save_recordings(tmp_path, split, components)
    path = tmp_path / "train" / "a-03.dat"
    path.unlink()
    os.mkfifo(path)
    assert errors_of(tmp_path, layout) == [
        "train/a-03.dat: the file is a named pipe. Replace it by a regular file."
    ]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        pytest.param(
            "a-00,noise\n",
            "train/a-01.dat: labels.csv beside the file does not name it.",
            id="not named",
        ),
        pytest.param(
            "a-00,noise\na-01.dat,pulse\n",
            f'train/a-01.dat: "pulse" is not a class. {KNOWN}',
            id="unknown class",
        ),
        pytest.param(
            "x" * 100_000,
            "train/a-00.dat: labels.csv beside the file does not name it.",
            id="no table",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, simulated, layout, table, message):
    for split, (components, _) in simulated.items():
        save_recordings_with_table(tmp_path, split, components[:2])
    (tmp_path / "train" / "labels.csv").write_text(table)
    assert errors_of(tmp_path, layout)[0] == message


def test_a_table_that_cannot_be_read_is_named(tmp_path, simulated, layout):
    for split, (components, _) in simulated.items():
        save_recordings_with_table(tmp_path, split, components[:2])
    (tmp_path / "train" / "labels.csv").unlink()
    (tmp_path / "train" / "labels.csv").symlink_to("/dev/zero")
    assert errors_of(tmp_path, layout) == [
        "train has labels that cannot be read: train/labels.csv is a device. Replace it by a "
        "regular file."
    ]


@pytest.mark.parametrize("label_file", ["labels.npy", "labels.csv"])
def test_arrays_without_labels_are_refused(tmp_path, simulated, layout, label_file):
    write = save_arrays if label_file == "labels.npy" else save_arrays_with_csv
    for split, (components, _) in simulated.items():
        write(tmp_path, split, components)
    (tmp_path / "train" / label_file).unlink()
    assert errors_of(tmp_path, layout)[0] == (
        "train/labels.csv is missing. A data folder of this format holds voltages.npy with "
        "labels.npy or labels.csv, or *.dat, in train/ and validation/."
    )
