"""Everything that refuses an observation, with the exact messages."""

import json
import os
import struct
import subprocess
import sys

import h5py
import numpy as np
import pytest

from data.invalid import InvalidData
from data.telescope.observation import open_observation
from tests.data.telescope.files import HEADER, bitshuffle, pack, pack_header, write_fil, write_h5

POWER = np.arange(4 * 2 * 16).reshape(4, 2, 16)
CUT = "Copy it again."


def refusal(path):
    """Return why a file is refused, when it is opened or read, without its folder."""
    with pytest.raises(InvalidData) as error, open_observation(str(path)) as observation:
        observation.read(range(observation.header.rows), range(observation.header.channels))
    return str(error.value).replace(f"{path.parent}/", "")


def fil(**keywords):
    return lambda path: write_fil(path, POWER, **keywords)


def replace(old, new):
    """Return a function that writes a good file and replaces bytes in it."""

    def write(path):
        write_fil(path, POWER)
        content = path.read_bytes()
        assert content.count(old) == 1
        path.write_bytes(content.replace(old, new))

    return write


def cut(bytes_left_out):
    def write(path):
        write_fil(path, POWER)
        os.truncate(path, path.stat().st_size - bytes_left_out)

    return write


def without(keyword):
    header = {**HEADER, "nchans": 16}
    header.pop(keyword)
    return lambda path: path.write_bytes(pack_header(header) + bytes(1024))


NO_OBSERVATION = (
    "a.fil is no observation that can be read: it begins neither as a SIGPROC filterbank file "
    "(.fil) nor as HDF5 (.h5)."
)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        pytest.param(lambda path: None, "a.fil is missing.", id="missing"),
        pytest.param(
            lambda path: path.mkdir(), "a.fil is a folder. Replace it by a regular file.", id="dir"
        ),
        pytest.param(
            os.mkfifo,
            "a.fil is a named pipe. Replace it by a regular file.",
            id="pipe",
        ),
        pytest.param(lambda path: path.write_bytes(b""), NO_OBSERVATION, id="empty"),
        pytest.param(lambda path: path.write_bytes(b"0.5,0.5\n"), NO_OBSERVATION, id="text"),
        pytest.param(
            lambda path: path.write_bytes(pack("HEADER_END")), NO_OBSERVATION, id="another start"
        ),
        pytest.param(
            lambda path: path.write_bytes(pack("HEADER_START")),
            f"a.fil has a damaged header: the file ends before HEADER_END. {CUT}",
            id="nothing but the start",
        ),
        pytest.param(
            replace(pack("HEADER_END"), b""),
            f"a.fil has a damaged header: a text of 0 characters at byte 150. {CUT}",
            id="no end, then data",
        ),
        pytest.param(
            lambda path: path.write_bytes(
                pack("HEADER_START") + 200 * (pack("nbits") + struct.pack("<i", 8))
            ),
            f"a.fil has a damaged header: it has no HEADER_END. {CUT}",
            id="endless header",
        ),
        pytest.param(
            replace(pack("nchans"), struct.pack("<i", 2**31 - 1) + b"nchans"),
            f"a.fil has a damaged header: a text of 2,147,483,647 characters at byte 124. {CUT}",
            id="long keyword",
        ),
        pytest.param(
            replace(pack("SIMULATED"), struct.pack("<i", -5) + b"SIMULATED"),
            f"a.fil has a damaged header: a text of -5 characters at byte 31. {CUT}",
            id="negative length of a text",
        ),
        pytest.param(
            replace(pack("tsamp"), pack("t\x1b[1m")),
            'a.fil has the unknown keyword "t\\x1b[1m" in its header, after which nothing can be '
            "read. Remove it from the header.",
            id="unknown keyword",
        ),
        pytest.param(without("foff"), "a.fil has no foff in its header.", id="no foff"),
        pytest.param(without("nchans"), "a.fil has no nchans in its header.", id="no nchans"),
        pytest.param(
            fil(nchans=0),
            "a.fil has nchans 0 in its header. It is 1 or more.",
            id="no channels",
        ),
        pytest.param(
            fil(nchans=-16),
            "a.fil has nchans -16 in its header. It is 1 or more.",
            id="negative channels",
        ),
        pytest.param(
            fil(nchans=2**31 - 1),
            "a.fil is cut off: it holds 0.00 rows of 17,179,869,176 bytes where its header leads "
            f"to expect a whole number. {CUT}",
            id="many channels",
        ),
        pytest.param(fil(nifs=0), "a.fil has nifs 0 in its header. It is 1 or more.", id="no IFs"),
        pytest.param(
            lambda path: path.write_bytes(pack_header({**HEADER, "nchans": 16, "nbits": 2})),
            "a.fil has values of 2 bits (nbits). 8, 16 and 32 bits can be read: convert the file.",
            id="2 bits",
        ),
        pytest.param(
            lambda path: path.write_bytes(pack_header({**HEADER, "nchans": 16, "nbits": 64})),
            "a.fil has values of 64 bits (nbits). 8, 16 and 32 bits can be read: convert the file.",
            id="64 bits",
        ),
        pytest.param(
            lambda path: path.write_bytes(
                pack_header({**HEADER, "nchans": 16})[:-14]
                + pack("signed")
                + b"\1"
                + pack("HEADER_END")
            ),
            "a.fil holds signed values, and power is not negative. Convert it.",
            id="signed",
        ),
        pytest.param(
            fil(tsamp=-1.0),
            "a.fil has tsamp -1 in its header. It is the time from one row to the next in "
            "seconds, greater than 0.",
            id="negative time",
        ),
        pytest.param(
            fil(foff=0.0),
            "a.fil has foff 0 in its header: channels that are no MHz apart. foff is the width of "
            "a channel, negative if frequencies fall.",
            id="no width",
        ),
        pytest.param(
            fil(fch1=float("nan")), "a.fil has the impossible fch1 nan in its header.", id="NaN"
        ),
        pytest.param(
            fil(tstart=float("inf")),
            "a.fil has the impossible tstart inf in its header.",
            id="infinity",
        ),
        pytest.param(
            fil(foff=1e300), "a.fil has the impossible foff 1e+300 in its header.", id="huge"
        ),
        pytest.param(
            cut(1),
            "a.fil is cut off: it holds 3.99 rows of 128 bytes where its header leads to expect "
            f"a whole number. {CUT}",
            id="cut off",
        ),
        pytest.param(
            cut(4 * 128),
            "a.fil is cut off: it holds 0.00 rows of 128 bytes where its header leads to expect a "
            f"whole number. {CUT}",
            id="no data",
        ),
        pytest.param(
            fil(nsamples=5),
            "a.fil is cut off: it holds 4.00 rows of 128 bytes where its header leads to expect 5. "
            f"{CUT}",
            id="fewer rows than announced",
        ),
    ],
)
def test_a_sigproc_file_is_refused(write, message, tmp_path):
    path = tmp_path / "a.fil"
    write(path)
    assert refusal(path) == message


