"""The formats that can be read, in the order in which a folder is searched for them."""

from __future__ import annotations

from data.reading.formats.csv_labelled import LabelledCsv
from data.reading.formats.csv_pair import PairedCsv
from data.reading.formats.format import Format
from data.reading.formats.idx import Idx
from data.reading.formats.image_folder import ImageFolder
from data.reading.formats.npy import Npy
from data.reading.formats.npz import Npz
from data.reading.formats.voltages import Voltages

FORMATS: dict[str, Format] = {
    reader.name: reader
    for reader in (PairedCsv(), LabelledCsv(), Npy(), Npz(), Idx(), ImageFolder(), Voltages())
}
