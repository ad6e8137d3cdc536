"""Writes observations, independently of the code that reads them."""

import struct

import numpy as np

HEADER = {
    "source_name": "SIMULATED",
    "fch1": 8421.0,
    "foff": -0.5,
    "tsamp": 2.0,
    "tstart": 57650.75,
    "nbits": 32,
}

TYPES = {8: np.uint8, 16: np.uint16, 32: np.float32}


def pack(text):
    return struct.pack("<i", len(text)) + text.encode()


def pack_value(value):
    if isinstance(value, str):
        return pack(value)
    return struct.pack("<i" if isinstance(value, int) else "<d", value)


def pack_header(header):
    pairs = b"".join(pack(name) + pack_value(value) for name, value in header.items())
    return pack("HEADER_START") + pairs + pack("HEADER_END")


def write_fil(path, power, **keywords):
    """Write power [rows, IFs, channels], in the order of the file, as a SIGPROC file."""
    _, ifs, channels = power.shape
    header = {**HEADER, "nchans": channels, "nifs": ifs, **keywords}
    path.write_bytes(pack_header(header) + power.astype(TYPES[header["nbits"]]).tobytes())
    return str(path)


def write_h5(path, power, chunks=None, compression=None, **keywords):
    """Write power [rows, IFs, channels], in the order of the file, as filterbank HDF5."""
    import h5py

    header = {**HEADER, "nchans": power.shape[2], "nifs": power.shape[1], **keywords}
    with h5py.File(path, "w") as file:
        file.attrs["CLASS"], file.attrs["VERSION"] = "FILTERBANK", "1.0"
        values = power.astype(TYPES[header["nbits"]])
        data = file.create_dataset("data", data=values, chunks=chunks, **(compression or {}))
        for name, value in header.items():
            data.attrs[name] = value
    return str(path)


def bitshuffle():
    import hdf5plugin

    return dict(hdf5plugin.Bitshuffle(nelems=0, cname="lz4"))


def make_noise(rows, channels, seed=0, looks=51):
    """Return power [rows, 1, channels] with mean 1: the mean of so many spectra of noise."""
    rng = np.random.default_rng(seed)
    return rng.gamma(looks, 1.0 / looks, (rows, 1, channels)).astype(np.float32)


def inject(power, signal, first_channel, width):
    """Add a simulated signal to power [rows, 1, channels], as if a tile were its band.

    Args:
      power: float32, with noise of mean 1. It is changed.
      signal: `data.simulation.classes.Signal`.
      first_channel: lowest channel of the tile.
      width: channels in the tile.
    """
    steps = 64  # in a row
    times = np.linspace(0.0, 1.0, len(power) * steps)
    channels = np.floor(signal.path(times) * width).astype(int)
    strength = 10.0 ** (signal.strength / 10.0) * signal.envelope(times) ** 2 / steps
    inside = (channels >= 0) & (channels < width)
    rows = np.arange(len(times)) // steps
    np.add.at(power[:, 0], (rows[inside], first_channel + channels[inside]), strength[inside])