def h5(change, **options):
    """Return a function that writes a good file and changes it."""

    def write(path):
        write_h5(path, POWER, **options)
        with h5py.File(path, "r+") as file:
            change(file)

    return write


def set_attribute(name, value):
    return lambda file: file["data"].attrs.__setitem__(name, value)


def replace_data(make):
    def change(file):
        attributes = dict(file["data"].attrs)
        del file["data"]
        make(file)
        del attributes["nchans"]
        for name, value in attributes.items():
            file["data"].attrs[name] = value

    return change


def in_another_file(file):
    other = f"{file.filename}.raw"
    with open(other, "wb") as raw:
        raw.write(bytes(1024))
    file.create_dataset("data", (4, 2, 16), "f4", external=[(other, 0, 512)])


def virtual(file):
    layout = h5py.VirtualLayout((4, 2, 16), "f4")
    layout[:] = h5py.VirtualSource(f"{file.filename}.other", "data", (4, 2, 16))
    file.create_virtual_dataset("data", layout)


def of_type(dtype, shape=(4, 2, 16)):
    return replace_data(lambda file: file.create_dataset("data", data=np.zeros(shape, dtype)))


def damage_chunk(change):
    """Return a function that writes a compressed file and changes its first chunk."""

    def write(path):
        write_h5(path, np.tile(POWER, (1, 1, 64)), (4, 1, 512), bitshuffle())
        with h5py.File(path) as file:
            chunk = file["data"].id.get_chunk_info(0)
        content = bytearray(path.read_bytes())
        part = content[chunk.byte_offset : chunk.byte_offset + chunk.size]
        content[chunk.byte_offset : chunk.byte_offset + chunk.size] = change(part)
        path.write_bytes(content)

    return write


