"""Reads the files of radio telescopes by ranges, and cuts them into spectrogram tiles.

    header.py         what a header says: frequencies, times, size
    observation.py    opens a file of either format; reads a range of it
    sigproc.py        SIGPROC filterbank files (.fil)
    filterbank_hdf5.py  filterbank files in HDF5 (.h5)
    coarse_channels.py  the telescope's own channels: their DC channel and their edges
    bandpass.py       how the telescope's response depends on frequency
    tiling.py         cuts an observation into tiles
    labels.py         which tiles hold which labelled frequency
    tile_folder.py    a folder of tiles and the table of their frequencies and times
    plots.py          draws an observation and tiles, with axes in MHz and seconds

Nothing here needs TensorFlow, Beam or TFX, or reads a file as a whole.
"""