DAMAGED = (
    "a.h5 is damaged or cut off: "  # and what HDF5 says, which differs from release to release
)
LINK = 'a.h5: "data" is no dataset of this file, but a link or a group.'
ELSEWHERE = (
    'a.h5: the values of "data" are in other files, which are not read. Copy everything into one '
    "file with h5repack."
)
DAMAGED_CHUNK = (
    "a.h5 is damaged: the chunk at row 0, channel 0 has another size than it should have. "
    "Copy it again."
)
REPACK = "Copy it with: h5repack -f NONE -l CHUNK=16x1x65536 FILE NEW"
NO_FILTERBANK = "a.h5 is HDF5, but no filterbank file: its root has no attribute CLASS=FILTERBANK."


def type_message(shape, dtype):
    return (
        f'a.h5: "data" has the shape {shape} and the type {dtype}. Expected is [time, IF, channel] '
        "of uint8, uint16 or float32."
    )


@pytest.mark.parametrize(
    ("write", "message"),
    [
        pytest.param(
            lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100)),
            f"{DAMAGED}Unable to",
            id="only a beginning",
        ),
        pytest.param(
            lambda path: (write_h5(path, POWER), os.truncate(path, 2500)),
            f"{DAMAGED}Unable to",
            id="cut off",
        ),
        pytest.param(
            h5(lambda file: file.attrs.__delitem__("CLASS")), NO_FILTERBANK, id="no class"
        ),
        pytest.param(
            h5(lambda file: file.attrs.__setitem__("CLASS", "IMAGE")), NO_FILTERBANK, id="class"
        ),
        pytest.param(
            h5(lambda file: file.attrs.__setitem__("CLASS", file.ref)),
            NO_FILTERBANK,
            id="reference",
        ),
        pytest.param(
            h5(lambda file: file.__delitem__("data")), 'a.h5 has no dataset "data".', id="no data"
        ),
        pytest.param(h5(replace_data(lambda file: file.create_group("data"))), LINK, id="a group"),
        pytest.param(
            h5(
                lambda file: (file.move("data", "x"), file.__setitem__("data", h5py.SoftLink("/x")))
            ),
            LINK,
            id="soft link",
        ),
        pytest.param(
            h5(
                lambda file: (
                    file.move("data", "x"),
                    file.__setitem__("data", h5py.ExternalLink("/etc/passwd", "/x")),
                )
            ),
            LINK,
            id="external link",
        ),
        pytest.param(h5(replace_data(in_another_file)), ELSEWHERE, id="external storage"),
        pytest.param(h5(replace_data(virtual)), ELSEWHERE, id="virtual"),
        pytest.param(h5(of_type("f8")), type_message((4, 2, 16), "float64"), id="float64"),
        pytest.param(h5(of_type("i1")), type_message((4, 2, 16), "int8"), id="int8"),
        pytest.param(h5(of_type("c8")), type_message((4, 2, 16), "complex64"), id="complex"),
        pytest.param(h5(of_type("S4")), type_message((4, 2, 16), "|S4"), id="text"),
        pytest.param(
            h5(replace_data(lambda file: file.create_dataset("data", (4, 2, 16), h5py.ref_dtype))),
            type_message((4, 2, 16), "object"),
            id="references",
        ),
        pytest.param(h5(of_type("f4", (4, 16))), type_message((4, 16), "float32"), id="2 axes"),
        pytest.param(h5(of_type("f4", (0, 2, 16))), "a.h5 is empty: it has no rows.", id="no rows"),
        pytest.param(
            h5(
                lambda file: (
                    file["data"].attrs.__delitem__("foff"),
                    file["data"].attrs.__delitem__("fch1"),
                )
            ),
            'a.h5: "data" has no attribute fch1 and no foff.',
            id="no frequencies",
        ),
        pytest.param(
            h5(set_attribute("fch1", np.zeros(3))),
            'a.h5: the attribute fch1 of "data" is not one number.',
            id="several numbers",
        ),
        pytest.param(
            h5(set_attribute("tsamp", "1.0")),
            'a.h5: the attribute tsamp of "data" is not one number.',
            id="text for a number",
        ),
        pytest.param(
            h5(set_attribute("nchans", 17)),
            "a.h5 has nchans 17 in its header, but 16 channels.",
            id="another number of channels",
        ),
        pytest.param(
            h5(set_attribute("fch1", np.nan)),
            "a.h5 has the impossible fch1 nan in its header.",
            id="NaN",
        ),
        pytest.param(
            h5(replace_data(lambda file: file.create_dataset("data", (2**40, 1, 2**20), "f4"))),
            "a.h5 is cut off: most of its values were never written.",
            id="never written",
        ),
        pytest.param(
            h5(
                replace_data(
                    lambda file: file.create_dataset(
                        "data", (2**40, 1, 2**20), "f4", chunks=(1, 1, 2**20)
                    )
                )
            ),
            "a.h5 is cut off: 0 of its 1,099,511,627,776 chunks were written.",
            id="chunks never written",
        ),
        pytest.param(
            h5(
                replace_data(
                    lambda file: file.create_dataset(
                        "data", (2**20, 1, 2**20), "f4", chunks=(2**9, 1, 2**20)
                    )
                )
            ),
            f"a.h5 has chunks of 2,048 MiB, of which each must be in memory. Up to 128 MiB can be "
            f"read. {REPACK}",
            id="large chunks",
        ),
        pytest.param(
            h5(
                replace_data(
                    lambda file: file.create_dataset(
                        "data", data=np.zeros((4, 2, 16), "f4"), compression="gzip"
                    )
                )
            ),
            f"a.h5 is compressed with deflate. Bitshuffle and no compression can be read. {REPACK}",
            id="another compression",
        ),
        pytest.param(
            damage_chunk(lambda part: struct.pack(">Q", 2**40) + part[8:]),
            DAMAGED_CHUNK,
            id="chunk that would fill the memory",
        ),
        pytest.param(
            damage_chunk(lambda part: part[:8] + struct.pack(">I", 0) + part[12:]),
            DAMAGED_CHUNK,
            id="chunk of blocks without values",
        ),
        pytest.param(
            damage_chunk(lambda part: part[:12] + struct.pack(">I", 2**31) + part[16:]),
            DAMAGED_CHUNK,
            id="chunk with a block that leaves it",
        ),
        pytest.param(
            damage_chunk(lambda part: part[:20] + bytes(len(part) - 20)),
            f"{DAMAGED}Can't",
            id="chunk with damaged blocks",
        ),
    ],
)
def test_an_hdf5_file_is_refused(write, message, tmp_path):
    path = tmp_path / "a.h5"
    write(path)
    if message.startswith(DAMAGED):
        assert refusal(path).startswith(message)
        assert refusal(path).endswith(CUT)
    else:
        assert refusal(path) == message


def test_an_address_is_refused():
    with pytest.raises(InvalidData) as error:
        open_observation("s3://bucket/a.h5")
    assert str(error.value) == (
        "s3://bucket/a.h5 is an address. Copy the observation to this machine first."
    )


def test_a_relative_path_is_named_as_it_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.py").write_text("raise SystemExit")  # of the user, and not ours
    h5(set_attribute("nchans", 17))(tmp_path / "a.h5")
    with pytest.raises(InvalidData) as error:
        open_observation("a.h5")
    assert str(error.value) == "a.h5 has nchans 17 in its header, but 16 channels."


def test_a_file_that_is_cut_off_while_it_is_read_is_named(tmp_path):
    path = tmp_path / "a.fil"
    write_fil(path, POWER)
    with open_observation(str(path)) as observation:
        os.truncate(path, path.stat().st_size - 200)
        with pytest.raises(InvalidData) as error:
            observation.read(range(4), range(16))
    assert str(error.value) == f"{path} was cut off while it was read. Copy it again."


def test_without_the_package_for_compressed_files_the_message_says_how_to_install_it(tmp_path):
    path = tmp_path / "a.h5"
    write_h5(path, POWER, (4, 1, 16), bitshuffle())
    script = (
        "import sys; sys.modules['hdf5plugin'] = None\n"  # as if it were not installed
        "from data.telescope.observation import open_observation\n"
        f"open_observation({json.dumps(str(path))})"
    )
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert process.stderr.splitlines()[-1] == (
        f"data.invalid.InvalidData: {path} is compressed with bitshuffle, which one more package "
        "can read. Install it: pip install radio-signals[telescope]"
    )
